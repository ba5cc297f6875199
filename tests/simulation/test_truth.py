"""Particles around jets before the detector, and the shapes of what is clustered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.events.particle_lists import ParticleLists
from calovision.simulation.generator import Jets
from calovision.simulation.pythia import GLUON
from calovision.simulation.truth import REACH, jet_shapes, surroundings


def jets(*parts: list[tuple[int, float, float, float]]) -> ParticleLists:
    """Jets from lists of (pdg, pt GeV, eta, phi rad)."""
    rows = np.array([p for part in parts for p in part])
    numbers = (rows[:, i].astype(np.float32) for i in (1, 2, 3, 1))
    offsets = np.cumsum([0, *map(len, parts)])
    return ParticleLists(offsets, rows[:, 0].astype(np.int32), *numbers, np.ones(len(rows), bool))


def test_shapes_of_simple_jets() -> None:
    pair = [(211, 5.0, 0.3, 3.1), (22, 5.0, 0.3, -3.1)]  # phi wraps round between them
    alone = [(-11, 7.0, -1.0, 0.0)]
    found = jet_shapes(jets(pair, alone))
    assert found["gen_n"].tolist() == [2, 1]
    assert found["gen_n_charged"].tolist() == [1, 1]
    assert found["gen_girth"] == pytest.approx([np.pi - 3.1, 0.0], abs=1e-5)
    assert found["gen_ptd"] == pytest.approx([2**-0.5, 1.0])


def test_others_than_members_do_not_shape_a_jet() -> None:
    pair = jets([(211, 5.0, 0.3, 3.1), (22, 5.0, 0.3, -3.1)])
    pair.member[1] = False
    assert jet_shapes(pair)["gen_n"].tolist() == [1]


def test_chosen_jets_keep_their_particles() -> None:
    three = jets([(22, 1.0, 0.0, 0.0)], [(22, 2.0, 0.0, 0.0)] * 2, [(22, 3.0, 0.0, 0.0)] * 3)
    picked = three[[2, 0]]
    assert picked.counts.tolist() == [3, 1]
    assert picked.pt.tolist() == [3.0, 3.0, 3.0, 1.0]
    assert three.where(three.pt > 1).counts.tolist() == [0, 2, 3]


def test_surroundings_are_what_the_detector_sees(generated: dict[int, Jets]) -> None:
    found = surroundings(generated[GLUON])
    assert not np.any(found.counts - [np.sum(found.owner == i) for i in range(len(found))])
    eta = generated[GLUON].eta[found.owner]
    away = found.phi - generated[GLUON].phi[found.owner]
    away = np.abs((away + np.pi) % (2 * np.pi) - np.pi)
    assert np.all((np.abs(found.eta - eta) < REACH) | found.member)
    # neutral particles fly straight, soft charged ones come from further away in phi
    assert np.all(away[found.pdg == 22] < REACH)
    assert np.any(away[np.abs(found.pdg) == 211] > REACH)
    assert 0.2 < found.member.mean() < 0.8


def test_simulated_sets_keep_particles_on_request(tmp_path: Path) -> None:
    options = {"seed": 4, "pileup": 0, "quiet": True}
    kept = cv.simulate.jets(6, particles=True, **options)
    plain = cv.simulate.jets(6, **options)
    assert plain.particles is None
    np.testing.assert_array_equal(kept.value, plain.value)
    cv.save(kept, tmp_path / "set")
    back = cv.load(tmp_path / "set")
    assert back.load() == kept
    np.testing.assert_array_equal(back[[3]].particles.pt, kept.particles[[3]].pt)
    both = cv.concatenate([back[[5]], kept[[2]]])
    assert both.particles.counts.tolist() == kept.particles.counts[[5, 2]].tolist()
    assert cv.concatenate([kept, plain]).particles is None
    assert kept.keep(kept.energy > 1).particles is kept.particles
    records = kept.to_awkward()
    assert records.particles.pdg[4].tolist() == kept.particles[[4]].pdg.tolist()
