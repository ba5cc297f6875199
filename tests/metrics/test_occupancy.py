from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from calovision.errors import InputError
from calovision.metrics.occupancy import (
    occupancy_counts,
    occupancy_difference,
    occupancy_metrics,
    precision_recall_f1,
)


def test_f1_by_hand(make_events):
    ecal = 1
    true = make_events([(ecal, 10, 10, 3.0), (ecal, 10, 20, 1.0), (ecal, 50, 50, 4.0)])
    # one exact, one a pixel off along the diagonal, two far away
    rec = make_events(
        [(ecal, 10, 10, 6.0), (ecal, 11, 21, 2.0), (ecal, 90, 90, 1.0), (ecal, 50, 52, 1.0)]
    )
    found = {k: m.value for k, m in occupancy_metrics(true, rec, seed=1).items()}
    assert found["occupancy_precision_ecal"] == pytest.approx(1 / 4)
    assert found["occupancy_recall_ecal"] == pytest.approx(1 / 3)
    assert found["occupancy_f1_ecal"] == pytest.approx(2 / 7)
    assert found["occupancy_precision_near_ecal"] == pytest.approx(2 / 4)
    assert found["occupancy_recall_near_ecal"] == pytest.approx(2 / 3)
    assert found["occupancy_f1_near_ecal"] == pytest.approx(4 / 7)
    assert found["occupancy_precision_energy_ecal"] == pytest.approx(6 / 10)
    assert found["occupancy_recall_energy_ecal"] == pytest.approx(3 / 8)
    # nothing to find and nothing found
    assert found["occupancy_f1_track"] == 1


def test_towers_count_as_their_pixels(make_events):
    hcal = 2
    true = make_events([(hcal, 62, 62, 25.0), (hcal, 7, 7, 25.0)])
    rec = make_events([(hcal, 62, 62, 25.0), (hcal, 62, 67, 25.0)])
    counts = occupancy_counts(true, rec)[0, 2]
    assert counts[:3].tolist() == [50, 50, 25]
    assert counts[5:] == pytest.approx([50, 50, 25, 25])
    found = occupancy_metrics(true, rec, seed=1)
    assert found["occupancy_f1_hcal"].value == pytest.approx(0.5)
    # of the neighbouring tower only the touching column is within one pixel
    assert found["occupancy_precision_near_hcal"].value == pytest.approx(30 / 50)


def test_agrees_with_dense_images(toy_jets, make_jets):
    other = make_jets(64, 9)
    lit, lit_rec = (e[:8].to_dense() > 0 for e in (toy_jets, other))
    wide, wide_rec = (binary_dilation(x, np.ones((1, 1, 3, 3), bool)) for x in (lit, lit_rec))
    counts = occupancy_counts(toy_jets[:8], other[:8])
    for column, image in enumerate((lit, lit_rec, lit & lit_rec, lit & wide_rec, lit_rec & wide)):
        np.testing.assert_array_equal(counts[..., column], image.sum(axis=(2, 3)))
    energy = toy_jets[:8].to_dense()
    np.testing.assert_allclose(
        counts[..., 7], (energy * lit_rec).sum(axis=(2, 3)), rtol=1e-4, atol=1e-5
    )


def test_perfect_reconstruction_scores_one(toy_jets):
    found = occupancy_metrics(toy_jets, toy_jets, seed=1)
    assert len(found) == 27
    assert all(m.value == pytest.approx(1) for m in found.values())


def test_blank_reconstruction_scores_zero(toy_jets, blank):
    assert all(m.value == 0 for m in occupancy_metrics(toy_jets, blank, seed=1).values())
    assert all(m.value == 0 for m in occupancy_metrics(blank, toy_jets, seed=1).values())


def test_order_of_events_does_not_matter(toy_jets, make_jets):
    other = make_jets(64, 9)
    order = np.random.default_rng(0).permutation(64)
    straight = occupancy_metrics(toy_jets, other, seed=1)
    shuffled = occupancy_metrics(toy_jets[order], other[order], seed=1)
    for name, metric in straight.items():
        assert shuffled[name].value == pytest.approx(metric.value)


def test_error_matches_the_scatter_between_samples(make_jets):
    true, rec = make_jets(800, 21), make_jets(800, 22)
    parts = [slice(i, i + 100) for i in range(0, 800, 100)]
    found = [
        precision_recall_f1(occupancy_counts(true[p], rec[p]).sum(axis=0))[1, 0, 2] for p in parts
    ]
    error = occupancy_metrics(true[:100], rec[:100], seed=1)["occupancy_f1_ecal"].error
    assert error == pytest.approx(np.std(found, ddof=1), rel=0.9)


def test_difference_of_two_reconstructions(toy_jets, blank):
    found = occupancy_difference(toy_jets, toy_jets, blank, seed=1)
    assert len(found) == 9
    assert all(m.value == pytest.approx(1) for m in found.values())


def test_sets_that_do_not_match_are_refused(toy_jets, toy_crops):
    with pytest.raises(InputError, match="number of events"):
        occupancy_metrics(toy_jets, toy_jets[:5], seed=1)
    with pytest.raises(InputError, match="geometry"):
        occupancy_metrics(toy_jets, toy_crops, seed=1)
