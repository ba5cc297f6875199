from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

import toys
from calovision.cli.data import app
from calovision.events import Events, EventStore

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run() -> CliRunner:
    return CliRunner()


def test_convert_info_export(run: CliRunner, toy_jets: Events, tmp_path: Path) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_jets)
    store, out = tmp_path / "set", tmp_path / "out.h5"
    result = run.invoke(app, ["convert", str(source), "--out", str(store), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "path": str(store),
        "events": 64,
        "hash": EventStore.open(store).hash,
    }
    assert "64/64" in result.stderr
    result = run.invoke(app, ["info", str(store), "--json"])
    assert json.loads(result.stdout)["classes"]["all"]["events"] == 64
    text = run.invoke(app, ["info", str(store)]).stdout
    for word in ("64 events", "gluon", "quark", "hcal pixels", "m0 (GeV)", "in.h5"):
        assert word in text
    result = run.invoke(app, ["export", str(store), "--out", str(out), "--compression", "lzf"])
    assert result.exit_code == 0, result.output
    with h5py.File(source) as a, h5py.File(out) as b:
        for key in ("X_jets", "m0", "pt", "y"):
            assert a[key][:].tobytes() == b[key][:].tobytes()


def test_fetch_from_a_mirror_on_this_machine(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calovision.events import fetch

    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "digits.gz").write_bytes(b"digits")
    monkeypatch.setitem(
        fetch.PUBLIC_SETS, "mnist", (fetch.RemoteFile("digits.gz", "https://unused.invalid", 6),)
    )
    mirror = (tmp_path / "there").as_uri()
    args = ["fetch", "mnist", "--out", str(tmp_path / "here"), "--mirror", mirror, "--json"]
    result = run.invoke(app, args)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "here" / "digits.gz").read_bytes() == b"digits"
    assert json.loads(result.stdout)["files"] == [str(tmp_path / "here" / "digits.gz")]


def test_bad_input_is_one_line_and_exit_code_2(
    toy_jets: Events, tmp_path: Path, calovision: Command
) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_jets[:3])
    with h5py.File(source, "r+") as file:
        file["X_jets"][1, 2, 3, 0] = np.nan
    result = calovision("data", "convert", source, "--out", tmp_path / "set")
    assert result.returncode == 2
    assert result.stdout == ""
    last = result.stderr.strip().splitlines()[-1]
    assert "event 1 has a value in channel 'track' that is not finite" in last
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "set").exists()


def test_truncated_file_is_exit_code_2(
    toy_jets: Events, tmp_path: Path, calovision: Command
) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_jets[:3])
    source.write_bytes(source.read_bytes()[:-5000])
    result = calovision("data", "convert", source, "--out", tmp_path / "set")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "truncated" in result.stderr


def test_missing_set_is_exit_code_2(tmp_path: Path, calovision: Command) -> None:
    for verb in (["info"], ["export", "--out", tmp_path / "x.h5"]):
        result = calovision("data", *verb, tmp_path / "nothing")
        assert result.returncode == 2
        assert "no event set at" in result.stderr


def test_every_verb_shows_an_example(run: CliRunner) -> None:
    for verb in ("simulate", "fetch", "convert", "export", "info"):
        text = run.invoke(app, [verb, "--help"]).stdout
        assert "Example: calovision data" in " ".join(text.split()), verb


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; from calovision.cli import data; "
        "heavy = {'torch', 'pyarrow', 'h5py', 'numba'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
