"""The simulated images against the published table."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from calovision.events.events import Events


@pytest.fixture(scope="module")
def calibration(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("write_calibration")


def test_the_published_table_is_met(simulated: Events, calibration: ModuleType) -> None:
    rows = calibration.compare(simulated)
    print(calibration.markdown(rows))  # noqa: T201 (asked for)
    assert [row for row in rows if not row.agrees(sigmas=2.5)] == []


def test_a_set_of_swapped_labels_is_rejected(simulated: Events, calibration: ModuleType) -> None:
    swapped = simulated[:]
    swapped.columns["label"] = (1 - simulated.label).astype(np.int8)
    missed = {row.quantity for row in calibration.compare(swapped) if not row.agrees(sigmas=2.5)}
    assert {"pixels_track", "pixels_ecal", "m0"} <= missed


def test_brighter_images_are_rejected(simulated: Events, calibration: ModuleType) -> None:
    bright = simulated[:]
    bright.value *= 1.2
    missed = {row.quantity for row in calibration.compare(bright) if not row.agrees(sigmas=2.5)}
    assert {"mean_pixel_ecal", "mean_pixel_hcal"} <= missed


def test_softest_and_hardest_jets_are_as_published(simulated: Events) -> None:
    m0, pt = simulated.columns["m0"], simulated.columns["pt"]
    assert 70.0 < pt.min() < 72.0
    assert pt.max() == pytest.approx(337, rel=0.3)
    assert m0.min() == pytest.approx(3.4, abs=3)
    assert m0.max() == pytest.approx(76, rel=0.3)
