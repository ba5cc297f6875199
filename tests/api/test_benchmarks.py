"""Public benchmarks from file to judgement."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import benchmarks
import calovision as cv
from calovision.cli.app import app


def test_showers_are_judged_with_one_command(tmp_path: Path) -> None:
    truth = benchmarks.showers(tmp_path / "truth.hdf5", 220, 1, voxels=368)
    made = benchmarks.showers(tmp_path / "made.hdf5", 110, 2, voxels=368, scale=0.9)
    command = ["compare", str(truth), str(made), "--metrics", "fpd", "--metrics", "w1_response"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "published (arXiv:2410.21611" in done.output
    assert "> this comparison" in done.output
    assert "this comparison has 110 of each" in done.output
    found = cv.compare(truth, made, metrics=["fpd", "w1_response"], quiet=True)
    # 0.9 of 0.9 of the incident energy
    assert found["w1_response"].value == pytest.approx(0.09, abs=0.01)
    assert found.content["published"]["by"] == "fpd"
    assert len(found.content["published"]["rows"]) == 17


def test_the_challenges_judges_tell_wrong_showers_apart(tmp_path: Path) -> None:
    truth = benchmarks.showers(tmp_path / "truth.hdf5", 400, 1, voxels=368)
    made = benchmarks.showers(tmp_path / "made.hdf5", 200, 2, voxels=368, scale=0.8)
    metric = "classifier_auc_challenge_high_level"
    found = cv.compare(truth, made, metrics=[metric], judges=["challenge-high-level"], quiet=True)
    assert found[metric].value > 0.9
    assert abs(found[metric].floor - 0.5) < 0.25


def test_showers_are_summed_up_and_drawn(tmp_path: Path) -> None:
    showers = cv.load(benchmarks.showers(tmp_path / "a.hdf5", 8, 1, voxels=6480))
    assert "45: layer_0 (GeV), layer_1 (GeV), ..., layer_44 (GeV)" in repr(showers)
    figure = showers.plot([0, 1], beside=showers)
    assert len(figure.axes) == 4 * 2 + 4 * 2  # a bar of colours beside each
    assert len(showers.mean_image().plot().axes) == 4
    with pytest.raises(cv.InputError, match="no map in eta and phi"):
        cv.view(showers, out=tmp_path / "view.html")
