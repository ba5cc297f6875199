from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch

from calovision.events.events import Events
from calovision.models.autoencoders.point_batches import (
    COARSE_POINTS,
    TRACK_POINTS,
    PointDataset,
    Scaling,
    summarise,
)

POINTS = 60


@pytest.fixture(scope="module")
def dataset(toy_jets: Events) -> PointDataset:
    return PointDataset.of(toy_jets, POINTS)


def test_every_hit_is_kept_once(toy_jets: Events, dataset: PointDataset) -> None:
    for i in (0, 5, 63):
        mine = slice(*dataset.offsets[i : i + 2])
        one = toy_jets[i]
        assert np.allclose(
            np.sort(np.exp(dataset.log_energy[mine])), np.sort(one.energy), rtol=1e-5
        )
        assert np.array_equal(np.bincount(dataset.channel[mine], minlength=3), one.counts()[0])


def test_points_go_to_the_hardest_hits_of_each_channel(
    toy_jets: Events, dataset: PointDataset
) -> None:
    for i in range(10):
        start, end = dataset.offsets[i : i + 2]
        lead = slice(start, start + dataset.points[i])
        rest = slice(start + dataset.points[i], end)
        for c in range(3):
            inside = dataset.log_energy[lead][dataset.channel[lead] == c]
            outside = dataset.log_energy[rest][dataset.channel[rest] == c]
            assert (np.diff(inside) <= 0).all()
            if len(inside) and len(outside):
                assert inside.min() >= outside.max()


def test_number_of_points_and_caps(make_jets: Callable[[int, int], Events]) -> None:
    events = make_jets(20, 3)
    dataset = PointDataset.of(events, 320)
    assert (dataset.points <= 320).all()
    assert (dataset.points == np.minimum(events.n_hits, 320))[events.counts()[:, 0] <= 120].all()
    assert TRACK_POINTS + COARSE_POINTS < 320


def test_batch_restores_energies_and_hides_padding(dataset: PointDataset) -> None:
    scaling = Scaling.fit(dataset, 3)
    hits, summary = dataset.batch(np.array([3, 1, 8]), scaling)
    lengths = np.diff(dataset.offsets)[[3, 1, 8]]
    assert hits.mask.sum(1).tolist() == lengths.tolist()
    assert torch.isfinite(summary).all()
    log_energy = scaling.restore(hits.energy, hits.channel)[0, : lengths[0]]
    mine = slice(*dataset.offsets[3:5])
    assert np.allclose(log_energy.numpy(), dataset.log_energy[mine], atol=1e-4)
    assert (hits.energy[~hits.mask] == 0).all()


def test_summary_starts_with_counts_and_sums(toy_jets: Events) -> None:
    summary = summarise(toy_jets)
    assert np.allclose(np.exp(summary[:, :3]) - 0.5, toy_jets.counts(), rtol=1e-4)
    assert np.allclose(np.exp(summary[:, 3:6]) - 1e-3, toy_jets.sums(), rtol=1e-4)
    assert np.allclose(np.exp(summary[:, -1]), toy_jets.columns["m0"], rtol=1e-5)


def test_empty_event_has_a_finite_summary(toy_jets: Events) -> None:
    none = toy_jets[:2]
    empty = Events(
        none.geometry,
        np.zeros(3, np.int64),
        none.cell[:0],
        none.code[:0],
        none.value[:0],
        none.columns,
    )
    assert np.isfinite(summarise(empty)).all()


def test_events_without_a_hit_make_a_batch(toy_jets: Events, dataset: PointDataset) -> None:
    empty = PointDataset.of(toy_jets.keep(np.zeros(len(toy_jets.cell), bool)), points=40)
    hits, summary = empty.batch(np.arange(3), Scaling.fit(dataset, 3))
    assert hits.channel.shape == (3, 1)
    assert not hits.mask.any()
    assert torch.isfinite(summary).all()


def test_events_are_sorted_in_groups(toy_jets: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    views, peaks = [], []
    for group in (len(toy_jets), 7):
        monkeypatch.setattr("calovision.models.autoencoders.point_batches.GROUP", group)
        tracemalloc.start()
        views.append(PointDataset.of(toy_jets, 40))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 0.6 * peaks[0]
    for field in fields(PointDataset):
        np.testing.assert_array_equal(*(getattr(dataset, field.name) for dataset in views))
