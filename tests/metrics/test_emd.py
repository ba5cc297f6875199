from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from calovision.errors import InputError
from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI
from calovision.metrics import emd
from calovision.metrics.emd import emd_metrics, emd_per_event, transport

TRACK, ECAL, HCAL = range(3)


def by_linear_program(source, sink, distance):
    """The definition of arXiv:1902.02346, solved by another program."""
    n, m = distance.shape
    rows = np.kron(np.eye(n), np.ones(m))
    cols = np.kron(np.ones(n), np.eye(m))
    answer = linprog(
        distance.ravel(),
        A_ub=np.vstack([rows, cols]),
        b_ub=np.concatenate([source, sink]),
        A_eq=np.ones((1, n * m)),
        b_eq=[min(source.sum(), sink.sum())],
    )
    return answer.fun + abs(source.sum() - sink.sum())


@pytest.mark.parametrize(("d_row", "d_col"), [(3, 0), (0, 7), (10, 20)])
def test_moving_one_hit_costs_energy_times_distance(make_events, d_row, d_col):
    true = make_events([(ECAL, 50, 50, 8.0)])
    rec = make_events([(ECAL, 50 + d_row, 50 + d_col, 8.0)])
    theta = np.hypot(d_row * CRYSTAL_ETA, d_col * CRYSTAL_PHI)
    assert emd_per_event(true, rec)[0] == pytest.approx([0, 8 * theta, 0], rel=1e-4)
    assert emd_per_event(true, rec, radius=0.5)[0, 1] == pytest.approx(16 * theta, rel=1e-4)


def test_energy_difference_adds_to_the_work(make_events):
    true = make_events([(ECAL, 50, 50, 8.0)])
    rec = make_events([(ECAL, 60, 50, 5.0)])
    expected = 5 * 10 * CRYSTAL_ETA + 3
    assert emd_per_event(true, rec)[0, 1] == pytest.approx(expected, rel=1e-4)


def test_energy_does_not_move_between_channels(make_events):
    true, rec = make_events([(ECAL, 62, 62, 8.0)]), make_events([(HCAL, 62, 62, 8.0)])
    assert emd_per_event(true, rec)[0] == pytest.approx([0, 8, 8], rel=1e-4)


def test_a_tower_is_one_point(make_events):
    true, rec = make_events([(HCAL, 62, 62, 8.0)]), make_events([(HCAL, 62, 67, 8.0)])
    assert emd_per_event(true, rec)[0, 2] == pytest.approx(8 * 5 * CRYSTAL_PHI, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_transport_solves_the_published_problem(seed):
    rng = np.random.default_rng(seed)
    source, sink = rng.exponential(size=7), rng.exponential(size=5)
    points = rng.uniform(-1, 1, (12, 2))
    distance = np.linalg.norm(points[:7, None] - points[None, 7:], axis=-1)
    expected = by_linear_program(source, sink, distance)
    assert transport(source, sink, distance) == pytest.approx(expected, rel=1e-6)
    assert transport(sink, source, distance.T) == pytest.approx(expected, rel=1e-6)


def test_cancelling_shared_energy_changes_nothing(toy_jets, smeared):
    true, rec = toy_jets[:1], smeared[:1]
    geometry = true.geometry
    whole = []
    for c in range(3):
        mine = true.channel == c
        eta, phi = geometry.eta(true.cell[mine]), geometry.phi(true.cell[mine])
        theta = np.hypot(eta[:, None] - eta, phi[:, None] - phi).astype(float)
        energies = (e.energy[mine].astype(float) for e in (true, rec))
        whole.append(transport(*energies, theta))
    assert emd_per_event(true, rec)[0] == pytest.approx(whole, rel=1e-4)


def test_identical_sets_have_no_distance_and_a_blank_one_the_whole_energy(toy_jets, blank):
    assert emd_per_event(toy_jets[:5], toy_jets[:5]).max() == 0
    np.testing.assert_allclose(
        emd_per_event(toy_jets[:5], blank[:5]), toy_jets[:5].sums(), rtol=1e-5
    )


def test_distance_is_symmetric(toy_jets, make_jets):
    a, b = toy_jets[:3], make_jets(3, 8)
    np.testing.assert_allclose(emd_per_event(a, b), emd_per_event(b, a), rtol=1e-6)


def test_merging_cells_of_dense_images_is_a_small_step(toy_jets, make_jets, monkeypatch):
    a, b = toy_jets[:4], make_jets(4, 8)
    exact = emd_per_event(a, b)
    monkeypatch.setattr(emd, "MAX_POINTS", 50)
    merged = emd_per_event(a, b)
    assert (merged[:, 1] != exact[:, 1]).all()
    bound = 0.0625 * np.maximum(a.sums(), b.sums())
    assert (np.abs(merged - exact) < bound).all()


def test_metrics_are_means_over_events(toy_jets, smeared):
    each = emd_per_event(toy_jets[:6], smeared[:6])
    found = emd_metrics(each, toy_jets.geometry.channel_names)
    assert found["emd"].value == pytest.approx(each.sum(axis=1).mean())
    assert found["emd_hcal"].value == pytest.approx(each[:, 2].mean())
    assert found["emd"].error == pytest.approx(each.sum(axis=1).std(ddof=1) / np.sqrt(6))
    assert found["emd"].unit == "GeV"
    assert not found["emd"].higher_is_better


def test_bad_input_is_refused(toy_jets):
    with pytest.raises(InputError, match="number of events"):
        emd_per_event(toy_jets, toy_jets[:3])
    with pytest.raises(InputError, match="radius"):
        emd_per_event(toy_jets, toy_jets, radius=0)
