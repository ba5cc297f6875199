"""Particle level: labels, matching, kinds of particles, silence."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from calovision.simulation import generator
from calovision.simulation.generator import DijetGenerator, Jets
from calovision.simulation.pythia import GLUON, QUARK
from calovision.simulation.truth import surroundings


@pytest.mark.parametrize("label", [GLUON, QUARK])
def test_jets_are_the_sum_of_their_constituents(generated: dict[int, Jets], label: int) -> None:
    jets = generated[label]
    around = surroundings(jets)
    truth = around.where(around.member)
    pt, eta, phi = (getattr(truth, k).astype(float) for k in ("pt", "eta", "phi"))
    px, py = np.add.reduceat([pt * np.cos(phi), pt * np.sin(phi)], truth.offsets[:-1], axis=1)
    pz = np.add.reduceat(pt * np.sinh(eta), truth.offsets[:-1])
    np.testing.assert_allclose(np.hypot(px, py), jets.pt, rtol=1e-4)
    np.testing.assert_allclose(np.arctan2(py, px), jets.phi, atol=1e-4)
    np.testing.assert_allclose(np.arcsinh(pz / np.hypot(px, py)), jets.eta, atol=1e-4)


@pytest.mark.parametrize("label", [GLUON, QUARK])
def test_jets_qualify_and_follow_their_parton(generated: dict[int, Jets], label: int) -> None:
    jets = generated[label]
    assert np.all(jets.label == label)
    assert np.all(np.abs(jets.eta) < generator.JET_ETA)
    assert np.all(jets.pt > generator.JET_PT)
    assert np.median(jets.pt / jets.parton_pt) == pytest.approx(0.97, abs=0.08)
    assert np.all((jets.parton_pt > 85) & (jets.parton_pt < 175))
    assert 1.0 < len(jets) / 40 <= 2.0  # both jets of most collisions


def test_gluon_jets_have_more_constituents(generated: dict[int, Jets]) -> None:
    around = [surroundings(generated[label]) for label in (GLUON, QUARK)]
    gluon, quark = (found.member.sum() / len(found) for found in around)
    assert gluon > 1.15 * quark


def test_kinds_and_charges(generated: dict[int, Jets]) -> None:
    particles = generated[GLUON].particles
    for pdg, kind, charge in (
        (22, generator.PHOTON, 0),
        (-11, generator.ELECTRON, 1),
        (211, generator.CHARGED_HADRON, 1),
        (-211, generator.CHARGED_HADRON, -1),
        (-2212, generator.CHARGED_HADRON, -1),
        (130, generator.NEUTRAL_HADRON, 0),
        (-2112, generator.NEUTRAL_HADRON, 0),
    ):
        mine = particles.pdg == pdg
        assert mine.any()
        assert np.all(particles.kind[mine] == kind)
        assert np.all(particles.charge[mine] == charge)
    assert not np.isin(np.abs(particles.pdg), (12, 14, 16)).any()


def test_same_seed_same_jets() -> None:
    first, second, other = (DijetGenerator(s, 0.5).generate(QUARK, 5) for s in (11, 11, 12))
    np.testing.assert_array_equal(first.particles.pt, second.particles.pt)
    np.testing.assert_array_equal(first.pt, second.pt)
    assert not np.array_equal(first.pt, other.pt)


def test_nothing_is_printed() -> None:
    program = (
        "from calovision.simulation.generator import DijetGenerator; "
        "DijetGenerator(1, 0.5).generate(0, 2)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == ""
