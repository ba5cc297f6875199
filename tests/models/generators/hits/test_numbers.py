"""Numbers of jets: there and back, and what they are."""

from __future__ import annotations

import numpy as np
import torch

from calovision.events.events import Events
from calovision.models.generators.hits.numbers import COUNTS, SUMS, WINDOW
from calovision.models.generators.hits.task import HitsTask


def test_there_and_back(jets: Events, task: HitsTask) -> None:
    numbers = torch.from_numpy(task.dataset(jets).numbers)
    spread = torch.rand(len(numbers), 4, generator=torch.Generator().manual_seed(1)) * 0.98 + 0.01
    shown = task.jets.normal(numbers, spread)
    torch.testing.assert_close(task.jets.physical(shown), numbers, rtol=1e-3, atol=2e-3)
    assert bool((shown > task.jets.law.low - 0.6).all())
    np.testing.assert_allclose(np.cov(shown.numpy().T), np.eye(shown.shape[1]), atol=0.1)


def test_what_they_are(jets: Events, task: HitsTask) -> None:
    numbers = task.dataset(jets).numbers
    counts = jets.counts()
    np.testing.assert_array_equal(numbers[:, COUNTS][:, :2], counts[:, [2, 0]])
    np.testing.assert_allclose(numbers[:, 0], jets["gen_pt"])
    assert np.all(numbers[:, WINDOW] >= 0)
    tracks = jets.sums()[:, 0] / np.exp(task.read_out.thresholds[0, 0])
    np.testing.assert_allclose(numbers[:, SUMS][:, 1], tracks, rtol=1e-4)


def test_drawn_numbers_are_possible(task: HitsTask) -> None:
    uniform = torch.rand(500, task.jets.size, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = task.jets.sample(torch.ones(500), uniform)
    whole = torch.cat([found[:, WINDOW, None], found[:, COUNTS]], 1)
    assert bool((whole == whole.round()).all())
    assert bool((whole >= 0).all())
    assert bool((found[:, SUMS] >= 0).all())
    assert bool((found[:, COUNTS] <= task.jets.most).all())


def test_a_kind_that_no_jet_has_is_not_drawn(jets: Events, task: HitsTask) -> None:
    without = jets.keep(jets.channel != 2)
    made = HitsTask.from_events(task.config, jets.geometry, without)
    uniform = torch.rand(500, made.jets.size, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = made.jets.sample(torch.ones(500), uniform)
    assert not found[:, COUNTS][:, 0].any()
    assert bool((found[:, COUNTS][:, 1] > 0).any())
