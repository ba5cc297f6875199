from __future__ import annotations

import gzip
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
from calovision.errors import InputError
from calovision.events import Events, EventStore, save
from calovision.events.digits import DigitSet
from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import export

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
    from calovision.events.formats import download as fetch

    digits = gzip.compress(b"digits")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "digits.gz").write_bytes(digits)
    file = fetch.RemoteFile("digits.gz", "https://unused.invalid", len(digits))
    monkeypatch.setitem(fetch.PUBLIC_SETS, "mnist", (file,))
    mirror = (tmp_path / "there").as_uri()
    args = ["fetch", "mnist", "--out", str(tmp_path / "here"), "--mirror", mirror, "--json"]
    result = run.invoke(app, args)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "here" / "digits.gz").read_bytes() == digits
    assert json.loads(result.stdout)["files"] == [str(tmp_path / "here" / "digits.gz")]


def test_other_names_grids_and_units(
    toy_crops: Events, tmp_path: Path, calovision: Command
) -> None:
    """Energies in GeV under names of one's own: converted, looked at, and told what is odd."""
    np.savez(tmp_path / "a.npz", e=toy_crops.to_dense("gev")[:, :1], kind=toy_crops.label)
    (tmp_path / "grid.yaml").write_text(
        "name: mine\nrows: 32\ncols: 32\nschema: crops\n"
        "channels:\n  - {name: energy, gev_per_unit: 50.0}\n"
    )
    words = ["data", "convert", tmp_path / "a.npz", "--geometry", tmp_path / "grid.yaml"]
    words += ["--keys", "X=e,y=kind", "--channels-first"]
    done = calovision(*words, "--out", tmp_path / "set")
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr
    assert "taken as GeV" in done.stderr
    store = EventStore.open(tmp_path / "set")
    np.testing.assert_allclose(store.load().value, toy_crops.value[toy_crops.code == 0], rtol=1e-6)
    assert "implausible" not in calovision("data", "info", tmp_path / "set").stdout
    units = ["--unit", "image", "--threshold", "5"]
    done = calovision(*words, *units, "--out", tmp_path / "other")
    assert "GeV taken as image units? give unit gev" in done.stderr
    shown = calovision("data", "info", tmp_path / "other", "--json")
    (line,) = json.loads(shown.stdout)["implausible"]
    assert f"implausible: {line}" in shown.stderr
    assert EventStore.open(tmp_path / "other").load().energy.min() >= 5
    done = calovision(*words, "--keys", "X", "--out", tmp_path / "no")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "write X=images,y=target" in done.stderr


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


def test_digits_are_shown_as_digits(run: CliRunner, tmp_path: Path) -> None:
    label, test = np.array([1, 1, 1, 2, 2]), np.array([1, 0, 0, 1, 0], bool)
    DigitSet(np.zeros((5, 28, 28), np.uint8), label, test, {"source": "toys"}).save(tmp_path / "d")
    result = run.invoke(app, ["info", str(tmp_path / "d"), "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["digits"] == {
        "1": {"training": 2, "test": 1},
        "2": {"training": 1, "test": 1},
    }
    text = run.invoke(app, ["info", str(tmp_path / "d")]).stdout
    assert "5 digits" in text
    assert "source: toys" in text
    result = run.invoke(app, ["export", str(tmp_path / "d"), "--out", str(tmp_path / "x.h5")])
    assert isinstance(result.exception, InputError)
    assert "is a set of digits" in str(result.exception)


@pytest.mark.parametrize("name", ["x.npz", "x.csv", "x", "x.h5.bak", "x.txt"])
def test_what_cannot_be_written_is_not_written_as_something_else(
    run: CliRunner, toy_jets: Events, tmp_path: Path, name: str
) -> None:
    save(toy_jets[:3], tmp_path / "set", provenance={})
    out = tmp_path / name
    result = run.invoke(app, ["export", str(tmp_path / "set"), "--out", str(out)])
    assert isinstance(result.exception, InputError)
    assert "end it with .h5, .hdf5, .hdf, .parquet, .root" in str(result.exception)
    with pytest.raises(InputError, match=r"end it with \.h5 or \.hdf5"):
        export(EventStore.open(tmp_path / "set"), out)
    assert not out.exists()


@pytest.mark.parametrize("name", ["x.H5", "x.hdf5", "x.PARQUET"])
def test_names_in_any_letters(run: CliRunner, toy_jets: Events, tmp_path: Path, name: str) -> None:
    save(toy_jets[:3], tmp_path / "set", provenance={})
    out = tmp_path / name
    result = run.invoke(app, ["export", str(tmp_path / "set"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    kind = b"PAR1" if name.endswith("PARQUET") else b"\x89HDF"
    assert out.read_bytes().startswith(kind)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04", r"a NumPy \(.npz\) or zip archive.*calovision\.from_images.*data image"),
        (b"\x93NUMPY\x01\x00", r"a NumPy array.*calovision\.from_images"),
        (b"root\x00\x00", "a ROOT file.*data image"),
        (b"\x1f\x8b\x08\x00", "compressed by gzip.*unpack it first"),
        (b"\xfd7zXZ\x00", "compressed by xz"),
        (b"HepMC::Version 3", "a HepMC file.*data image"),
        (b"<!doctype html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS.*git lfs pull"),
        ("pt,η\n1,2\n".encode(), "is text"),
        (bytes(range(1, 200)), "of no known kind"),
        (b"\x00", "of no known kind"),
    ],
)
def test_other_kinds_of_files_are_told(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        convert([path], tmp_path / "set")
    assert "known are HDF5, NumPy (.npz) and Parquet files with X_jets, m0, pt, y or X, y" in str(
        caught.value
    )


def test_an_hdf5_file_may_begin_with_something_else(toy_jets: Events, tmp_path: Path) -> None:
    path = tmp_path / "jets.h5"
    source = toys.write_hdf5(tmp_path / "source.h5", toy_jets[:3])
    with h5py.File(path, "w", userblock_size=512) as file, h5py.File(source) as other:
        for name in other:
            file[name] = other[name][()]
    with path.open("r+b") as raw:
        raw.write(b"PK\x03\x04 of mine")
    assert len(convert([path], tmp_path / "set")) == 3


def test_a_file_is_no_set(toy_jets: Events, tmp_path: Path) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_jets[:3])
    with pytest.raises(InputError, match=r"in\.h5 is a file, not an event set; .*data convert"):
        EventStore.open(source)


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
