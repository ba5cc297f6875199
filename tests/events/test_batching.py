from __future__ import annotations

import numpy as np
import torch

from calovision.events import Events
from calovision.events.batching import hardest_first, padded


def shuffled(events: Events, seed: int) -> Events:
    """The same events with their hits in another order."""
    rng = np.random.default_rng(seed)
    by = np.lexsort((rng.random(len(events.cell)), events.owner))
    return Events(
        events.geometry,
        events.offsets,
        events.cell[by],
        events.code[by],
        events.value[by],
        events.columns,
    )


def test_hardest_first_keeps_groups_together_and_equal_hits_in_order() -> None:
    group = np.array([1, 0, 1, 0, 1, 0])
    strength = np.array([0.5, 1e-30, 7.0, 0.0, 0.5, 3e4], np.float32)
    assert hardest_first(group, strength).tolist() == [5, 1, 3, 2, 0, 4]


def test_padded_holds_every_hit_and_zero_elsewhere(toy_jets: Events) -> None:
    batch = padded(toy_jets)
    assert batch.mask.sum(1).tolist() == toy_jets.n_hits.tolist()
    np.testing.assert_allclose(batch.energy.double().sum(1), toy_jets.sums().sum(axis=1), rtol=1e-6)
    for field in ("eta", "phi", "energy", "channel", "cell"):
        assert not getattr(batch, field)[~batch.mask].any()
    for channel in range(3):
        mine = batch.mask & (batch.channel == channel)
        assert mine.sum(1).tolist() == toy_jets.counts()[:, channel].tolist()
    assert batch.columns["label"].tolist() == toy_jets.label.tolist()


def test_padded_does_not_depend_on_the_order_of_hits(toy_jets: Events) -> None:
    a, b = padded(toy_jets, 100), padded(shuffled(toy_jets, 5), 100)
    for field in ("eta", "phi", "energy", "channel", "cell", "mask"):
        assert torch.equal(getattr(a, field), getattr(b, field))


def test_padded_keeps_the_most_energetic_hits(toy_jets: Events) -> None:
    all_hits, few = padded(toy_jets), padded(toy_jets, 10)
    assert few.energy.shape == (64, 10)
    assert torch.equal(few.energy, all_hits.energy.topk(10, dim=1).values)
    assert torch.equal(padded(toy_jets, 500).energy[:, :10], few.energy)
    stored = padded(toy_jets, order="cell")
    assert stored.cell[0][stored.mask[0]].tolist() == toy_jets[0].cell.tolist()


def test_coordinates_are_those_of_the_pixels(toy_jets: Events) -> None:
    batch = padded(toy_jets, 20)
    eta = (batch.cell // 125 - 62) * 0.0174
    assert torch.allclose(batch.eta[batch.mask], eta[batch.mask].float(), atol=1e-6)


def test_batches_move_as_one(toy_jets: Events) -> None:
    moved = padded(toy_jets[:2]).to("meta")
    assert moved.energy.device.type == moved.columns["pt"].device.type == "meta"


def test_hits_without_energy_stay_in_their_group() -> None:
    group = np.array([3, 2, 2, 3, 1])
    strength = np.array([0.0, 0.0, 1e-38, 5.0, 0.0], np.float32)
    assert hardest_first(group, strength).tolist() == [4, 2, 1, 3, 0]


def test_no_events_and_events_without_hits_are_padded(toy_jets: Events) -> None:
    assert padded(toy_jets[:0]).mask.shape == (0, 0)
    bare = toy_jets[:3].keep(np.zeros(toy_jets[:3].n_hits.sum(), np.bool_))
    assert padded(bare).energy.shape == (3, 0)
