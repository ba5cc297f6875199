"""Particles of others become images like those of our own simulation."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calovision.errors import InputError
from calovision.events.store import EventStore
from calovision.simulate import foreign_files
from calovision.simulate.detector import CMS_BARREL
from calovision.simulate.foreign import Table
from calovision.simulate.foreign_files import tables
from calovision.simulate.foreign_jets import Wanted, found, given, image, imaged
from calovision.simulate.foreign_momenta import four_momenta, identities
from calovision.simulate.generator import offsets_of

QUIET = Wanted(pileup=0.0, noise=0.0)
PIONS, PHOTONS = 211, 22


def some_jets(n: int, seed: int) -> dict[str, Any]:
    """``n`` jets of a few particles each, as jagged lists: pdg, pt, eta, phi, mass."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(5, 20, n)
    axis = rng.uniform(-1, 1, (n, 2))
    owner = np.repeat(np.arange(n), counts)
    pdg = rng.choice([211, -211, 22, 22, 130, 11, -13], len(owner))
    mass = np.select([abs(pdg) == i for i in (211, 130, 11, 13)], [0.1396, 0.4976, 0.0005, 0.1057])
    flat = {
        "pdg": pdg,
        "pt": rng.exponential(8.0, len(owner)) + 0.5,
        "eta": axis[owner, 0] + rng.normal(0, 0.1, len(owner)),
        "phi": axis[owner, 1] + rng.normal(0, 0.1, len(owner)),
        "mass": mass,
    }
    return {k: ak.unflatten(v, counts) for k, v in flat.items()}


def momenta(jets: dict[str, Any]) -> dict[str, Any]:
    flat = {k: ak.to_numpy(ak.flatten(v)) for k, v in jets.items()}
    pdg = flat.pop("pdg").astype(np.int32)
    p = four_momenta(flat, pdg)
    counts = ak.num(jets["pt"])
    named = dict(zip(("px", "py", "pz", "energy"), p, strict=True))
    return {k: ak.unflatten(v, counts) for k, v in named.items()}


def write_root(path: Path, columns: dict[str, Any], tree: str = "tree") -> Path:
    uproot = pytest.importorskip("uproot")
    with uproot.recreate(path) as file:
        file.mktree(tree, {k: v.type for k, v in columns.items()} and _types(columns))
        file[tree].extend(columns)
    return path


def _types(columns: dict[str, Any]) -> dict[str, str]:
    return {k: "var * float64" if v.ndim == 2 else "float64" for k, v in columns.items()}


def write_parquet(path: Path, columns: dict[str, Any]) -> Path:
    arrays = {k: ak.to_arrow(v, list_to32=True, extensionarray=False) for k, v in columns.items()}
    pq.write_table(pa.table(arrays), path)
    return path


def write_hepmc(path: Path, jets: dict[str, Any], unit: float = 1.0) -> Path:
    """Every row a collision; a neutrino and an unstable particle are in each."""
    hep = pytest.importorskip("pyhepmc")
    p = momenta(jets)
    units = hep.Units.GEV if unit == 1 else hep.Units.MEV
    with hep.open(str(path), "w") as file:
        for i in range(len(jets["pt"])):
            event = hep.GenEvent(units, hep.Units.MM)
            vertex = hep.GenVertex((0, 0, 0, 0))
            beam = hep.GenParticle((0, 0, unit * 4000, unit * 4000), 2212, 4)
            vertex.add_particle_in(beam)
            rows = np.stack([ak.to_numpy(p[k][i]) for k in ("px", "py", "pz", "energy")], 1)
            for momentum, pdg in zip(rows * unit, ak.to_list(jets["pdg"][i]), strict=True):
                vertex.add_particle_out(hep.GenParticle(tuple(momentum), pdg, 1))
            for pdg, status in ((12, 1), (15, 2)):
                vertex.add_particle_out(hep.GenParticle((90.0, 0, 0, 90.1), pdg, status))
            event.add_vertex(vertex)
            file.write(event)
    return path


def whole(file: Path, size: int = 1000) -> Table:
    (table,) = tables(file, size)
    return table


@pytest.fixture(scope="module")
def jets() -> dict[str, Any]:
    return some_jets(12, 4)


def test_every_format_gives_the_same_particles(tmp_path: Path, jets: dict[str, Any]) -> None:
    names = {"pdg": "part_pdgid", "pt": "part_pt", "eta": "part_eta", "phi": "part_phi"}
    renamed = {names.get(k, "part_" + k): v for k, v in jets.items()}
    wide = max(ak.num(jets["pt"]))
    pad = {k: ak.to_numpy(ak.fill_none(ak.pad_none(v, wide), 0.0)) for k, v in jets.items()}
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
    flat = {k: ak.to_numpy(ak.flatten(v)) for k, v in jets.items()}
    wanted = four_momenta({k: v for k, v in flat.items() if k != "pdg"}, flat["pdg"])
    for file in written:
        table = whole(file)
        assert np.array_equal(table.pdg, flat["pdg"]), file.name
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
    ours = found(table, CMS_BARREL.jet_radius)
    seen = table.kept(table.seen())
    total = np.hypot(*(np.add.reduceat(p, seen.offsets[:-1]) for p in seen.momentum[:2]))
    # Most of a row's particles lie in one jet.
    first = ours.slot == 0
    assert (ours.pt[first] / total[ours.collision[first]]).mean() > 0.8
    assert (np.abs(ours.eta) < 1.5).all()


def test_given_jets_keep_all_their_particles(tmp_path: Path, jets: dict[str, Any]) -> None:
    table = whole(write_parquet(tmp_path / "c.parquet", jets))
    ours = given(table)
    sums = np.stack([np.add.reduceat(p, table.offsets[:-1]) for p in table.momentum])
    assert ours.pt == pytest.approx(np.hypot(sums[0], sums[1]))
    assert ours.mass**2 == pytest.approx(sums[3] ** 2 - (sums[:3] ** 2).sum(0), rel=1e-6)


def one_particle(pdg: int, energy: float, n: int) -> Table:
    p = np.tile([[energy], [0.0], [0.0], [energy]], n)
    return Table(offsets_of(np.ones(n, np.int64)), p, np.full(n, pdg, np.int32), {})


def test_an_image_has_the_energy_where_the_particle_belongs() -> None:
    photons = imaged(one_particle(22, 60.0, 40), "jets", (1, 0), QUIET)
    track, ecal, hcal = photons.sums().mean(0)
    assert ecal == pytest.approx(60, rel=0.1)
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
    monkeypatch.setattr("calovision.simulate.foreign_jets.CHUNK", 5)
    file = write_parquet(tmp_path / "c.parquet", jets)
    wanted = Wanted(pileup=0.0, label=1)
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
    refused(write_parquet(tmp_path / "c.parquet", {"phi": few["phi"]}), "nothing tells what")
    refused(write_parquet(tmp_path / "d.parquet", {"pdg": jets["pdg"]}), "px, py, pz or pt")
    strange = jets | {"pdg": jets["pdg"] * 0 + 999999}
    refused(write_parquet(tmp_path / "e.parquet", strange), "identity 999999")
    soft = jets | {"pt": jets["pt"] * 1000}
    refused(write_parquet(tmp_path / "f.parquet", soft | {"mass": soft["pt"] * 1e6}), "GeV")
    forward = jets | {"eta": jets["eta"] * 0 + 2.5}
    refused(write_parquet(tmp_path / "g.parquet", forward), "none of the 12 jets")

    def missing(*_: object) -> Any:
        raise ImportError("no", name="uproot")
        yield

    monkeypatch.setattr(foreign_files, "_root", missing)
    write_root(tmp_path / "h.root", jets)
    refused(tmp_path / "h.root", r"reading ROOT files needs uproot.*calovision\[interchange\]")


def test_the_command_makes_a_set(
    tmp_path: Path,
    jets: dict[str, Any],
    calovision: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", jets)
    shown = calovision("data", "image", file, "--out", tmp_path / "mine", "--pileup", "0", "--json")
    assert shown.returncode == 0, shown.stderr
    store = EventStore.open(tmp_path / "mine")
    assert len(store) > 0
    assert "12 rows" in shown.stderr
    assert store[:1].to_dense().shape == (1, 3, 125, 125)
