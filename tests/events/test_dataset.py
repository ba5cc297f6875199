"""Data sets for one's own DataLoader: every event once, with any number of workers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from calovision.errors import InputError
from calovision.events.dataset import EventBatches, Inputs, labels
from calovision.events.events import Events
from calovision.events.store import EventStore, save


@pytest.fixture(scope="module")
def numbered(toy_jets: Events, tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    """Jets on disk whose label is their number."""
    columns = {**toy_jets.columns, "label": np.arange(len(toy_jets))}
    events = Events(
        toy_jets.geometry, toy_jets.offsets, toy_jets.cell, toy_jets.code, toy_jets.value, columns
    )
    return save(events, tmp_path_factory.mktemp("set") / "jets", provenance={})


def test_forms_are_those_of_the_events(toy_jets: Events) -> None:
    some = toy_jets[:5]
    dense, label = Inputs("dense").batch(some)
    np.testing.assert_array_equal(dense.numpy(), some.to_dense())
    assert label.tolist() == some.label.tolist()
    hits, _ = Inputs("hits", max_hits=10).batch(some)
    assert hits.shape == (5, 10, 4)
    first = some[0]
    strongest = np.argsort(-first.energy, kind="stable")[:10]
    np.testing.assert_allclose(hits[0, :, 3].numpy(), first.energy[strongest], rtol=1e-6)
    np.testing.assert_allclose(hits[0, :, 1].numpy(), first.eta[strongest], rtol=1e-6)
    graphs, _ = Inputs("graph", neighbours=4).batch(some)
    assert graphs.num_graphs == 5
    assert graphs.x.shape[1] == 3
    bare = Events(some.geometry, some.offsets, some.cell, some.code, some.value, {})
    assert labels(bare).tolist() == [-1] * 5
    for wrong in ({"form": "picture"}, {"form": "hits", "max_hits": 0}):
        with pytest.raises(InputError):
            Inputs(**wrong)  # type: ignore[arg-type]


def test_by_number_a_loader_sees_every_event_once(numbered: EventStore) -> None:
    data = numbered.dataset("hits", max_hits=20)
    loader = DataLoader(data, batch_size=10, shuffle=True, num_workers=2)
    seen = [int(i) for _, label in loader for i in label]
    assert sorted(seen) == list(range(64))
    assert seen != sorted(seen)
    image, label = data[7]
    assert (image.shape, int(label)) == ((20, 4), 7)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("batch", [5, 64, 200])
def test_in_batches_workers_share_the_events(
    numbered: EventStore, workers: int, batch: int
) -> None:
    data = numbered.dataset("hits", batch=batch, window=16, max_hits=5)
    loader = DataLoader(data, batch_size=None, num_workers=workers)
    seen = [label.tolist() for _, label in loader]
    assert Counter(i for part in seen for i in part) == Counter(range(64))
    assert max(map(len, seen)) <= batch
    if not workers:
        assert len(seen) == len(data)


def test_processes_share_the_events(numbered: EventStore) -> None:
    parts = [
        [int(i) for _, label in numbered.dataset("hits", batch=4, share_of=(k, 3)) for i in label]
        for k in range(3)
    ]
    assert all(parts)
    assert sorted(i for part in parts for i in part) == list(range(64))


def test_the_order_is_another_one_every_epoch_and_the_same_for_a_seed(
    numbered: EventStore,
) -> None:
    def order(data: EventBatches) -> list[int]:
        return [int(i) for _, label in data for i in label]

    first = numbered.dataset("hits", batch=8, window=16, seed=3)
    again = numbered.dataset("hits", batch=8, window=16, seed=3)
    assert isinstance(first, EventBatches)
    assert isinstance(again, EventBatches)
    one, two = order(first), order(first)
    assert one != two
    assert order(again) == one
    again.set_epoch(1)
    assert order(again) == two
    kept = numbered.dataset("hits", batch=8, window=16, seed=None)
    assert order(kept) == list(range(64))  # type: ignore[arg-type]
    loader = DataLoader(numbered.dataset("hits", batch=8), batch_size=None, num_workers=1)
    torch.manual_seed(1)
    passes = [[int(i) for _, label in loader for i in label] for _ in range(2)]
    assert passes[0] != passes[1]
