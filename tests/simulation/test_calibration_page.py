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
    print(calibration.table(rows + calibration.spread(simulated)))  # noqa: T201 (asked for)
    missed = [row for row in rows if not row.agrees(sigmas=2.5)]
    assert not missed


def test_medians_are_close(simulated: Events, calibration: ModuleType) -> None:
    for row in calibration.spread(simulated):
        if row.name.endswith("50 %"):
            assert row.deviation == pytest.approx(0, abs=0.08)


def test_a_set_of_swapped_labels_is_rejected(simulated: Events, calibration: ModuleType) -> None:
    swapped = simulated[:]
    swapped.columns["label"] = (1 - simulated.label).astype(np.int8)
    rows = calibration.compare(swapped)
    assert not all(row.agrees(sigmas=2.5) for row in rows)


def test_brighter_images_are_rejected(simulated: Events, calibration: ModuleType) -> None:
    bright = simulated[:]
    bright.value *= 1.3
    missed = {row.name for row in calibration.compare(bright) if not row.agrees(sigmas=2.5)}
    assert "mean pixel 1e-5, ecal" in missed


def test_observables_count_towers_as_their_pixels(
    simulated: Events, calibration: ModuleType
) -> None:
    few = simulated[:20]
    dense = few.to_dense("image")
    values = calibration.observables(few)
    for i, name in enumerate(few.geometry.channel_names):
        np.testing.assert_array_equal(
            values[f"nonzero pixels, {name}"], (dense[:, i] > 0).sum((1, 2))
        )
        np.testing.assert_allclose(
            values[f"mean pixel 1e-5, {name}"], 1e5 * dense[:, i].mean((1, 2)), rtol=1e-4
        )


def test_the_table_names_what_is_missed(calibration: ModuleType) -> None:
    row = calibration.Row("m0, GeV", "gluon", 20.0, 25.0, 0.1, 0.05)
    assert not row.agrees()
    assert row.agrees(sigmas=50)
    assert "(missed)" in calibration.table([row])
