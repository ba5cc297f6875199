"""The read-out of crops: schema, noise, thresholds, times, empty events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.formats.export_dense import export
from calovision.events.geometry import EGAMMA_CROPS, NS_PER_UNIT
from calovision.events.store import save
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.egamma.measure import ELECTRONICS, measured
from calovision.simulation.egamma.particles import BARREL_ROWS, PEAK, Particles, Showers


def particles(n: int) -> Particles:
    zero = np.zeros(n)
    label = (np.arange(n) % 2).astype(np.int8)
    return Particles(label, -label, zero, zero, zero)


def lit(n: int, energy: dict[tuple[int, int], float], row: int = 0) -> Showers:
    crops = np.zeros((n, 32, 32), np.float32)
    for (i, j), e in energy.items():
        crops[:, i, j] = e
    none = np.zeros(n)
    return Showers(crops, np.full(n, row), crops.sum(axis=(1, 2)), none.astype(bool), none)


def see(showers: Showers, seed: int = 1) -> Events:
    return measured(particles(len(showers.row)), showers, seed, first_id=70)


def test_peak_in_the_middle_and_time_where_there_is_energy() -> None:
    events = see(lit(200, {(16, 16): 40.0, (16, 17): 39.9, (20, 9): 3.0}))
    energy, time = events.to_dense("gev").transpose(1, 0, 2, 3)
    assert (energy.reshape(200, -1).argmax(axis=1) == PEAK * 32 + PEAK).all()
    np.testing.assert_array_equal(time != 0, energy > 0)
    assert (energy[energy > 0] > CMS_BARREL.ecal_threshold).all()
    moved = energy[:, 16, 15] > 30  # the neighbour was measured higher: everything moves
    assert 0.2 < moved.mean() < 0.8
    assert (energy[moved, 20, 8] > 2).all()
    assert (energy[~moved, 20, 9] > 2).all()


def test_resolution_noise_and_threshold() -> None:
    events = see(lit(3000, {(16, 16): 40.0}))
    energy = events.to_dense("gev")[:, 0]
    e = ELECTRONICS
    width = np.sqrt(
        e.photostatistics**2 * 40 + (e.intercalibration * 40) ** 2 + CMS_BARREL.ecal_noise**2
    )
    assert energy[:, 16, 16].mean() == pytest.approx(40.0, abs=4 * width / np.sqrt(3000))
    assert energy[:, 16, 16].std() == pytest.approx(width, rel=0.06)
    near = energy[:, 16 - CMS_BARREL.ecal_neighbours : 16, 16]
    assert (near > 0).mean() == pytest.approx(0.177, abs=0.02)  # of a Gaussian above 39/42 sigma
    assert not energy[:, : 16 - CMS_BARREL.ecal_neighbours].any()


def test_times_are_best_where_the_energy_is() -> None:
    events = see(lit(2000, {(16, 16): 40.0, (17, 16): 1.0}))
    time = events.to_dense("image")[:, 1] * NS_PER_UNIT
    assert np.abs(time).max() <= ELECTRONICS.time_span * (1 + 1e-6)
    assert abs(time[:, 16, 16].mean()) < 0.02
    spread = np.hypot(ELECTRONICS.time_noise * CMS_BARREL.ecal_noise / 40, 0.15)
    assert time[:, 16, 16].std() == pytest.approx(spread, rel=0.06)
    assert time[:, 17, 16].std() == pytest.approx(35 * 0.042, rel=0.1)


def test_no_noise_beyond_the_barrel() -> None:
    energy = see(lit(300, {(16, 16): 40.0}, row=BARREL_ROWS - 2)).to_dense("gev")[:, 0]
    assert energy[:, 17].any()
    assert not energy[:, 18:].any()


def test_events_without_deposit_are_kept() -> None:
    events = see(lit(6, {}))
    assert len(events) == 6
    assert events.n_hits.tolist() == [0] * 6
    assert events.columns["event_id"].tolist() == [70, 71, 72, 73, 74, 75]
    assert not events.columns["deposit"].any()


def test_set_can_be_written_and_exported_in_the_public_schema(tmp_path: Path) -> None:
    import h5py

    events = see(lit(8, {(16, 16): 40.0, (15, 15): 2.0}))
    assert events.geometry == EGAMMA_CROPS
    store = save(events, tmp_path / "set", provenance={"source": "test"})
    assert store.manifest["units"]["energy"] == "GeV"
    export(store, tmp_path / "crops.h5")
    with h5py.File(tmp_path / "crops.h5") as file:
        assert file["X"].shape == (8, 32, 32, 2)
        np.testing.assert_array_equal(file["y"][:], events.label)
        np.testing.assert_array_equal(file["X"][:], events.to_dense("image").transpose(0, 2, 3, 1))
