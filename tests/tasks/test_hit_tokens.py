from __future__ import annotations

import numpy as np

from calovision.events.events import Events
from calovision.tasks.hit_tokens import TILE_TOKENS, HitTokens


def test_hardest_hits_are_kept_and_the_rest_is_summed(toy_jets: Events) -> None:
    tokens = HitTokens.of(toy_jets, hits=30)
    for i in (0, 7):
        one = toy_jets[i]
        hardest = np.sort(one.energy)[::-1]
        assert np.allclose(tokens.energy[i, :30], hardest[:30])
        tiles = tokens.energy[i, 30:]
        assert (np.diff(tiles) <= 0).all()
        if (tokens.kind[i, 30:] < 0).any():
            assert np.isclose(tiles.sum(), hardest[30:].sum(), rtol=1e-5)
        else:
            assert len(tiles) == TILE_TOKENS


def test_an_event_with_few_hits_is_all_hits_and_padding(toy_jets: Events) -> None:
    most = int(toy_jets.n_hits.max())
    tokens = HitTokens.of(toy_jets, hits=most)
    assert np.array_equal((tokens.kind >= 0).sum(1), toy_jets.n_hits)
    assert (tokens.kind[:, most:] == -1).all()
    features, position, mask = tokens.batch(np.array([2, 5]))
    assert not features[~mask].any()
    assert not position[~mask].any()


def test_events_do_not_depend_on_their_neighbours(toy_jets: Events) -> None:
    whole, alone = HitTokens.of(toy_jets, 20), HitTokens.of(toy_jets[4:5], 20)
    assert np.array_equal(whole.energy[4], alone.energy[0])
    assert np.array_equal(whole.position[4], alone.position[0])
    assert np.array_equal(whole.kind[4], alone.kind[0])
