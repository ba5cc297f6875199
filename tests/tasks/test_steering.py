"""What is missing in the shapes of half-made events, and what a cut can do about it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from whole_levels import contents, levels

from calovision.events.events import Events
from calovision.tasks.partition import Partition
from calovision.tasks.steering import (
    LATER,
    LEADS,
    MANY_HITS,
    MOMENTS,
    ONE_HIT,
    SUMS,
    Steering,
    add_sums,
    lead,
    missing,
    places,
)
from calovision.tasks.totals import SHAPES, aims, learned, totals

NONE = np.zeros(3, np.float32)


def wanted(events: Events) -> tuple[np.ndarray, np.ndarray]:
    """Shapes ``(n, C, SHAPES)`` and axes that the events have."""
    table = totals(events, NONE, np.random.default_rng(1))
    asked = aims(table, len(learned(events)), NONE, events.geometry).astype(np.float32)
    return asked[:, :-2].reshape(len(events), -1, SHAPES), asked[:, -2:]


def measured(events: Events, level: int, axes: np.ndarray) -> np.ndarray:
    partition = Partition(events.geometry)
    cut, nodes, here, *_ = levels(events, level, partition)
    sums = np.zeros((len(events), cut.channels, SUMS))
    content = contents(here, nodes, cut.channels)
    add_sums(sums, 1.0, nodes, content, NONE, axes, places(partition, level))
    return sums


def test_less_is_missing_with_every_level_and_hardly_anything_in_the_end(toy_jets: Events) -> None:
    shapes, axes = wanted(toy_jets)
    spread, lacking = shapes[:, :2, :MOMENTS].std(0), []
    for level in (0, 8, 12, 17):
        sums = torch.from_numpy(measured(toy_jets, level, axes))[:, :2]
        found = missing(sums, torch.from_numpy(shapes[:, :2]).double()).numpy()
        lacking.append(found.reshape(-1, 2, SHAPES)[..., :MOMENTS].std(0) / spread)
    for before, after in pairwise(lacking):
        assert (after < before).all()
    assert (lacking[-1] < 0.3).all()


def test_a_dark_channel_lacks_nothing(toy_jets: Events) -> None:
    dark = toy_jets.keep(toy_jets.channel != 1)
    shapes, axes = wanted(dark)
    sums = torch.from_numpy(measured(dark, 4, axes))
    found = missing(sums, torch.from_numpy(shapes).double()).numpy().reshape(-1, 3, SHAPES)
    assert (found[:, 1] == 0).all()
    assert np.abs(found[:, 0]).max() > 0


def test_nodes_that_follow_their_tilts_make_up_for_what_is_missing(toy_jets: Events) -> None:
    """Parts that move by the tilt times their variance do, but for what is left for later."""
    partition, stage = Partition(toy_jets.geometry), 12
    cut, nodes, here, *_ = levels(toy_jets[:20], stage, partition)
    nodes = nodes[cut.divides(nodes)]
    content = contents(here, nodes, cut.channels)
    lit = content[:, :, 0].any(1)
    nodes, content = nodes[lit], content[lit]
    axes, fine = np.zeros((20, 2), np.float32), places(partition, stage + 1)
    sums = np.zeros((20, cut.channels, SUMS))
    add_sums(sums, 1.0, nodes, content, NONE, axes, places(partition, stage))
    even = sums[..., :MOMENTS] / np.maximum(sums[..., SHAPES:], 1e-9)
    asked = np.zeros((20, cut.channels, SHAPES), np.float32)
    asked[..., :MOMENTS] = even
    scale = np.zeros((20, 2, SHAPES * cut.channels), np.float32)
    scale[:, 1] = 1e-5  # the ridge is small in these units
    out = np.zeros((len(nodes), cut.inputs), np.float32)

    def told() -> np.ndarray:
        lead(out, cut, (nodes, content), sums, (asked, axes), scale, NONE, fine)
        return out[:, -LEADS * cut.channels :].reshape(-1, cut.channels, LEADS).copy()

    nothing = told()
    assert np.abs(nothing[..., 0]).max() < 0.05  # up to rounding of what is asked
    shares = np.zeros((20, cut.channels))
    np.add.at(shares, nodes[:, 0], nothing[..., 1] ** 2)
    assert (shares[sums[..., SHAPES] > 0] > 0.5).all()  # of all near the axis, and a few more

    asked[..., 1] += 1e-6  # eta, rad times share of the energy
    tilt = told()[..., 0] - nothing[..., 0]
    second = nodes.copy()
    second[:, 1 + cut.axis] = cut.second[second[:, 1 + cut.axis]]
    first = cut.firsts(nodes)
    lever = fine[first[:, 1], first[:, 2], 1] - fine[second[:, 1], second[:, 2], 1]
    done = np.zeros((20, cut.channels))
    spread = MANY_HITS + (ONE_HIT - MANY_HITS) / np.maximum(content[..., 0], 1)
    np.add.at(done, nodes[:, 0], content[..., 1] * spread * tilt * lever[:, None])
    done /= np.maximum(sums[..., SHAPES], 1e-9)
    able = np.median(done[sums[..., SHAPES] > 0])
    assert able == pytest.approx(1e-6 / (1 + LATER), rel=0.1)


def test_what_is_missing_is_of_order_one_after_learning(toy_jets: Events) -> None:
    shapes, axes = wanted(toy_jets)
    steering = Steering(Partition(toy_jets.geometry), totals=4)
    asked = torch.from_numpy(
        np.column_stack([np.zeros((len(toy_jets), 4)), shapes.reshape(len(toy_jets), -1), axes])
    ).float()
    sums = torch.from_numpy(measured(toy_jets, 12, axes))[:, :2]
    steering.learn(asked, sums, 12, 1)
    told = steering(asked, sums, 12, 1)
    assert told.shape == (len(toy_jets), steering.told(12))
    assert float(told[:, 4:].mean(0).abs().max()) < 0.2
    assert 0.5 < float(told[:, 4:].std(0).min()) <= float(told[:, 4:].std(0).max()) < 1.2
