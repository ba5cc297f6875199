"""Momenta of others: units, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.external.files import Options
from calovision.simulation.external.images import image
from calovision.simulation.external.momenta import four_momenta
from external_toys import mev, momenta, padded, some_jets, tables, write_parquet, write_root

JETS = some_jets(6, 5)
PIONS = np.full(3, 211, np.int32)


def changed(name: str, row: int, particle: int, value: float) -> dict[str, Any]:
    """The toy jets with another number in one place."""
    rows = ak.to_list(JETS[name])
    rows[row][particle] = value
    return JETS | {name: ak.Array(rows)}


def write(path: Path, jets: dict[str, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **padded(jets))
        return path
    return (write_root if path.suffix == ".root" else write_parquet)(path, jets)


@pytest.mark.parametrize("name", ["x.parquet", "x.npz", "x.root"])
def test_mev_are_refused_unless_they_are_told(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, mev(JETS))
    with pytest.raises(InputError, match=r"GeV for particle \d+ of row \d.*--unit MeV"):
        list(tables(file, 1000))
    (table,) = tables(file, 1000, Options(unit="MeV"))
    wanted = np.stack([ak.to_numpy(ak.flatten(v)) for v in momenta(JETS).values()])
    assert table.momentum == pytest.approx(wanted, rel=1e-9)


def test_a_unit_that_is_told_is_in_the_set(tmp_path: Path) -> None:
    wanted = Options(pileup=0.0, noise=0.0, unit="MeV")
    there = image([write(tmp_path / "m.parquet", mev(JETS))], tmp_path / "mev", 1, wanted)
    wanted = Options(pileup=0.0, noise=0.0)
    ours = image([write(tmp_path / "g.parquet", JETS)], tmp_path / "gev", 1, wanted)
    sums = [np.add.reduceat(p, ak.to_list(_firsts())) for p in _flat()]
    assert there.column("gen_pt") == pytest.approx(np.hypot(sums[0], sums[1]), rel=1e-5)
    assert there.column("gen_pt") == pytest.approx(ours.column("gen_pt"), rel=1e-6)
    assert there.manifest["provenance"]["files"][0]["unit"] == "MeV"
    assert ours.manifest["provenance"]["files"][0]["unit"] == "GeV"


def _firsts() -> Any:
    return np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(JETS["pt"])))[:-1]])


def _flat() -> list[Any]:
    return [ak.to_numpy(ak.flatten(v)) for v in momenta(JETS).values()]


def test_jets_beyond_the_lhc_are_refused_though_no_particle_is(tmp_path: Path) -> None:
    # Ten particles of 1 TeV each: a jet of 10 TeV, of 10 GeV if they are in MeV.
    n = np.full((1, 10), 1.0)
    columns = {"pdg": ak.Array(n * 211), "pt": ak.Array(n * 1000), "eta": ak.Array(n * 0)}
    file = write_parquet(tmp_path / "x.parquet", columns | {"phi": ak.Array(n * 0)})
    with pytest.raises(InputError, match=r"x.parquet: a jet of row 0 has 10000 GeV.*--unit MeV"):
        image([file], tmp_path / "out", 1, Options(pileup=0.0))
    columns["pt"] = columns["pt"] * 10
    far = write_parquet(tmp_path / "y.parquet", columns | {"phi": ak.Array(n * 0)})
    with pytest.warns(UserWarning, match=r"largest energy of a particle is 1e\+04 GeV"):
        store = image([far], tmp_path / "far", 1, Options(pileup=0.0, unit="GeV"))
    assert store.column("gen_pt") == pytest.approx(1e5, rel=1e-5)


def test_too_little_is_said_to_be_in_another_unit(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", JETS)
    with pytest.raises(InputError, match=r"stable particles of at most 0.0"):
        image([file], tmp_path / "out", 1, Options(pileup=0.0, unit="MeV"))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("pt", -3.0, "pt is -3 GeV for particle 2 of row 4"),
        ("pt", np.nan, "pt is nan GeV for particle 2 of row 4"),
        ("eta", np.inf, "eta is inf for particle 2 of row 4"),
        ("phi", 181.0, "phi is 181 for particle 2 of row 4; give radians"),
        ("mass", -4.0, "mass is -4 GeV for particle 2 of row 4"),
        ("mass", 139.6, r"energy is \d+.*for particle 2 of row 4.*in one unit"),
        ("pt", 7001.0, r"energy is [\d.]+ GeV for particle 2 of row 4.*7000 GeV.*--unit MeV"),
        ("eta", 800.0, r"energy is .* GeV for particle 2 of row 4"),
        ("pdg", 211.5, "PDG identity is 211.5 for particle 2 of row 4"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(
    tmp_path: Path, name: str, value: float, told: str
) -> None:
    assert abs(ak.to_list(JETS["pdg"])[4][2]) == 211
    file = write_parquet(tmp_path / "x.parquet", changed(name, 4, 2, value))
    for size in (1000, 3):  # in another portion, too
        with pytest.raises(InputError, match=f"x.parquet: .*{told}"):
            list(tables(file, size))


def test_energies_below_momentum_or_mass_are_refused_but_not_rounding() -> None:
    p = {"px": np.array([3.0, 30, 0]), "py": np.array([4.0, 40, 0]), "pz": np.zeros(3)}
    exact = np.sqrt(p["px"] ** 2 + p["py"] ** 2 + 0.1396**2)
    rough = p | {"energy": exact.astype(np.float16).astype(float)}
    assert four_momenta(rough, PIONS)[3] == pytest.approx(exact, rel=1e-3)
    with pytest.raises(InputError, match=r"energy is 49 GeV for particle 1; .*momentum"):
        four_momenta(p | {"energy": np.array([6.0, 49.0, 1.0])}, PIONS)
    with pytest.raises(InputError, match=r"energy is 1 GeV for particle 2; .*mass"):
        four_momenta(p | {"energy": np.array([6.0, 60, 1]), "mass": np.full(3, 5.0)}, PIONS)
    with pytest.raises(InputError, match="energy is -1 GeV for particle 2"):
        four_momenta(p | {"energy": np.array([6.0, 60, -1])}, PIONS)


def test_energies_in_another_unit_than_momenta_are_refused(tmp_path: Path) -> None:
    columns = momenta(JETS) | {"pdg": JETS["pdg"]}
    columns["energy"] = columns["energy"] * 1000
    file = write_parquet(tmp_path / "x.parquet", columns)
    with pytest.raises(InputError, match="that does not fit its momentum and identity"):
        list(tables(file, 100, Options(unit="GeV")))


def test_particles_along_the_beam_are_no_error() -> None:
    given = {"pt": np.array([0.0, 0.0, 5.0]), "phi": np.zeros(3)}
    for eta in (np.inf, 22_000.0, 0.0):
        p = four_momenta(given | {"eta": np.array([eta, -eta, 1.0])}, PIONS)
        assert np.isfinite(p).all()
        assert p[2, 2] == pytest.approx(5 * np.sinh(1.0))
        assert (np.hypot(p[0], p[1]) == [0, 0, 5]).all()


def test_zero_components_are_no_padding(tmp_path: Path) -> None:
    p = padded(JETS | momenta(JETS))
    turned = np.hypot(p["px"], p["py"])
    np.savez(tmp_path / "x.npz", pdg=p["pdg"], px=turned * 0, py=turned, pz=p["pz"])
    (table,) = tables(tmp_path / "x.npz", 1000)
    assert np.diff(table.offsets).tolist() == ak.num(JETS["pt"]).tolist()
    assert table.momentum[1] == pytest.approx(ak.to_numpy(ak.flatten(JETS["pt"])), rel=1e-9)
