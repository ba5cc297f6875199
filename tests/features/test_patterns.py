"""Local patterns, against what can be counted by hand and by other means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from calovision.events.events import Events
from calovision.features import patterns as module
from calovision.features.patterns import energy_edges, pattern_names, patterns

ECAL, HCAL = 1, 2


def table(events: Events) -> dict[str, np.ndarray]:
    """Columns by name."""
    found = patterns(events, energy_edges([events]))
    return dict(zip(pattern_names(events), found.T, strict=True))


def test_hits_written_by_hand(make_events: Callable[..., Events]) -> None:
    hits = [(ECAL, 60, 60, 8.0), (ECAL, 61, 61, 2.0), (ECAL, 60, 65, 1.0), (ECAL, 0, 3, 1.0)]
    found = {k: v[0] for k, v in table(make_events([*hits, (HCAL, 62, 62, 4.0)])).items()}
    assert found["alone_within_1_ecal"] == 2
    assert found["alone_within_4_ecal"] == 1  # 60, 65 is four columns from 61, 61
    assert np.exp(found["least_within_4_ecal"]) == pytest.approx(1.0)
    assert np.exp(found["mean_within_8_ecal"]) == pytest.approx(8 ** (3 / 4))
    assert found["areas_ecal"] == 3
    assert (found["largest_area_ecal"], found["areas_of_1_ecal"]) == (2, 2)
    assert np.exp(found["lowest_sum_of_area_ecal"]) == pytest.approx(1.0)
    assert found["share_in_largest_ecal"] == pytest.approx(10 / 12)
    assert found["peaks_ecal"] == 3
    assert found["duplicates_ecal"] == 1
    assert found["at_border_ecal"] == 1
    assert found["second_over_hottest_ecal"] == pytest.approx(0.25)
    assert found["hottest_row_ecal"] == found["hottest_col_ecal"] == -2
    assert found["hottest_over_3x3_ecal"] == pytest.approx(0.8)
    # The tower covers rows and columns 60 to 64: two of four hits lie on it, one is beside it.
    assert found["share_without_within_0_ecal_hcal"] == pytest.approx(0.5)
    assert found["share_without_within_1_ecal_hcal"] == pytest.approx(0.25)
    assert found["energy_without_within_0_ecal_hcal"] == pytest.approx(2 / 12)
    assert found["share_without_within_1_hcal_ecal"] == 0
    assert found["hottest_rows_apart_ecal_hcal"] == -2
    assert found["hottest_over_hottest_ecal_hcal"] == pytest.approx(np.log(2))
    assert np.isnan(found["peaks_track"])
    assert np.isnan(found["distance_track_ecal"])


def test_they_agree_with_filters_of_images(toy_jets: Events) -> None:
    found, images = table(toy_jets), toy_jets.to_dense()[:, ECAL].astype(np.float64)
    for i in range(8):
        lit = images[i] > 0
        for k in (1, 3, 8):
            most = ndimage.maximum_filter(images[i], 2 * k + 1, mode="constant")
            assert np.exp(found[f"least_within_{k}_ecal"][i]) == pytest.approx(
                most[lit].min(), rel=1e-4
            )
        number = ndimage.convolve(lit.astype(int), np.ones((9, 9), int), mode="constant")
        assert found["neighbours_9x9_ecal"][i] == pytest.approx(number[lit].mean(), rel=1e-5)
        areas, total = ndimage.label(lit, np.ones((3, 3)))
        assert found["areas_ecal"][i] == total
        assert found["largest_area_ecal"][i] == np.bincount(areas.ravel())[1:].max()


def test_events_do_not_see_each_other_nor_the_order_of_hits(toy_jets: Events) -> None:
    edges = energy_edges([toy_jets])
    whole = patterns(toy_jets, edges)
    np.testing.assert_array_equal(whole[5:9], patterns(toy_jets[5:9], edges))
    assert whole.shape == (64, len(pattern_names(toy_jets)))
    assert len(set(pattern_names(toy_jets))) == whole.shape[1]


def test_crops_and_empty_events_have_patterns(toy_crops: Events, blank: Events) -> None:
    found = table(toy_crops)
    assert (found["share_without_within_0_energy_time"] == 0).all()
    assert np.isnan(patterns(blank, energy_edges([blank]))).all()


def test_of_many_cells_the_hottest_are_looked_at(toy_jets: Events) -> None:
    assert toy_jets.counts().max() < module.MOST
    full = replace(toy_jets.geometry, rows=75, cols=75)
    events = Events(
        full,
        np.array([0, 75 * 75]),
        np.arange(75 * 75, dtype=np.uint16),
        np.full(75 * 75, ECAL, np.uint8),
        np.linspace(0.01, 1, 75 * 75, dtype=np.float32),
    )
    found = table(events)
    assert found["areas_ecal"] == 1
    assert found["largest_area_ecal"] == module.MOST
