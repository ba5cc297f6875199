"""``calovision data calibrate``, and jets of the detector that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.simulation.constants import read_detector
from calovision.simulation.detector import CMS_BARREL

TABLE = """source: mine
numbers:
- {quantity: pt, statistic: mean, gluon: 130, quark: 130, tolerance: 0.01}
constants: {jet_scale: 0.2}
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(TABLE)
    return file


def test_what_is_fitted_makes_jets(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "detector.yaml"
    words = ["data", "calibrate", str(table), "--jets", "60", "--rounds", "1", "--out", str(out)]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    written = yaml.safe_load(out.read_text())
    assert written == {"source": "mine", **answer}
    assert [path.name for path in tmp_path.glob("detector*")] == ["detector.yaml"]
    scale = read_detector(out).jet_scale
    assert scale == answer["detector"]["jet_scale"] > 1.1
    sets = (
        cv.simulate.jets(20, seed=3, pileup=0, quiet=True, detector=file).load()
        for file in (None, out)
    )
    usual, other = ((jets.pt / jets["gen_pt"]).mean() for jets in sets)
    assert other / usual == pytest.approx(scale / CMS_BARREL.jet_scale, rel=0.03)
    with pytest.raises(InputError, match="exists"):
        cv.calibrate(table, jets=60, out=out, quiet=True)


def test_no_rounds_only_compare(table: Path) -> None:
    found = cv.calibrate(table, jets=60, rounds=0, quiet=True)
    assert found.before == found.after
    assert found.errors == {}
    assert "pt, mean" in found.markdown()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"jets": 0}, "jets"),
        ({"rounds": -1}, "rounds"),
        ({"workers": 0}, "worker"),
        ({"out": "detector.json"}, "YAML"),
        ({"detector": "none.yaml"}, "none.yaml"),
        ({"table": "none.yaml"}, "none.yaml"),
    ],
)
def test_bad_input_is_named(table: Path, options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        cv.calibrate(**({"table": table, "quiet": True} | options))
