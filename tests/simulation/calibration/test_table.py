from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.calibration.table import CLASSES, Row, compare, markdown, read_table

GOOD = """source: mine
numbers:
- {quantity: m0, statistic: mean, gluon: 23, quark: 19, rounding: 1, tolerance: 0.05,
   difference: 0.2}
constants: {jet_scale: 0.1}
"""


def test_the_shipped_table_is_read() -> None:
    table = read_table()
    assert {row.group for row in table.rows()} == {*CLASSES, "difference"}
    assert "jet_scale" in table.constants


def test_numbers_are_compared_by_class_and_by_difference(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(GOOD)
    jets = {"gluon": {"m0": np.array([22.0, 26.0])}, "quark": {"m0": np.array([18.0, 20.0])}}
    rows = compare(read_table(tmp_path / "t.yaml"), jets)
    assert [(r.group, r.published, r.simulated) for r in rows] == [
        ("gluon", 23, 24),
        ("quark", 19, 19),
        ("difference", 4, 5),
    ]
    assert rows[0].doubt == pytest.approx(1 / 12**0.5)
    assert [row.agrees() for row in rows] == [True, True, False]
    assert "**+25.0%**" in markdown(rows)


def test_a_deviation_is_forgiven_within_statistical_errors() -> None:
    row = Row("m0", "mean", "gluon", 20.0, 0.0, 0.05, 25.0, 0.1)
    assert not row.agrees(sigmas=30)
    assert row.agrees(sigmas=41)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("m0", "mass", "quantity"),
        ("mean", "mode", "statistic"),
        ("gluon: 23, quark: 19, ", "", "no value"),
        ("quark: 19, ", "", "difference"),
        ("tolerance: 0.05", "tolerance: -1", "tolerance"),
        ("gluon: 23", "gluon: 0", "compared with 0"),
        ("gluon: 23", "gluon: much", "gluon"),
        ("rounding", "ronding", "ronding"),
        ("jet_scale", "jet_scales", "jet_scales"),
        ("jet_scale", "ecal_neighbours", "ecal_neighbours"),
        ("0.1}", "0}", "jet_scale"),
        (GOOD, "[1, 2", "no table"),
        (GOOD, "- 1", "no table"),
    ],
)
def test_bad_tables_are_one_line(tmp_path: Path, old: str, new: str, word: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=word) as error:
        read_table(file)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml"):
        read_table(tmp_path / "none.yaml")
