"""HepMC files: their own unit, beams and weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.external.files import Options, source
from external_toys import mev, some_jets, tables, write_hepmc

JETS = some_jets(6, 5)
STRONG = JETS | {"pt": JETS["pt"] * 1000}


def test_the_unit_of_the_file_holds(tmp_path: Path) -> None:
    files = [write_hepmc(tmp_path / f"{u:g}.hepmc3", JETS, u) for u in (1.0, 1000.0)]
    (gev,), (mega,) = (tables(f, 100) for f in files)
    assert mega.momentum == pytest.approx(gev.momentum, rel=1e-12)
    assert gev.momentum[0].max() < 91
    assert [source(f).description["unit"] for f in files] == ["GeV", "MeV"]
    assert len(next(tables(files[1], 100, Options(unit="MeV")))) == 6
    with pytest.raises(InputError, match="its unit is GeV, not MeV; leave out --unit"):
        source(files[0], Options(unit="MeV"))


def test_a_wrong_unit_shows_in_the_beams(tmp_path: Path) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", JETS, 1000.0)
    file.write_text(file.read_text().replace("U MEV", "U GEV"))
    with pytest.raises(InputError, match=r"beams of event 1 have 4e\+06 GeV; .* U"):
        list(tables(file, 4))


def test_particles_have_no_more_than_the_beams(tmp_path: Path) -> None:
    # Ten TeV at most: too much for 4 on 4 TeV and for no beams, not for 50 on 50 TeV.
    weak = write_hepmc(tmp_path / "weak.hepmc3", STRONG)
    with pytest.raises(InputError, match=r"energy is .* of event \d; at most 8080 GeV"):
        list(tables(weak, 4))
    unknown = write_hepmc(tmp_path / "unknown.hepmc3", STRONG, beam=0.0)
    with pytest.raises(InputError, match=r"energy is .* of event \d.*LHC"):
        list(tables(unknown, 4))
    strong = write_hepmc(tmp_path / "strong.hepmc3", STRONG, beam=50_000.0)
    assert sum(len(t) for t in tables(strong, 4)) == 6
    assert sum(len(t) for t in tables(unknown, 4, Options(unit="GeV"))) == 6
    assert mev(JETS)["pt"][0, 0] == STRONG["pt"][0, 0]


@pytest.mark.parametrize(
    ("names", "taken", "told"),
    [
        (None, 0, "number 0"),
        (["scale_up", "scale_down", "Default"], 2, "Default"),
        (["a", "Weight", "Default"], 1, "Weight"),
        (["x", "NOMINAL", "y"], 1, "NOMINAL"),
        (["x", "y", "z"], 0, "x"),
    ],
)
def test_the_nominal_weight_is_taken_and_named(
    tmp_path: Path, names: list[str] | None, taken: int, told: str
) -> None:
    weights = np.random.default_rng(3).normal(0, 10, (6, 3))
    file = write_hepmc(tmp_path / "x.hepmc3", JETS, 1.0, lambda i: weights[i].tolist(), names)
    found = source(file)
    assert (found.description["weight"], found.description["weights"]) == (told, 3)
    kept = np.concatenate([t.columns["weight"] for t in found.tables(4)])
    assert kept.dtype == np.float64
    assert kept == pytest.approx(weights[:, taken], rel=1e-14)


def test_events_without_weights_have_no_column(tmp_path: Path) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", JETS)
    assert all("weight" not in t.columns for t in tables(file, 4))
    assert "weight" not in source(file).description


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (lambda i: [float("nan")], "its weights cannot be read"),
        (lambda i: [1.0] if i else [float("nan")], "its weights cannot be read"),
        (lambda i: [1.0] if i else [], "event 2 has 1 weights .* first event none"),
        (lambda i: [1.0] if i < 4 else [], "event 5 has 0 weights .* first event has others"),
    ],
)
def test_weights_that_are_lost_are_told(tmp_path: Path, bad: object, told: str) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", JETS, weights=bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=told):
        list(tables(file, 3))
