from __future__ import annotations

import json

import numpy as np
import pytest

from calovision.metrics.value import Definition, Metric


def test_a_metric_is_an_entry_of_results_json():
    entry = Metric(0.8, 0.01, "GeV", 0.5, higher_is_better=False).to_dict()
    assert entry == {
        "value": 0.8,
        "error": 0.01,
        "unit": "GeV",
        "floor": 0.5,
        "higher_is_better": False,
    }


def test_numbers_without_a_json_form_become_null():
    entry = Metric(np.inf, np.nan).to_dict()
    assert (entry["value"], entry["error"], entry["floor"]) == (None, None, None)
    json.dumps(entry, allow_nan=False)


def test_numpy_numbers_become_plain_ones():
    entry = Metric(np.float32(0.5), np.float64(0.1)).to_dict()  # type: ignore[arg-type]
    assert json.loads(json.dumps(entry))["value"] == 0.5


def test_a_floor_can_be_added():
    assert Metric(2.0, 0.1, "GeV").with_floor(0.3) == Metric(2.0, 0.1, "GeV", 0.3)


@pytest.mark.parametrize(
    ("definition", "arrow", "better", "good", "bad"),
    [
        (Definition("a"), "↑", "higher", 2.0, 1.0),
        (Definition("a", higher_is_better=False), "↓", "lower", 1.0, 2.0),
        (Definition("a", target=0.5), "→\N{NO-BREAK SPACE}0.5", "-> 0.5", 0.4, 0.7),
    ],
)
def test_a_definition_tells_the_direction(definition, arrow, better, good, bad):
    assert (definition.arrow, definition.better) == (arrow, better)
    assert definition.badness(good) < definition.badness(bad)


def test_a_measurement_has_the_unit_and_direction_of_its_definition():
    about = Definition("distance", unit="GeV", higher_is_better=False)
    found = about.measured(np.float64(2.0), 0.1, 0.3)
    assert found == Metric(2.0, 0.1, "GeV", 0.3, higher_is_better=False)
