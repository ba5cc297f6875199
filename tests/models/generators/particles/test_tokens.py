"""Particles as sequences and back: pions, order, and what adds up."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.particle_lists import ParticleLists
from calovision.models.generators.particles.sampling import balanced
from calovision.models.generators.particles.tokens import (
    PHOTON,
    PION,
    Sequences,
    decayed,
    identities,
    sequences,
)


def jet_momenta(lists: ParticleLists) -> NDArray[np.float64]:
    """``(4, n)`` of each jet's own particles, GeV."""
    return np.stack(
        [np.bincount(lists.owner, p * lists.member, len(lists)) for p in lists.momenta()]
    )


@pytest.fixture
def found(jets: Events) -> Sequences:
    return sequences(jets, identities(jets))


def test_members_come_first_hardest_first(found: Sequences) -> None:
    for i in range(len(found)):
        own = slice(found.offsets[i], found.offsets[i] + found.members[i])
        others = slice(found.offsets[i] + found.members[i], found.offsets[i + 1])
        for part in (own, others):
            assert np.all(np.diff(found.log_pt[part]) <= 0)
    assert found.members.min() > 0


def test_photons_of_pions_become_pions(jets: Events, found: Sequences) -> None:
    particles = jets.particles
    assert particles is not None
    pions = found.kind == np.searchsorted(identities(jets), PION)
    photons = found.kind == np.searchsorted(identities(jets), PHOTON)
    # most photons are in pairs; of other pions one photon was too soft or flew away
    assert 2 * pions.sum() > 0.5 * (particles.pdg == PHOTON).sum()
    assert 2 * pions.sum() + photons.sum() == (particles.pdg == PHOTON).sum()


def test_there_and_back_a_jet_is_the_same(jets: Events, found: Sequences) -> None:
    axis = np.stack([jets["eta"], jets["phi"]], 1).astype(float)
    back = decayed(found, identities(jets), axis, np.random.default_rng(1))
    total = jet_momenta(back)
    np.testing.assert_allclose(np.hypot(*total[:2]), jets.gen_pt, rtol=2e-3)
    np.testing.assert_allclose(np.arcsinh(total[2] / np.hypot(*total[:2])), jets["eta"], atol=5e-3)
    mass = np.sqrt(total[3] ** 2 - (total[:3] ** 2).sum(0))
    np.testing.assert_allclose(mass, jets.gen_m0, rtol=0.02, atol=0.1)


def test_pions_decay_evenly_in_their_own_frame() -> None:
    n = 20_000
    zeros = np.zeros(n, np.float32)
    pions = Sequences(
        np.arange(n + 1), np.ones(n, np.int64), np.zeros(n, np.int64), zeros + 1, zeros, zeros
    )
    photons = decayed(pions, np.array([PION]), np.zeros((n, 2)), np.random.default_rng(2))
    assert np.all(photons.counts == 2)
    p = photons.momenta()
    np.testing.assert_allclose(p[3], np.sqrt((p[:3] ** 2).sum(0)), rtol=1e-5)
    both = p.reshape(4, n, 2).sum(2)
    mass = np.sqrt(np.maximum(both[3] ** 2 - (both[:3] ** 2).sum(0), 0))
    np.testing.assert_allclose(mass, 0.13498, rtol=0.02)
    # flat in the energy share of a photon: (1 + beta cos) / 2
    share = p[3].reshape(n, 2)[:, 0] / both[3]
    assert np.histogram(share, 10, (0, 1))[0] == pytest.approx(n / 10, rel=0.1)


def test_balanced_jets_add_up_exactly(jets: Events, found: Sequences) -> None:
    shaken = Sequences(
        found.offsets, found.members, found.kind, found.log_pt + 0.1, found.eta + 0.03, found.phi
    )
    eta = jets["eta"].astype(float)
    right = balanced(shaken, jets.gen_pt.astype(float), eta)
    axis = np.stack([eta, np.zeros(len(jets))], 1)
    total = jet_momenta(decayed(right, identities(jets), axis, np.random.default_rng(1)))
    pt = np.hypot(*total[:2])
    np.testing.assert_allclose(pt, jets.gen_pt, rtol=1e-5)
    np.testing.assert_allclose(np.arctan2(total[1], total[0]), 0, atol=1e-5)
    np.testing.assert_allclose(np.arcsinh(total[2] / pt), eta, atol=1e-5)
    own = np.arange(len(found.kind)) - np.repeat(found.offsets[:-1], found.counts)
    others = own >= np.repeat(found.members, found.counts)
    np.testing.assert_array_equal(right.log_pt[others], shaken.log_pt[others])


def test_events_without_particles_are_refused(toy_jets: Events) -> None:
    with pytest.raises(InputError, match="do not keep their particles") as refused:
        identities(toy_jets)
    assert "--particles" in str(refused.value.remedy)
