"""Particles of others become images like those of our own simulation."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from calovision.cli.app import main
from calovision.errors import InputError
from calovision.events.events import offsets_of
from calovision.events.store import EventStore
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.external.files import Options
from calovision.simulation.external.images import clustered_jets, given_jets, image, imaged
from calovision.simulation.external.momenta import identities
from calovision.simulation.external.particles import Table
from external_toys import momenta, padded, some_jets, tables, write_hepmc, write_parquet, write_root

QUIET = Options(pileup=0.0, noise=0.0)
PIONS, PHOTONS = 211, 22


def whole(file: Path, size: int = 1000) -> Table:
    (table,) = tables(file, size)
    return table


@pytest.fixture(scope="module")
def jets() -> dict[str, Any]:
    return some_jets(12, 4)


def test_every_format_gives_the_same_particles(tmp_path: Path, jets: dict[str, Any]) -> None:
    names = {"pdg": "part_pdgid", "pt": "part_pt", "eta": "part_eta", "phi": "part_phi"}
    renamed = {names.get(k, "part_" + k): v for k, v in jets.items()}
    pad = padded(jets)
    np.savez(tmp_path / "named.npz", **pad)
    transverse = np.hypot(pad["pt"], pad["mass"])
    rapidity = np.arcsinh(pad["pt"] * np.sinh(pad["eta"]) / np.where(transverse, transverse, 1))
    cube = np.stack([pad["pt"], rapidity, pad["phi"], pad["pdg"]], 2)
    np.savez(tmp_path / "energyflow.npz", X=cube, y=np.arange(12) % 2)
    written = [
        write_root(tmp_path / "a.root", renamed),
        write_root(tmp_path / "b.root", momenta(jets) | {"pdg": jets["pdg"]}),
        write_parquet(tmp_path / "c.parquet", jets),
        tmp_path / "named.npz",
        tmp_path / "energyflow.npz",
    ]
    wanted = np.stack([ak.to_numpy(ak.flatten(v)) for v in momenta(jets).values()])
    for file in written:
        table = whole(file)
        assert np.array_equal(table.pdg, ak.to_numpy(ak.flatten(jets["pdg"]))), file.name
        assert np.diff(table.offsets).tolist() == ak.num(jets["pt"]).tolist()
        assert table.momentum == pytest.approx(wanted, rel=1e-4, abs=1e-4), file.name
    assert whole(tmp_path / "energyflow.npz").columns["label"].tolist() == [0, 1] * 6


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_stable_particles_are_taken_from_hepmc(
    tmp_path: Path, jets: dict[str, Any], unit: float
) -> None:
    table = whole(write_hepmc(tmp_path / "x.hepmc3", jets, unit))
    assert not np.isin(15, np.abs(table.pdg))
    seen = table.kept(table.seen())
    assert np.array_equal(seen.pdg, ak.to_numpy(ak.flatten(jets["pdg"])))
    assert seen.momentum[3].max() < 200
    assert [len(t) for t in tables(tmp_path / "x.hepmc3", 5)] == [5, 5, 2]


def test_damaged_hepmc_is_refused_not_shortened(
    tmp_path: Path, jets: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", jets)
    lines = file.read_text().splitlines(keepends=True)
    (tmp_path / "zipped.hepmc3.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert len(whole(tmp_path / "zipped.hepmc3.gz")) == 12
    (tmp_path / "cut.hepmc3").write_text("".join(lines[: len(lines) // 2]))
    with pytest.raises(InputError, match="ends in the middle"):
        list(tables(tmp_path / "cut.hepmc3", 5))
    fifth = [i for i, line in enumerate(lines) if line.startswith("E ")][4]
    del lines[fifth + 4 : fifth + 7]
    (tmp_path / "hole.hepmc3").write_text("".join(lines))
    with pytest.raises(InputError, match="event 5 of 12 cannot be read"):
        list(tables(tmp_path / "hole.hepmc3", 5))
    capfd.readouterr()  # what the library prints about it


def test_charges_and_masses_tell_what_particles_are() -> None:
    mass = np.array([0.0, 0.0005, 0.1057, 0.1396, 0.4976, 0.94])
    charge = np.array([0, -1, 1, -1, 0, 1])
    assert identities(charge, mass).tolist() == [22, 11, -13, -211, 130, 211]
    flags = {22: np.array([1, 0]), 11: np.array([0, 1])}
    assert identities(np.array([0.0, 1.0]), None, flags).tolist() == [22, -11]


def test_collisions_are_clustered_as_ours_are(jets: dict[str, Any], tmp_path: Path) -> None:
    table = whole(write_hepmc(tmp_path / "x.hepmc3", jets))
    ours = clustered_jets(table, CMS_BARREL.jet_radius)
    seen = table.kept(table.seen())
    total = np.hypot(*(np.add.reduceat(p, seen.offsets[:-1]) for p in seen.momentum[:2]))
    # Most of a row's particles lie in one jet.
    first = ours.slot == 0
    assert (ours.pt[first] / total[ours.collision[first]]).mean() > 0.8
    assert (np.abs(ours.eta) < 1.5).all()


def test_given_jets_keep_all_their_particles(tmp_path: Path, jets: dict[str, Any]) -> None:
    table = whole(write_parquet(tmp_path / "c.parquet", jets))
    ours = given_jets(table)
    sums = np.stack([np.add.reduceat(p, table.offsets[:-1]) for p in table.momentum])
    assert ours.pt == pytest.approx(np.hypot(sums[0], sums[1]))
    assert ours.mass**2 == pytest.approx(sums[3] ** 2 - (sums[:3] ** 2).sum(0), rel=1e-6)


def one_particle(pdg: int, energy: float, n: int) -> Table:
    p = np.tile([[energy], [0.0], [0.0], [energy]], n)
    return Table(offsets_of(np.ones(n, np.int64)), p, np.full(n, pdg, np.int32), {})


def test_an_image_has_the_energy_where_the_particle_belongs() -> None:
    photons = imaged(one_particle(22, 60.0, 40), "jets", (1, 0), QUIET)
    track, ecal, hcal = photons.sums().mean(0)
    assert ecal == pytest.approx(60 * CMS_BARREL.ecal_scale, rel=0.1)
    assert hcal < 3
    assert photons.columns["pt"].mean() == pytest.approx(60 * CMS_BARREL.jet_scale, rel=0.05)
    assert "label" not in photons.columns
    pions = imaged(one_particle(211, 60.0, 40), "jets", (1, 0), QUIET)
    track, ecal, hcal = pions.sums().mean(0)
    assert track == pytest.approx(60, rel=0.2)
    assert hcal > 10
    muons = imaged(one_particle(13, 60.0, 40), "jets", (1, 0), QUIET)
    assert muons.sums()[:, 2].mean() < 10


def test_a_set_is_the_same_when_its_making_is_interrupted(
    tmp_path: Path, jets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calovision.simulation.external.images.CHUNK", 5)
    file = write_parquet(tmp_path / "c.parquet", jets)
    wanted = Options(pileup=0.0, label=1)
    once = image([file, file], tmp_path / "once", 7, wanted)

    def stop(rows: int, images: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        image([file, file], tmp_path / "twice", 7, wanted, progress=stop)
    twice = image([file, file], tmp_path / "twice", 7, wanted)
    assert once.hash == twice.hash
    assert len(once) == 24
    assert once.column("event_id").tolist() == list(range(24))
    assert set(once.column("label")) == {1}
    # The same jets in another portion meet other random numbers.
    assert not np.array_equal(once[:5].energy, once[12:17].energy)
    assert image([file], tmp_path / "other", 8, wanted).hash != once.hash


def test_bad_files_are_one_line(
    tmp_path: Path, jets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(file: Path, match: str) -> None:
        with pytest.raises(InputError, match=match):
            image([file], tmp_path / "out", 1, QUIET)
        assert not (tmp_path / "out" / "manifest.json").exists()

    refused(tmp_path / "none.root", "there is no file")
    (tmp_path / "x.txt").write_text("1")
    refused(tmp_path / "x.txt", "no known kind")
    for name in ("bad.root", "bad.parquet", "bad.npz", "bad.hepmc3"):
        (tmp_path / name).write_bytes(b"not such a file" * 20)
        refused(tmp_path / name, name)
    few = {k: v for k, v in jets.items() if k != "pdg"}
    refused(write_parquet(tmp_path / "c.parquet", few), "nothing tells what")
    refused(write_parquet(tmp_path / "d.parquet", {"pdg": jets["pdg"]}), "px, py, pz or pt")
    strange = jets | {"pdg": jets["pdg"] * 0 + 999999}
    refused(write_parquet(tmp_path / "e.parquet", strange), "identity 999999")
    soft = jets | {"pt": jets["pt"] * 1000}
    refused(write_parquet(tmp_path / "f.parquet", soft | {"mass": soft["pt"] * 1e6}), "GeV")
    forward = jets | {"eta": jets["eta"] * 0 + 2.5}
    refused(write_parquet(tmp_path / "g.parquet", forward), "none of the 12 jets")

    monkeypatch.setitem(sys.modules, "uproot", None)
    write_uproot = (tmp_path / "g.parquet").rename(tmp_path / "h.root")
    refused(write_uproot, r"reading ROOT files needs uproot.*calovision\[interchange\]")


def test_the_command_makes_a_set_and_tells_how(
    tmp_path: Path,
    jets: dict[str, Any],
    calovision: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    dark = jets | {"pdg": ak.where(jets["pdg"] == 22, -1000022, jets["pdg"])}
    names = ["up", "Default"]
    file = write_hepmc(tmp_path / "x.hepmc3", dark, 1000.0, lambda i: [7.0, i - 3.5], names)
    words = ["data", "image", file, "--out", tmp_path / "mine", "--pileup", "0", "--rows", "jets"]
    shown = calovision(*words, "--invisible", "-211", "--invisible", "999999", "--json")
    assert shown.returncode == 0, shown.stderr
    pions, hidden = (int(ak.sum(abs(dark["pdg"]) == i)) for i in (211, 1000022))
    told = f"left out: {12 + pions + hidden}: 12 (nu_e), 211 (pi+), 1000022 (~chi_10)"
    assert told in shown.stderr
    assert "momenta in MeV, label: none, weight: Default (of 2)" in shown.stderr
    assert "12 rows" in shown.stderr
    counted = {"12": 12, "211": pions, "1000022": hidden}
    assert json.loads(shown.stdout)["invisible"] == counted
    store = EventStore.open(tmp_path / "mine")
    assert store.manifest["provenance"]["left_out"] == counted
    rows = store.column("event_id")
    assert store.column("weight").tolist() == (rows - 3.5).tolist()
    rest = ak.num(dark["pdg"][(abs(dark["pdg"]) != 211) & (dark["pdg"] != -1000022)])
    assert store.column("gen_n").tolist() == ak.to_numpy(rest)[rows].tolist()
    assert store[:1].to_dense().shape == (1, 3, 125, 125)


def test_the_command_refuses_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.npz").write_bytes(b"no")
    words = ["calovision", "data", "image", str(tmp_path / "x.npz"), "--out", str(tmp_path / "a")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a").exists()
