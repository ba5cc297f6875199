"""Compiled draws against the samplers of the laws, which graphs of deployed models consist of."""

from __future__ import annotations

import numpy as np
import torch

from calovision.models.generators.splitting.compiled_sampling import (
    draw_counts,
    draw_energies,
    open_counts,
    open_energies,
)
from calovision.networks.logistic_mixture import COUNT, ENERGY
from calovision.networks.splitter import count_sample, energy_sample

MANY = 4000


def test_they_draw_what_the_laws_say() -> None:
    rng = np.random.default_rng(1)
    nodes = np.zeros((MANY, 3), np.int32)
    nodes[:, 2] = rng.integers(9, size=MANY)
    cells = rng.integers(1, 12, (2, 1, 9, 1)).astype(np.float32)
    room = cells[:, 0, nodes[:, 2], 0]
    whole = np.empty((MANY, 1, 2), np.float32)
    whole[:, 0, 0] = np.floor(rng.random(MANY) * (room.sum(0) + 1))
    whole[:, 0, 1] = rng.exponential(2, MANY) * (whole[:, 0, 0] > 0)
    uniform = rng.random((MANY, 1, 4), np.float32)
    first, limits, space = (
        np.empty_like(whole),
        np.empty((MANY, 2), np.float32),
        np.empty(MANY, int),
    )
    rows = space[: open_counts(0, nodes, whole, cells, first, limits, space)].copy()
    low, high = np.maximum(whole[:, 0, 0] - room[1], 0), np.minimum(whole[:, 0, 0], room[0])
    assert np.array_equal(rows, np.flatnonzero(low < high))
    assert np.array_equal(first[:, 0, 0], low)

    law = rng.normal(0, 1, (len(rows), COUNT)).astype(np.float32)
    draw_counts(0, rows, law, uniform, limits, first)
    given = (law, uniform[rows, 0, :2], low[rows], high[rows])
    wanted = count_sample(*(torch.from_numpy(x) for x in given)).numpy()
    assert (first[rows, 0, 0] == wanted).mean() > 0.999
    assert len(np.unique(wanted)) > 5

    rows = space[: open_energies(0, whole, first, space)].copy()
    part, hits = first[:, 0, 0], whole[:, 0, 0]
    assert np.array_equal(rows, np.flatnonzero((part > 0) & (part < hits)))
    assert np.array_equal(first[part == hits, 0, 1], whole[part == hits, 0, 1])
    law = rng.normal(0, 1, (len(rows), ENERGY)).astype(np.float32)
    draw_energies(0, rows, law, uniform, whole, first)
    given = (law, uniform[rows, 0, 2:])
    wanted = energy_sample(*(torch.from_numpy(x) for x in given)).numpy()
    np.testing.assert_allclose(first[rows, 0, 1], wanted * whole[rows, 0, 1], rtol=2e-3, atol=1e-6)
