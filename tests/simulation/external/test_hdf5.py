"""Particles in HDF5 files, of benchmarks and of one's own; classes that are flags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import benchmarks
from calovision.errors import InputError
from calovision.simulation.external.files import Options, source
from calovision.simulation.external.images import image
from external_toys import tables

JETS = benchmarks.jets(30, 5, particles=8)
PION = Options(identity=211, pileup=0.0, noise=0.0)
THERE = JETS.pt > 0
MAKERS: dict[str, Callable[[Path], Path]] = {
    "jetnet": lambda folder: benchmarks.jetnet(folder / "g.hdf5", JETS),
    "top": lambda folder: benchmarks.top_tagging(folder / "train.h5", JETS),
    "atlas": lambda folder: benchmarks.atlas(folder / "a.h5", JETS, weights=np.arange(30) / 7),
    "lhco": lambda folder: benchmarks.lhco(folder / "events.h5", JETS),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_momenta_are_those_of_the_file(kind: str, tmp_path: Path) -> None:
    file = MAKERS[kind](tmp_path)
    found = list(tables(file, 7, PION))
    momentum = np.concatenate([t.momentum for t in found], axis=1)
    counts = np.concatenate([np.diff(t.offsets) for t in found])
    assert counts.tolist() == THERE.sum(1).tolist()
    wanted = JETS.momentum[:, THERE]
    if kind == "jetnet":  # which knows no azimuth of the jet
        for of in (momentum, wanted):
            of[0] = np.hypot(of[0], of[1])
        np.testing.assert_allclose(momentum[[0, 2]], wanted[[0, 2]], rtol=1e-4, atol=1e-2)
    else:
        np.testing.assert_allclose(momentum[:3], wanted[:3], rtol=1e-4, atol=1e-3)
    assert (np.concatenate([t.pdg for t in found]) == 211).all()
    if kind != "jetnet":
        label = np.concatenate([t.columns["label"] for t in found])
        assert label.tolist() == JETS.label.tolist()
    said = source(file, PION)
    assert said.rows == ("events" if kind == "lhco" else "jets")
    assert said.description["unit"] == ("MeV" if kind == "atlas" else "GeV")
    if kind == "atlas":
        weight = np.concatenate([t.columns["weight"] for t in found])
        np.testing.assert_allclose(weight, np.arange(30) / 7)


def test_tables_of_ones_own_are_known_by_their_names(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.h5", "w") as file:
        for name in ("pt", "eta", "phi", "pdg", "label"):
            file[name] = getattr(JETS, name)
        file["comment"] = "made by hand"
    (found,) = tables(tmp_path / "own.h5", 100)
    np.testing.assert_allclose(found.momentum[:3], JETS.momentum[:3, THERE], rtol=1e-9)
    assert found.pdg.tolist() == JETS.pdg[THERE].tolist()


def test_what_is_not_said_must_be_given(tmp_path: Path) -> None:
    file = MAKERS["top"](tmp_path)
    with pytest.raises(InputError, match=r"nothing tells .* --identity"):
        list(tables(file, 10))
    with pytest.raises(InputError, match="the identity"):
        Options(identity=1.5).detector()  # type: ignore[arg-type]
    blank = benchmarks.lhco(tmp_path / "blank.h5", JETS, truth=False)
    assert "label" not in next(iter(tables(blank, 100, PION))).columns
    with h5py.File(tmp_path / "odd.h5", "w") as opened:
        opened["df/block0_values"] = np.ones((3, 8))
    with pytest.raises(InputError, match="8 numbers"):
        source(tmp_path / "odd.h5", PION)
    with h5py.File(tmp_path / "none.h5", "w"):
        pass
    with pytest.raises(InputError, match="no rows"):
        source(tmp_path / "none.h5", PION)
    (tmp_path / "bad.h5").write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"bad.h5"):
        source(tmp_path / "bad.h5", PION)


def test_flags_become_classes_of_the_set(tmp_path: Path) -> None:
    few = benchmarks.jets(12, 6, particles=8)
    classes = np.arange(12) % 10
    file = benchmarks.jetclass(tmp_path / "JetClass.root", few, classes)
    quiet = Options(pileup=0.0, noise=0.0)
    store = image([file], tmp_path / "set", 1, quiet)
    assert store.geometry.classes == benchmarks.JETCLASS
    assert store.label.tolist() == classes[store.column("event_id")].tolist()
    assert len(store.select("label == Hcc")) == (store.label == 2).sum() > 0
    assert "label_QCD" in store.manifest["provenance"]["files"][0]["label"]
    one = image([file], tmp_path / "one", 1, Options(pileup=0.0, noise=0.0, label=1))
    assert one.geometry.classes == ("gluon", "quark")
    assert set(one.label) == {1}
    wrong = benchmarks.jetclass(tmp_path / "wrong.root", few, np.full(12, 10))
    with pytest.raises(InputError, match="row 0 is not of exactly one class"):
        image([wrong], tmp_path / "wrong", 1, quiet)


def test_collisions_of_the_olympics_are_clustered_and_seen(tmp_path: Path) -> None:
    file = MAKERS["lhco"](tmp_path)
    store = image([file], tmp_path / "set", 1, PION)
    assert store.manifest["provenance"]["rows"] == "events"
    assert store.manifest["provenance"]["identity"] == 211
    # one hard jet of a TeV, seen as charged pions
    assert np.median(store.column("gen_pt")) > 200
    assert set(store.label) <= {0, 1}
