from __future__ import annotations

import pytest

from calovision.reports.tables import metric_table, with_error


def entry(value, error=0.01, higher=True, unit="", floor=None):
    return {
        "value": value,
        "error": error,
        "unit": unit,
        "floor": floor,
        "higher_is_better": higher,
    }


def table_of(key, ours, baseline, **options):
    models = {"ours": {"metrics": {key: ours}}, "baseline": {"metrics": {key: baseline}}}
    return metric_table(models, [key], **options)


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.60312, 0.0042, "0.603 ± 0.004"),
        (0.60312, 0.0012, "0.6031 ± 0.0012"),
        (32.512, 2.81, "32.5 ± 2.8"),
        (1234.5, 56.0, "1234 ± 56"),
        (57.97, 0.38, "58.0 ± 0.4"),
        (0.0, 0.0, "0"),
        (1.0, 1e-16, "1"),
        (2.5, None, "2.5"),
        (2.5, float("nan"), "2.5"),
        (None, 0.1, "-"),
        (1e-12, 1e-13, "1e-12 ± 1e-13"),
    ],
)
def test_rounding(value, error, shown):
    assert with_error(value, error) == shown


def test_a_row_has_direction_unit_values_ratio_and_floor():
    table = table_of(
        "emd", entry(10.0, 0.5, False, "GeV"), entry(40.0, 2.0, False, "GeV"), floor={"emd": 1.25}
    )
    assert table.header == ("metric", "ours", "baseline", "ours / baseline", "floor")
    texts = [c.text.replace("\N{NO-BREAK SPACE}", " ") for c in table.rows[0]]
    assert texts == ["Energy-mover distance [GeV] ↓", "10.0 ± 0.5", "40.0 ± 2.0", "0.25 x", "1.25"]
    assert "emd" in table.rows[0][0].note


@pytest.mark.parametrize(
    ("key", "ours", "baseline", "better"),
    [
        ("occupancy_f1_ecal", entry(0.6), entry(0.2), "ours"),
        ("emd", entry(50, higher=False), entry(40, higher=False), "baseline"),
        # target 1: nearer wins, though it is not the larger
        ("response_ecal", entry(1.01), entry(1.2), "ours"),
        # target 0.5
        ("classifier_auc", entry(0.4), entry(0.51), "baseline"),
        ("auc", entry(0.8), entry(0.8), None),
    ],
)
def test_the_better_model_is_marked(key, ours, baseline, better):
    row = table_of(key, ours, baseline).rows[0]
    assert row[1].best == (better == "ours")
    assert row[2].best == (better == "baseline")


def test_ratios_are_left_out_where_they_mean_nothing():
    assert table_of("response_ecal", entry(1.0), entry(1.2)).rows[0][3].text == "-"
    assert table_of("emd", entry(1.0), entry(0.0)).rows[0][3].text == "-"
    assert table_of("emd", entry(None), entry(1.0)).rows[0][3].text == "-"


def test_floors_of_the_metrics_are_used_and_unknown_keys_left_out():
    models = {"ours": {"metrics": {"auc": entry(0.8, floor=0.5), "emd": entry(1.0)}}}
    table = metric_table(models, ["auc", "missing", "emd"])
    assert table.header == ("metric", "ours", "floor")
    assert [row[-1].text for row in table.rows] == ["0.5", "-"]


def test_a_metric_that_one_model_lacks():
    models = {"ours": {"metrics": {"auc": entry(0.8)}}, "baseline": {"metrics": {}}}
    row = metric_table(models, ["auc"]).rows[0]
    assert [c.text for c in row[1:]] == ["0.800 ± 0.010", "-", "-"]
