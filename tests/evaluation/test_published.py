from __future__ import annotations

import pytest

from calovision.evaluation.published import COMPARED, OWN, lines_of, placed, tables
from calovision.events.formats.calochallenge import SETS

DENSE, CNN = "classifier_auc_challenge_dense", "classifier_auc_challenge_cnn"


def test_every_set_of_the_challenge_has_its_table_with_a_source() -> None:
    assert tables().keys() == {grid.name for grid in SETS.values()}
    for name, table in tables().items():
        assert "arXiv:2410.21611" in table["source"]
        assert table["events"] >= 100_000
        assert {row["name"] for row in table["rows"]} >= {"Geant4 (the floor)", "CaloDiffusion"}
        for row in table["rows"]:
            measured = row.keys() - {"name"}
            assert measured <= set(COMPARED), (name, row)
            assert all(
                len(v) == 2 and all(isinstance(x, float) for x in v)
                for k, v in row.items()
                if k != "name"
            )
            assert all(0.48 < row[k][0] <= 1 for k in measured if "auc" in k)


@pytest.mark.parametrize(
    ("name", "model", "dense", "cnn", "fpd"),
    [
        # arXiv:2410.21611
        ("calochallenge-2", "CaloDREAM", 0.531, 0.681, 24.65),
        ("calochallenge-2", "CaloDiffusion", 0.577, 0.680, 146.9),
        ("calochallenge-2", "CaloPointFlow", 0.863, 0.999, 494.1),
        ("calochallenge-3", "CaloDREAM", 0.630, 0.802, 20.75),
        ("calochallenge-3", "CaloDiffusion", 0.561, 0.656, 71.24),
    ],
)
def test_rows_are_those_published(
    name: str, model: str, dense: float, cnn: float, fpd: float
) -> None:
    row = next(r for r in tables()[name]["rows"] if r["name"] == model)
    assert row[DENSE][0] == pytest.approx(dense, abs=6e-4)
    assert row[CNN][0] == pytest.approx(cnn, abs=6e-4)
    assert 1000 * row["fpd"][0] == pytest.approx(fpd, rel=1e-3)


def test_a_result_stands_in_its_place() -> None:
    metrics = {DENSE: {"value": 0.55, "error": 0.01}, "fpd": {"value": 0.001, "error": 0.0}}
    found = placed("calochallenge-2", metrics, 100_000)
    assert found is not None
    assert found["by"] == DENSE
    names = [row["name"] for row in found["rows"]]
    assert names[:4] == ["Geant4 (the floor)", "CaloDREAM", OWN, "CaloDiffusion"]
    lines = lines_of(found)
    assert len(lines) == 2 + len(names)
    assert [line.startswith("> ") for line in lines].count(True) == 1
    by_fpd = placed("calochallenge-2", {"fpd": metrics["fpd"]}, 100_000)
    assert by_fpd is not None
    assert by_fpd["rows"][0]["name"] == OWN


def test_few_events_are_told() -> None:
    found = placed("calochallenge-2", {"kpd": {"value": 0.1, "error": 0.0}}, 400)
    assert found is not None
    assert "has 400 of each" in lines_of(found)[-1]


def test_nothing_is_placed_where_nothing_is_published() -> None:
    assert placed("cms-jet-125", {"fpd": {"value": 0.1, "error": 0.0}}, 400) is None
    assert placed("calochallenge-2", {"w1_response": {"value": 0.1, "error": 0.0}}, 400) is None
