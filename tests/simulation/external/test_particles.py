"""What leaves a signal in the detector, and what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import offsets_of
from calovision.simulation.external.files import Options
from calovision.simulation.external.images import image, imaged
from calovision.simulation.external.particles import Table, fleeting, invisible
from external_toys import some_jets, write_hepmc, write_parquet

QUIET = Options(pileup=0.0, noise=0.0)
DARK = [12, -14, 16, 18, 39, 51, 53, 1000012, 1000022, -1000022, 1000039, 2000014, 4900111, 5000039]
SEEN = [11, -13, 22, 130, 211, 310, 321, 2112, -2212, 3122, 1000010020, 1000024, 1009213]
FLEETING = [1, -5, 21, 15, 24, 111, 221, 411, 521, 443, 2101]


def pairs(pdg: int, energy: float, n: int) -> Table:
    """``n`` rows with a photon of 60 GeV and another particle at its side."""
    p = np.tile([[60.0, energy], [0.0, 0.0], [0.0, 0.0], [60.0, energy]], n)
    return Table(offsets_of(np.full(n, 2)), p, np.tile([22, pdg], n).astype(np.int32), {})


def test_invisible_is_what_pythia_calls_so() -> None:
    assert invisible(np.array(DARK, np.int32)).all()
    assert not invisible(np.array(SEEN + FLEETING, np.int32)).any()
    # What nobody knows is no signal's absence: it is refused elsewhere.
    assert not invisible(np.array([999999, 0, 2**31 - 1], np.int32)).any()
    assert invisible(np.array([999999, -999999], np.int32), (999999,)).all()


def test_what_decays_at_once_is_known() -> None:
    assert fleeting(np.array(FLEETING, np.int32)).all()
    assert not fleeting(np.array(SEEN, np.int32)).any()


@pytest.mark.parametrize("pdg", [1000022, -1000039, 52, 4900111])
def test_an_invisible_particle_leaves_the_image_as_it_is(pdg: int) -> None:
    alone = imaged(pairs(22, 0.01, 20), "jets", (1, 0), QUIET)
    beside = imaged(pairs(pdg, 100.0, 20), "jets", (1, 0), QUIET)
    assert np.array_equal(beside.to_dense(), alone.to_dense())
    assert beside.columns["gen_pt"] == pytest.approx(60, rel=1e-6)
    seen = imaged(pairs(130, 100.0, 20), "jets", (1, 0), QUIET)
    assert seen.columns["gen_pt"] == pytest.approx(160, rel=1e-6)
    assert seen.sums().sum(1).mean() > alone.sums().sum(1).mean() + 50


def test_more_can_be_called_invisible() -> None:
    hidden = Options(pileup=0.0, noise=0.0, invisible=(-130, 999999))
    alone = imaged(pairs(22, 0.01, 20), "jets", (1, 0), hidden)
    for pdg in (130, 999999, -999999):
        beside = imaged(pairs(pdg, 100.0, 20), "jets", (1, 0), hidden)
        assert np.array_equal(beside.to_dense(), alone.to_dense())
    with pytest.raises(InputError, match=r"identity 999999; .*--invisible 999999"):
        imaged(pairs(999999, 100.0, 20), "jets", (1, 0), QUIET)


def test_heavy_charged_particles_shower_no_more_than_muons() -> None:
    muon = imaged(pairs(13, 100.0, 40), "jets", (1, 0), QUIET)
    for pdg in (1000015, -1000024, 1009213):
        heavy = imaged(pairs(pdg, 100.0, 40), "jets", (1, 0), QUIET)
        assert heavy.sums()[:, 2] == pytest.approx(muon.sums()[:, 2])
    deuteron = imaged(pairs(1000010020, 100.0, 40), "jets", (1, 0), QUIET)
    assert deuteron.sums()[:, 1:].sum(1).mean() > muon.sums()[:, 1:].sum(1).mean() + 30


def test_a_neutralino_in_hepmc_gives_no_jet(tmp_path: Path) -> None:
    jets = some_jets(3, 1)
    dark = jets | {"pdg": jets["pdg"] * 0 + 1000022}
    file = write_hepmc(tmp_path / "x.hepmc3", dark)
    with pytest.raises(InputError, match=r"none of the 3 events .* 1000022 \(~chi_10\)"):
        image([file], tmp_path / "out", 1, QUIET)


def test_short_lived_particles_are_warned_of_once(tmp_path: Path) -> None:
    jets = some_jets(3, 1)
    file = write_parquet(tmp_path / "x.parquet", jets | {"pdg": jets["pdg"] * 0 + 111})
    with pytest.warns(UserWarning, match=r"111 \(pi0\) cannot reach a detector") as warned:
        image([file, file], tmp_path / "out", 1, QUIET)
    assert len(warned) == 1
