"""ROOT files of experiments: NanoAOD, PFNano, EDM4hep, Delphes; trees and RNTuples."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.external.files import Options, source
from calovision.simulation.external.images import image
from calovision.simulation.external.names import COLLECTIONS, find
from external_toys import momenta, some_jets, tables, write_root

JETS = some_jets(6, 5)
QUIET = Options(pileup=0.0, noise=0.0)
WANTED = np.stack([ak.to_numpy(ak.flatten(v)) for v in momenta(JETS).values()])
NANO = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "pdgId": "pdg"}
KINDS = pytest.mark.parametrize("ntuple", [False, True], ids=["tree", "RNTuple"])


def nano(collection: str) -> dict[str, Any]:
    return {f"{collection}_{k}": JETS[v] for k, v in NANO.items()}


def gen_part() -> dict[str, Any]:
    """NanoAOD's list: incoming partons along the beam first, and a decayed particle last."""
    first = {"pt": 0.0, "eta": 22_144.0, "phi": 0.0, "mass": 0.0, "pdgId": 21}
    last = {"pt": 90.0, "eta": 0.1, "phi": 0.2, "mass": 1.8, "pdgId": 15}
    around = {
        f"GenPart_{k}": ak.concatenate(
            [ak.Array([[first[k]] * 2] * 6), JETS[v], ak.Array([[last[k]]] * 6)], axis=1
        )
        for k, v in NANO.items()
    }
    status = ak.ones_like(JETS["pdg"])
    around["GenPart_status"] = ak.concatenate(
        [ak.Array([[21, 21]] * 6), status, ak.Array([[2]] * 6)], axis=1
    )
    around["GenPart_statusFlags"] = around["GenPart_status"] * 8192 + 1
    return around


def some_jets_only() -> dict[str, Any]:
    return {f"Jet_{k}": JETS[k][:, :2] for k in ("pt", "eta", "phi", "mass")}


def vectors() -> dict[str, Any]:
    p = momenta(JETS)
    return {c: p[f"p{c}"] for c in "xyz"}


@KINDS
def test_nanoaod_is_filtered_before_anything_else(tmp_path: Path, ntuple: bool) -> None:
    columns = some_jets_only() | gen_part() | {"genWeight": np.arange(6.0)}
    file = write_root(tmp_path / "nano.root", columns, "Events", ntuple)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = source(file)
        (table,) = found.tables(1000)
    assert [str(w.message).split(":")[0] for w in told] == ["nano.root"]
    assert "pruned" in str(told[0].message)
    assert found.rows == "events"
    assert np.array_equal(table.pdg, ak.to_numpy(ak.flatten(JETS["pdg"])))
    assert table.momentum == pytest.approx(WANTED, rel=1e-9)
    assert table.columns["weight"].tolist() == list(range(6))


@KINDS
def test_pfnano_has_all_its_candidates(tmp_path: Path, ntuple: bool) -> None:
    columns = gen_part() | nano("PFCands") | {"PFCands_charge": np.sign(JETS["pdg"])}
    columns["PFCands_pt"] = columns["PFCands_pt"] * 2
    file = write_root(tmp_path / "pf.root", columns, "Events", ntuple)
    found = source(file)
    (table,) = found.tables(1000)
    assert (found.rows, found.description["particles"]) == ("events", "PFCands")
    assert np.hypot(*table.momentum[:2]) == pytest.approx(2 * np.hypot(*WANTED[:2]))
    with pytest.warns(UserWarning, match="pruned"):
        (table,) = tables(file, 1000, Options(particles="genpart"))
    assert table.momentum == pytest.approx(WANTED, rel=1e-9)


@KINDS
def test_edm4hep_has_vectors(tmp_path: Path, ntuple: bool) -> None:
    inside = {"PDG": JETS["pdg"], "mass": JETS["mass"], "charge": np.sign(JETS["pdg"]) * 1.0}
    inside["generatorStatus"] = ak.ones_like(JETS["pdg"])
    if ntuple:
        inside |= {"momentum": ak.zip(vectors()), "vertex": ak.zip(vectors())}
        columns = {"MCParticles": ak.zip(inside)}
    else:
        inside |= {f"momentum.{c}": v for c, v in vectors().items()}
        inside |= {f"vertex.{c}": v * 0 for c, v in vectors().items()}
        columns = {f"MCParticles.{k}": v for k, v in inside.items()}
    file = write_root(tmp_path / "e.root", columns, "events", ntuple)
    found = source(file)
    parts = list(found.tables(4))
    assert (found.rows, found.description["particles"]) == ("events", "MCParticles")
    assert np.concatenate([t.momentum for t in parts], axis=1) == pytest.approx(WANTED, rel=1e-6)
    assert np.concatenate([t.pdg for t in parts]).tolist() == ak.flatten(JETS["pdg"]).to_list()
    store = image([file], tmp_path / "out", 1, QUIET)
    assert store.manifest["provenance"]["rows"] == "events"


def test_reconstructed_particles_without_identities_are_told_by_charge_and_mass(
    tmp_path: Path,
) -> None:
    columns = {f"MyPFOs.momentum.{c}": v for c, v in vectors().items()}
    columns |= {"MyPFOs.charge": np.sign(JETS["pdg"]) * (JETS["pdg"] != 22) * 1.0}
    columns |= {"MyPFOs.mass": JETS["mass"], "MyPFOs.PDG": JETS["pdg"] * 0}
    columns |= {"MyPFOs.energy": momenta(JETS)["energy"]}
    file = write_root(tmp_path / "e.root", columns, "events")
    with pytest.raises(InputError, match="no particles by a known name, but momenta of MyPFOs"):
        source(file)
    with pytest.raises(InputError, match=r"MyPFOs may be a jet or a collision; .*--rows"):
        source(file, Options(particles="MyPFOs"))
    (table,) = tables(file, 1000, Options(particles="MyPFOs", rows="events"))
    assert table.momentum == pytest.approx(WANTED)
    pdg = ak.to_numpy(ak.flatten(JETS["pdg"]))
    assert np.array_equal(table.pdg[abs(pdg) == 211], pdg[abs(pdg) == 211])
    assert np.array_equal(table.pdg == 22, pdg == 22)


def test_delphes_rows_are_collisions(tmp_path: Path) -> None:
    names = {"PT": "pt", "Eta": "eta", "Phi": "phi", "Mass": "mass", "PID": "pdg"}
    columns = {f"Particle.{k}": JETS[v] for k, v in names.items()}
    columns["Particle.Status"] = ak.ones_like(JETS["pdg"])
    file = write_root(tmp_path / "d.root", columns, "Delphes")
    assert source(file).rows == "events"
    (table,) = tables(file, 1000)
    assert table.momentum == pytest.approx(WANTED)


def write_trees(path: Path, ntuple: bool, **trees: dict[str, Any]) -> Path:
    uproot = pytest.importorskip("uproot")
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            if ntuple:
                file.mkrntuple(name, columns)
            else:
                many = {k: "var * float64" if v.ndim == 2 else "int64" for k, v in columns.items()}
                file.mktree(name, many)
                file[name].extend(columns)
    return path


@KINDS
def test_the_tree_with_particles_is_taken(tmp_path: Path, ntuple: bool) -> None:
    jets, run = dict(JETS), {"run": np.arange(6)}
    file = write_trees(tmp_path / "a.root", ntuple, Runs=run, events=jets, MetaData=run)
    (table,) = tables(file, 1000)
    assert table.momentum == pytest.approx(WANTED)
    two = write_trees(tmp_path / "b.root", ntuple, first=jets, second=jets, Runs=run)
    with pytest.raises(InputError, match=r"trees Runs, first, second; .*first, second; .*--tree"):
        source(two)
    (table,) = tables(two, 1000, Options(tree="second"))
    assert len(table) == 6
    with pytest.raises(InputError, match=r"tree Runs has no lists of momenta .*\(it has run\)"):
        source(two, Options(tree="Runs"))
    with pytest.raises(InputError, match=r"no tree Ronz; name one of Runs, first, second"):
        source(two, Options(tree="Ronz"))
    none = write_trees(tmp_path / "c.root", ntuple, Runs=run, MetaData=run)
    with pytest.raises(InputError, match=r"c.root: it holds the trees MetaData, Runs; none"):
        source(none)


@KINDS
def test_unknown_names_are_told_with_what_is_known(tmp_path: Path, ntuple: bool) -> None:
    file = write_trees(tmp_path / "a.root", ntuple, t={"foo": JETS["pt"], "bar": JETS["eta"]})
    with pytest.raises(InputError, match=r"it has .*foo.*; known are px.*GenPart.*MCParticles"):
        image([file], tmp_path / "out", 1, QUIET)
    jets = write_trees(tmp_path / "b.root", ntuple, t=some_jets_only())
    with pytest.raises(InputError, match=r"but momenta of Jet; name one by --particles"):
        source(jets)
    with pytest.raises(InputError, match=r"no momenta of Muon \(it has Jet\)"):
        source(jets, Options(particles="Muon"))
    uproot = pytest.importorskip("uproot")
    with uproot.recreate(tmp_path / "h.root") as opened:
        opened["h"] = np.histogram(np.arange(9.0))
    with pytest.raises(InputError, match=r"no tree or RNTuple \(it has h \(TH1"):
        source(tmp_path / "h.root")


def test_momenta_are_never_mixed_from_two_collections() -> None:
    depths = dict.fromkeys(["part_px", "part_py", "part_pz", "pt", "eta", "pdg", "energy"], 2)
    found = find(depths | {"label": 1}, None, "it").particles
    assert found["px"] == "part_px"
    assert found["pdg"] == "pdg"
    assert "pt" not in found
    # A number a row is no momentum of its particles.
    flat = dict.fromkeys(["pt", "eta", "phi", "y"], 1) | dict.fromkeys(
        ["part_pt", "part_eta", "part_phi"], 2
    )
    layout = find(flat, None, "it")
    assert layout.particles == {"pt": "part_pt", "eta": "part_eta", "phi": "part_phi"}
    assert layout.per_row == {"label": "y"}
    assert layout.rows == COLLECTIONS["part"]
