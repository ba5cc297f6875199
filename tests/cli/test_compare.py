from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import toys
from calovision.cli.app import app
from calovision.cli.compare import table
from calovision.events.events import Events
from calovision.events.store import save

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_a_set_is_compared_with_a_file(make_jets: Callable[..., Events], tmp_path: Path) -> None:
    a = save(make_jets(420, 1), tmp_path / "truth", provenance={})
    b = toys.write_hdf5(tmp_path / "mine.h5", make_jets(220, 2))
    training = save(make_jets(200, 3), tmp_path / "train", provenance={}).path
    out = tmp_path / "result.json"
    words = ["compare", str(a.path), str(b), "--training", str(training), "--out", str(out)]
    run = CliRunner().invoke(app, [*words, "--events", "400", "--judges", "trees", "--json"])
    assert run.exit_code == 0, run.output
    result = json.loads(run.stdout)
    assert result == json.loads(out.read_text())
    assert result["a"] == {"path": str(a.path), "hash": a.hash, "events": 400, "compared": 200}
    assert result["b"]["events"] == 220
    assert result["training"]["events"] == 200
    assert result["floor"] is None
    assert result["metrics"]["copied"]["value"] == 0
    for word in ("w1_girth_ecal", "floor", "ratio", "fpd", "quark:", str(out)):
        assert word in run.stderr


def test_the_table_shows_ratios_of_distances_and_no_others() -> None:
    entry = {"value": 3.0, "error": None, "unit": "GeV", "floor": 1.5}
    lines = table({"w1_pt": entry, "classifier_auc": entry, "kpd": entry | {"floor": -1e-5}})
    assert lines[1].split() == ["w1_pt", "3", "-", "GeV", "1.5", "2.0"]
    assert lines[2].split()[-1] == "-"
    assert lines[3].split()[-1] == "-"


@pytest.mark.parametrize("wrong", ["nowhere", "text"])
def test_bad_input_is_one_line_and_exit_code_2(
    wrong: str, toy_jets: Events, tmp_path: Path, calovision: Command
) -> None:
    (tmp_path / "text").write_text("no images")
    good = save(toy_jets, tmp_path / "good", provenance={}).path
    failed = calovision("compare", good, tmp_path / wrong, "--out", tmp_path / "o.json")
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert len(failed.stderr.strip().splitlines()) == 1
    assert wrong in failed.stderr
    assert not (tmp_path / "o.json").exists()


def test_too_few_events_are_exit_code_2(
    toy_jets: Events, make_jets: Callable[..., Events], tmp_path: Path, calovision: Command
) -> None:
    good = save(toy_jets, tmp_path / "good", provenance={}).path
    other = save(make_jets(64, 2), tmp_path / "other", provenance={}).path
    failed = calovision("compare", good, other)
    assert failed.returncode == 2
    assert "only 32 events" in failed.stderr


def test_help_shows_an_example() -> None:
    shown = " ".join(CliRunner().invoke(app, ["compare", "--help"]).stdout.split())
    assert "Example: calovision compare" in shown


def test_a_number_that_is_not_finite_is_named(
    make_jets: Callable[..., Events], tmp_path: Path
) -> None:
    truth, bad = make_jets(110, 1), make_jets(110, 2)
    bad.columns["pt"][7] = np.nan
    sets = [str(save(e, tmp_path / f"{i}", provenance={}).path) for i, e in enumerate((truth, bad))]
    failed = CliRunner().invoke(app, ["compare", *sets, "--judges", "trees"])
    assert "pt of B: 1 of 110 values are not finite, first nan of event 7" in str(failed.exception)


@pytest.mark.parametrize("chosen", [False, True])
def test_what_differs_is_said_and_like_events_are_chosen(
    chosen: bool, make_crops: Callable[..., Events], tmp_path: Path
) -> None:
    truth, made, more = (make_crops(260, seed) for seed in (1, 2, 3))
    sets = (truth, made[made.label == 0], more)
    a, b, c = (save(e, tmp_path / f"{i}", provenance={}).path for i, e in enumerate(sets))
    words = ["compare", str(a), str(b), "--floor", str(c), "--events", "100", "--json"]
    words += ["--judges", "trees"]
    run = CliRunner().invoke(app, [*words, *(["--label", "photon"] if chosen else [])])
    assert run.exit_code == 0, run.output
    result = json.loads(run.stdout)
    assert result["a"]["compared"] == 100
    assert result["judges"].keys() == {"trees"}
    assert "strictest judge: trees, AUC " in run.stderr
    assert bool(result["warnings"]) != chosen
    assert ("0% of B are electrons" in run.stderr) != chosen
    assert "w1_spread_time" in run.stderr
