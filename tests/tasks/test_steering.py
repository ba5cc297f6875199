"""Shapes of half-made events, and how laws are tilted to what is asked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from whole_levels import contents, levels

from calovision.events.events import Events
from calovision.tasks.cascade import CascadeTask
from calovision.tasks.config import load_config
from calovision.tasks.growth import fresh_numbers, grown
from calovision.tasks.models import build
from calovision.tasks.partition import Partition
from calovision.tasks.steering import (
    LATER,
    MOMENTS,
    TOLERANCE,
    Aims,
    Round,
    add_sums,
    places,
)
from calovision.tasks.totals import BY_ENERGY, aims, learned, totals

NONE = np.zeros(3, np.float32)


def wanted(events: Events) -> Aims:
    """Shapes and axes that the events have."""
    table = totals(events, NONE, np.random.default_rng(1))
    asked = aims(table, len(learned(events)), NONE, events.geometry)
    return Aims(asked[:, :-2].reshape(len(events), -1, BY_ENERGY), asked[:, -2:])


def measured(events: Events, level: int, axes: np.ndarray) -> np.ndarray:
    partition = Partition(events.geometry)
    cut, nodes, here, *_ = levels(events, level, partition)
    sums = np.zeros((len(events), cut.channels, MOMENTS + 1))
    content = contents(here, nodes, cut.channels)
    add_sums(sums, 1.0, nodes, content, NONE, axes, places(partition, level))
    return sums


def test_less_is_missing_with_every_level_and_hardly_anything_in_the_end(toy_jets: Events) -> None:
    asked = wanted(toy_jets)
    spread, lacking = asked.shapes[:, :2, :MOMENTS].std(0), []
    for level in (0, 8, 12, 17):
        sums = measured(toy_jets, level, asked.axes)[:, :2]
        share = sums[..., :MOMENTS] / np.maximum(sums[..., MOMENTS:], 1e-9)
        lacking.append((asked.shapes[:, :2, :MOMENTS] - share).std(0) / spread)
    for before, after in pairwise(lacking):
        assert (after < before).all()
    assert (lacking[-1] < 0.3).all()


def test_tilts_make_up_for_what_is_missing_but_for_what_comes_later(toy_jets: Events) -> None:
    partition, stage = Partition(toy_jets.geometry), 12
    cut, nodes, here, *_ = levels(toy_jets[:20], stage, partition)
    nodes = nodes[cut.divides(nodes)]
    content = contents(here, nodes, cut.channels)
    lit = content[:, :, 0].any(1)
    nodes, content = nodes[lit], content[lit]
    axes, place = np.zeros((20, 2)), [places(partition, at) for at in (stage, stage + 1)]
    sums = np.zeros((20, cut.channels, MOMENTS + 1))
    add_sums(sums, 1.0, nodes, content, NONE, axes, place[0])
    parts = np.column_stack([np.full(len(nodes), 0.5), np.full(len(nodes), 1e3)])  # can do much
    given = np.zeros((20, cut.channels, BY_ENERGY))
    round_ = Round(cut, nodes, content, NONE, sums, Aims(given, axes), *place)
    energy, channel, eta = content[:, 0, 1].astype(float), 0, 1
    levers = round_.moments[:, 1] - round_.moments[:, 2]
    middle = (round_.moments[:, 1] + round_.moments[:, 2]) / 2 - round_.moments[:, 0]
    expected = sums[:, channel, :MOMENTS].copy()
    np.add.at(expected, nodes[:, 0], energy[:, None] * middle)
    total = np.maximum(sums[:, channel, MOMENTS:], 1e-9)
    given[:, channel, :MOMENTS] = expected / total
    assert np.abs(round_.tilts(channel, parts)).max() < 1e-6  # all is as it should be
    given[:, channel, eta] += 2e-3
    tilts = round_.tilts(channel, parts)
    done = np.zeros((20, MOMENTS))
    np.add.at(done, nodes[:, 0], (energy * parts[:, 1] * tilts)[:, None] * levers)
    able = total[:, 0] > 1e-6
    assert np.median((done / total)[able, eta]) == pytest.approx(2e-3 / (1 + LATER), rel=0.15)
    assert np.abs(np.median((done / total)[able], 0)[[0, 2, 4]]).max() < TOLERANCE.max()
    still = np.column_stack([parts[:, 0], np.zeros(len(nodes))])  # can do nothing
    assert np.isfinite(round_.tilts(channel, still)).all()


def test_steered_events_have_the_shapes_that_were_asked_for(toy_jets: Events) -> None:
    """Networks that know nothing, but are told where to go."""
    sizes = {"width": 16, "head": 8, "flow": 16, "steps": 2, "select": 0}
    task = build(
        load_config("jet-generator", "cascade", overrides=sizes), toy_jets.geometry, toy_jets
    )
    assert isinstance(task, CascadeTask)
    view = task.eval().view(toy_jets)
    true, found = wanted(toy_jets).shapes[:, :2], {}
    for steered in (False, True):
        rng = np.random.default_rng(1)
        given = task, view.normal.astype(np.float64), view.label, fresh_numbers(rng)
        found[steered] = wanted(grown(*given, steered=steered)).shapes[:, :2]
    for shape in (0, 3, 4):  # where energy is; there is little to be seen of axes in toy jets
        away = {k: np.abs(v - true)[..., shape].mean() for k, v in found.items()}
        assert away[True] < away[False], shape
