from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.features.hits import HitTokens


def test_hardest_hits_are_kept_in_order(toy_jets: Events) -> None:
    tokens = HitTokens.of(toy_jets, hits=30)
    for i in (0, 7):
        one = toy_jets[i]
        order = np.argsort(-one.energy, kind="stable")[:30]
        assert np.allclose(tokens.energy[i], one.energy[order])
        assert np.array_equal(tokens.channel[i], one.channel[order])
        assert np.allclose(tokens.position[i, :, 1], one.geometry.phi(one.cell[order]))
    assert np.allclose(tokens.total, toy_jets.sums().sum(1), rtol=1e-5)


def test_an_event_with_few_hits_is_all_hits_and_padding(toy_jets: Events) -> None:
    tokens = HitTokens.of(toy_jets, hits=int(toy_jets.n_hits.max()))
    assert np.array_equal((tokens.channel >= 0).sum(1), toy_jets.n_hits)
    features, position, mask = tokens.batch(np.array([2, 5]))
    assert not mask.all()
    assert not features[~mask].any()
    assert not position[~mask].any()


def test_events_do_not_depend_on_their_neighbours(toy_jets: Events) -> None:
    whole, alone = HitTokens.of(toy_jets, 20), HitTokens.of(toy_jets[4:5], 20)
    assert np.array_equal(whole.energy[4], alone.energy[0])
    assert np.array_equal(whole.position[4], alone.position[0])
    assert np.array_equal(whole.channel[4], alone.channel[0])


def test_many_events_are_sorted_in_several_goes(
    toy_jets: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = HitTokens.of(toy_jets, 20)
    monkeypatch.setattr("calovision.features.hits.CHUNK_EVENTS", 25)
    parts = HitTokens.of(toy_jets, 20)
    assert len(parts) == 64
    for field in ("position", "energy", "channel", "total"):
        assert np.array_equal(getattr(parts, field), getattr(whole, field))
    assert len(HitTokens.of(toy_jets[:0], 20)) == 0
