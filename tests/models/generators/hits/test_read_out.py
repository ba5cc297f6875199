"""Rules of a read-out, found from images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

from calovision.events.events import Events
from calovision.models.generators.hits.read_out import ReadOut, largest_nearby, read_out_of
from calovision.simulation.detector import CMS_BARREL


def test_the_simulation_is_found_out(rules: ReadOut) -> None:
    assert rules.thresholds[0, 1] == 0
    assert rules.thresholds[1, 1] == pytest.approx(CMS_BARREL.ecal_growth, abs=0.02)
    assert rules.thresholds[2, 1] == pytest.approx(CMS_BARREL.hcal_growth, abs=0.06)
    low = np.exp(rules.thresholds[:, 0])
    assert low[1] == pytest.approx(CMS_BARREL.ecal_threshold, rel=0.03)
    assert low[2] == pytest.approx(CMS_BARREL.hcal_threshold, rel=0.03)
    assert rules.reach == CMS_BARREL.ecal_neighbours
    ratio = CMS_BARREL.ecal_seed / CMS_BARREL.ecal_threshold
    assert np.exp(rules.seed) == pytest.approx(ratio, rel=0.05)


def test_images_tell_where_they_were_taken(jets: Events, rules: ReadOut) -> None:
    middle = (rules.windows(jets) + 0.5) * rules.tower
    far = np.abs(jets["eta"]) > 0.3
    # the window's middle is the hottest tower, up to 0.4 from the jet's axis
    assert np.quantile(np.abs(middle - jets["eta"])[far], 0.9) < 0.2


def test_no_hit_is_below_its_threshold(jets: Events, rules: ReadOut) -> None:
    row = jets.cell.astype(np.int64) // jets.geometry.cols
    limit = rules.log_threshold(jets.channel, row, rules.windows(jets)[jets.owner])
    assert (np.log(jets.energy) - limit).min() > -1e-5


def test_sets_without_rules(toy_jets: Events) -> None:
    rules = read_out_of(toy_jets, 1)
    np.testing.assert_array_equal(rules.thresholds[:, 1], 0)
    np.testing.assert_array_equal(rules.windows(toy_jets), 0)
    assert rules.reach >= 1


def test_the_largest_nearby(jets: Events) -> None:
    few = jets[:3]
    row, col = np.divmod(few.cell.astype(np.int64), 125)
    mine, strength = few.channel == 1, few.energy
    found = largest_nearby(few.offsets, mine, row, col, strength, (125, 125))
    images = few.to_dense()[:, 1]
    for reach in (0, 1, 4):
        side = (1, 2 * reach + 1, 2 * reach + 1)
        expected = maximum_filter(images, side, mode="constant")
        at = few.owner[mine], row[mine], col[mine]
        np.testing.assert_allclose(found[mine, reach], expected[at], rtol=1e-5)
