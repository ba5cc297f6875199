"""The read-out of crops: schema, noise, thresholds, times, empty events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.formats.export_dense import export
from calovision.events.geometry import EGAMMA_CROPS, NS_PER_UNIT
from calovision.events.store import save
from calovision.simulation.egamma.clustering import READ_OUT
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
    events = see(lit(300, {(16, 16): 40.0, (16, 17): 20.0, (20, 9): 3.0}))
    energy, time = events.to_dense("gev").transpose(1, 0, 2, 3)
    assert (energy.reshape(300, -1).argmax(axis=1) == PEAK * 32 + PEAK).all()
    np.testing.assert_array_equal(time != 0, energy > 0)


def test_hottest_crystal_is_off_the_middle_where_two_are_alike() -> None:
    """The energies that choose the centre are less well calibrated than those that are stored."""
    near = see(lit(1500, {(16, 16): 40.0, (16, 17): 40.0, (20, 9): 3.0})).to_dense("gev")[:, 0]
    hottest = near.reshape(1500, -1).argmax(axis=1)
    off = hottest != PEAK * 32 + PEAK
    assert set(hottest[off]) <= {PEAK * 32 + PEAK - 1, PEAK * 32 + PEAK + 1}
    # two normal numbers, of the stored and of the calibration's difference, disagree in sign
    e = ELECTRONICS
    stored = np.hypot(e.intercalibration * 40, e.photostatistics * np.sqrt(40))
    expected = np.arctan(e.centre_calibration * 40 / stored) / np.pi
    assert off.mean() == pytest.approx(expected, abs=0.06)
    moved = near[:, 20, 8] > 2  # everything moves with the centre
    assert 0.3 < moved.mean() < 0.7
    assert (near[~moved, 20, 9] > 2).all()


def test_resolution_and_noise() -> None:
    events = see(lit(3000, {(16, 16): 40.0}))
    energy = events.to_dense("gev")[:, 0]
    e, noise = ELECTRONICS, READ_OUT.noise
    width = np.sqrt(e.photostatistics**2 * 40 + (e.intercalibration * 40) ** 2 + noise**2)
    assert energy[:, 16, 16].mean() == pytest.approx(40.0, abs=4 * width / np.sqrt(3000))
    assert energy[:, 16, 16].std() == pytest.approx(width, rel=0.06)
    near = energy[:, 14:16, 14:19]  # all that is above zero, in the square around the seed
    assert (near > 0).mean() == pytest.approx(0.5, abs=0.02)
    assert near[near > 0].mean() == pytest.approx(noise * np.sqrt(2 / np.pi), rel=0.03)
    far = energy[:, :6]
    assert 0 < (far > 0).mean() < 2e-3
    assert far[far > 0].min() > READ_OUT.isolated


def test_times_are_best_where_the_energy_is() -> None:
    events = see(lit(2000, {(16, 16): 40.0, (17, 16): 5.0}))
    time = events.to_dense("image")[:, 1] * NS_PER_UNIT
    e, noise = ELECTRONICS, READ_OUT.noise
    assert np.abs(time).max() <= e.time_span * (1 + 1e-6)
    for row, energy in ((16, 40.0), (17, 5.0)):
        spread = np.hypot(e.time_noise * noise / energy, e.time_constant)
        assert time[:, row, 16].mean() == pytest.approx(e.time_offset, abs=4 * spread / 44)
        assert time[:, row, 16].std() == pytest.approx(spread, rel=0.08)
    weak = time[:, 14:19, 14][time[:, 14:19, 14] != 0]
    assert weak.std() < 1.02 * e.time_noise_largest


def test_no_noise_beyond_the_barrel() -> None:
    """Geant4's showers of the tests were not all drawn with their window inside."""
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
