from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calovision as cv
from calovision.events.events import Events
from calovision.events.plausibility import contents, doubts, energy_factors


def said(events: Events, folder: Path) -> list[str]:
    store = cv.save(events, folder, overwrite=True)
    return doubts(contents(store), store.columns, store.geometry)


def scaled(events: Events, factor: Any) -> Events:
    """Energies times a factor a hit."""
    return replace(events, value=(events.value * np.float32(factor)).astype(np.float32))


def of_channel(events: Events, name: str, factor: float) -> np.ndarray[Any, Any]:
    return np.where(events.channel == events.geometry.channel_names.index(name), factor, 1.0)


def test_nothing_is_said_of_what_is_right(
    toy_jets: Events, toy_crops: Events, tmp_path: Path
) -> None:
    assert said(toy_jets, tmp_path / "set") == []
    assert said(toy_crops, tmp_path / "set") == []
    energies = toy_crops.keep(toy_crops.code == 0)
    assert said(energies, tmp_path / "set") == []
    without = replace(toy_jets, columns={"label": toy_jets.label})
    assert said(without, tmp_path / "set") == []


@pytest.mark.parametrize("settings", [{}, {"pileup": 0, "noise": 0}, {"pileup": 200}])
def test_nothing_is_said_of_simulated_jets(settings: dict[str, Any], tmp_path: Path) -> None:
    """Without pile-up, and with that of a future collider, the sums differ by a factor of four."""
    jets = cv.simulate.jets(24, seed=9, quiet=True, **settings)
    assert said(jets, tmp_path / "set") == []
    soft = replace(jets, columns={**jets.columns, "pt": jets["pt"] * np.float32(0.3)})
    assert said(soft, tmp_path / "set") == []


def test_nothing_is_said_of_simulated_crops(tmp_path: Path) -> None:
    assert said(cv.simulate.egamma(200, seed=9, quiet=True), tmp_path / "set") == []


@pytest.mark.parametrize(
    ("factor", "guess"),
    [
        (100, "GeV taken as image units? give unit gev"),
        (0.01, "image units taken as GeV? give unit image"),
        (1000, "MeV taken as GeV?"),
        (1e-3, "is pt in MeV?"),
        (15, None),
    ],
)
def test_energies_of_another_unit(
    toy_jets: Events, tmp_path: Path, factor: float, guess: str | None
) -> None:
    (line,) = said(scaled(toy_jets, factor), tmp_path / "set")
    found = float(line.split(" are ")[1].split()[0].replace(",", ""))
    sums = toy_jets.sums().sum(1)
    wanted = factor * np.median(sums / (1.7 * toy_jets["pt"] + 60))
    assert found == pytest.approx(wanted, rel=0.06)
    assert line.endswith(f": {guess}" if guess else "times what pt suggests")
    assert line.startswith("energies of all events are")


def test_crops_of_another_unit(toy_crops: Events, tmp_path: Path) -> None:
    energies = scaled(toy_crops, of_channel(toy_crops, "energy", 50))
    (line,) = said(energies, tmp_path / "set")
    assert "electrons and photons of 50 GeV have: GeV taken as image units?" in line
    known = np.asarray(energies.sums()[:, 0], np.float32)
    for name in ("energy", "pt"):
        fitting = replace(energies, columns={**energies.columns, name: known})
        assert said(fitting, tmp_path / "set") == []
    (line,) = said(scaled(toy_crops, of_channel(toy_crops, "time", 50)), tmp_path / "set")
    assert "channel 'time'" in line
    assert line.endswith("are they in ns, not in units of 50 ns?")


@pytest.mark.parametrize(
    ("name", "factor", "remedy"),
    [
        ("hcal", 25 / 3, "divide by 25"),  # the toys' towers hold three times the public ones
        ("hcal", 1 / 25 / 3, "multiply by 25"),
        ("ecal", 1000, "times what pt suggests"),
    ],
)
def test_one_channel_of_another_unit(
    toy_jets: Events, tmp_path: Path, name: str, factor: float, remedy: str
) -> None:
    (line,) = said(scaled(toy_jets, of_channel(toy_jets, name, factor)), tmp_path / "set")
    assert f"energies in channel {name!r} are" in line
    assert line.endswith(remedy)


def test_some_events_of_another_unit(toy_jets: Events, tmp_path: Path) -> None:
    few = np.where(toy_jets.owner < 16, 100, 1)
    (line,) = said(scaled(toy_jets, few), tmp_path / "set")
    assert line.startswith("energies of 25 % of the events are")


def test_empty_and_full_images(toy_jets: Events, tmp_path: Path) -> None:
    empty = toy_jets.keep(toy_jets.owner < 10)
    assert said(empty, tmp_path / "set") == ["84 % of the events hold no energy"]
    full = np.full((4, 3, 125, 125), 2e-3, np.float32)
    events = cv.from_images(full, label=[0, 1, 0, 1], pt=[100.0] * 4)
    lines = said(events, tmp_path / "set")
    assert len(lines) == 3
    assert all("is noise left in? give a threshold" in line for line in lines)
    assert "100 % of the pixels of channel 'ecal' are not 0, 64 times as many" in lines[1]


def test_nothing_is_expected_where_nothing_is_known(toy_jets: Events) -> None:
    sums = np.ones(3)
    assert energy_factors(sums, {}, cv.JET_IMAGES) is None
    assert energy_factors(0 * sums, {"pt": sums}, cv.JET_IMAGES) is None
    found = energy_factors(np.array([230.0, 0.0]), {"pt": np.array([100.0, 9.0])}, cv.JET_IMAGES)
    assert found is not None
    np.testing.assert_allclose(found, [1.0])
