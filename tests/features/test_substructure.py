from __future__ import annotations

from collections.abc import Callable

import awkward as ak
import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from calovision.events.events import Events, offsets_of
from calovision.events.geometry import JET_IMAGES
from calovision.features import substructure
from calovision.features.substructure import (
    EEC_BINS,
    EEC_WIDTH,
    SUBJETS,
    energy_correlator,
    n_subjettiness,
)
from calovision.utils.quiet import quiet

ECAL = (False, True, False)
CENTRES = (np.arange(EEC_BINS) + 0.5) * EEC_WIDTH
#: of the package energyflow 1.4.0: EFP([(0, 1)], measure="hadr", beta=1, normed=True)
ENERGYFLOW = (0.10232718842160635, 0.11640244670920812, 0.1019316267850586)


def events_of(jets: list[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Events:
    """Jets with hits (cell, GeV) in the ECAL alone."""
    cells, energies = [], []
    for cell, energy in jets:
        order = np.argsort(cell)
        cells.append(cell[order])
        energies.append(energy[order])
    cell = np.concatenate(cells).astype(np.uint16)
    value = np.concatenate(energies).astype(np.float32) / np.float32(
        JET_IMAGES.channels[1].gev_per_unit
    )
    return Events(
        JET_IMAGES,
        offsets_of([len(c) for c in cells]),
        cell,
        np.ones(len(cell), np.uint8),
        value,
    )


@pytest.fixture(scope="module")
def random_jets() -> Events:
    """Three jets of twelve hits in the middle of the window, as energyflow was shown."""
    rng, jets = np.random.default_rng(3), []
    for _ in range(3):
        cell = rng.choice(15 * 15, 12, replace=False)
        row, col = cell // 15 + 55, cell % 15 + 55
        jets.append((row * 125 + col, rng.exponential(5, 12).astype(np.float32)))
    return events_of(jets)


def test_the_mean_distance_of_pairs_is_that_of_energyflow(random_jets: Events) -> None:
    found = energy_correlator(random_jets, ECAL) @ CENTRES
    assert found == pytest.approx(ENERGYFLOW, abs=EEC_WIDTH / 2)
    shifted = energy_correlator(random_jets, ECAL).sum(axis=1)
    share = np.array([e / e.sum() for e in np.split(random_jets.energy, 3)], np.float64)
    assert shifted == pytest.approx(1 - (share**2).sum(axis=1), rel=1e-5)


def test_the_correlator_is_that_of_fastjet(random_jets: Events) -> None:
    """ECF(2) over ECF(1) squared (arXiv:1305.0007) counts each pair once."""
    with quiet():
        clusters = fastjet.ClusterSequence(
            momenta(random_jets), fastjet.JetDefinition(fastjet.kt_algorithm, 10.0)
        )
        ecf = clusters.exclusive_jets_energy_correlator(
            njets=1, beta=1, npoint=2, func="generic", normalized=True
        ).to_numpy()
    found = energy_correlator(random_jets, ECAL) @ CENTRES
    assert found == pytest.approx(2 * ecf, abs=EEC_WIDTH)


def momenta(events: Events) -> ak.Array:
    """The hits of an event as massless particles."""
    eta, phi = (x(events.cell).astype(float) for x in (events.geometry.eta, events.geometry.phi))
    pt = events.energy.astype(float)
    parts = pt * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)])
    named = dict(zip(("px", "py", "pz", "E"), parts, strict=True))
    return ak.unflatten(ak.zip(named, with_name="Momentum4D"), events.n_hits)


def test_n_subjettiness_is_its_formula_at_the_kt_axes(
    random_jets: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(substructure, "AXES", "KT_Axes")
    found = n_subjettiness(random_jets)
    with quiet():
        clusters = fastjet.ClusterSequence(
            momenta(random_jets), fastjet.JetDefinition(fastjet.kt_algorithm, 0.8)
        )
        subjets = {k: clusters.exclusive_jets(n_jets=k) for k in SUBJETS}
    geometry, bounds = random_jets.geometry, random_jets.offsets
    for event in range(3):
        rows = slice(bounds[event], bounds[event + 1])
        eta, phi = geometry.eta(random_jets.cell[rows]), geometry.phi(random_jets.cell[rows])
        pt = random_jets.energy[rows].astype(float)
        for k in SUBJETS:
            axes = subjets[k][event]
            x, y, z, e = (ak.to_numpy(axes[name]) for name in ("px", "py", "pz", "E"))
            rapidity, angle = np.arctanh(z / e), np.arctan2(y, x)
            apart = np.hypot(eta[:, None] - rapidity, phi[:, None] - angle).min(axis=1)
            assert found[f"tau{k}"][event] == pytest.approx((pt * apart).sum() / (0.4 * pt.sum()))
    assert found["tau21"] == pytest.approx(found["tau2"] / found["tau1"])


def test_prongs_are_counted() -> None:
    """Two spots of equal energy have no tau2, three none of tau3."""
    two = np.array([60 * 125 + 62, 66 * 125 + 62])
    three = np.append(two, 63 * 125 + 70)
    found = n_subjettiness(events_of([(two, np.full(2, 9, "f4")), (three, np.full(3, 9, "f4"))]))
    assert found["tau1"][0] == pytest.approx(3 * 0.0174 / 0.4, rel=1e-5)
    assert found["tau21"][0] == 0
    assert found["tau21"][1] > 0.3
    assert found["tau32"].tolist() == [0, 0]
    pairs = energy_correlator(events_of([(two, np.full(2, 9, "f4"))]), ECAL)[0]
    assert pairs[int(6 * 0.0174 / EEC_WIDTH)] == pytest.approx(0.5)
    assert pairs.sum() == pytest.approx(0.5)


def test_events_without_hits_near_the_axis_have_nothing(
    make_jets: Callable[[int, int], Events],
) -> None:
    jets = make_jets(3, 1)
    tracks_alone = jets.keep(jets.channel == 0)
    empty = jets.keep(np.zeros(len(jets.cell), bool))
    for events in (tracks_alone, empty, jets[:0]):
        assert all(not v.any() and len(v) == len(events) for v in n_subjettiness(events).values())
        assert not energy_correlator(events, ECAL).any()
    mixed = jets.keep((jets.owner != 1) | (jets.channel == 0))
    whole, part = n_subjettiness(jets), n_subjettiness(mixed)
    assert np.array_equal(part["tau2"][[0, 2]], whole["tau2"][[0, 2]])
    assert part["tau2"][1] == 0


def test_energies_scale_out(random_jets: Events) -> None:
    doubled = Events(
        JET_IMAGES,
        random_jets.offsets,
        random_jets.cell,
        random_jets.code,
        2 * random_jets.value,
    )
    for name, values in n_subjettiness(random_jets).items():
        assert n_subjettiness(doubled)[name] == pytest.approx(values, abs=1e-6)
    assert energy_correlator(doubled, ECAL) == pytest.approx(energy_correlator(random_jets, ECAL))
