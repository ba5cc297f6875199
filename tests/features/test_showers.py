from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import benchmarks
import calovision as cv
from calovision.errors import InputError
from calovision.events.formats.calochallenge import SETS
from calovision.features.observables import observables
from calovision.features.showers import challenge_table

PHOTONS = 368


@pytest.fixture
def showers(tmp_path: Path) -> tuple[cv.Events, np.ndarray, np.ndarray]:
    file = benchmarks.showers(tmp_path / "a.hdf5", 12, 3, voxels=PHOTONS)
    with h5py.File(file, "a") as opened:
        opened["showers"][4] = 0  # nothing was seen
        return cv.load(file), opened["showers"][:], opened["incident_energies"][:, 0]


def by_loops(shower: np.ndarray) -> dict[str, float]:
    """Quantities of one shower (MeV), voxel by voxel, as the challenge describes them."""
    found, at = {}, 0
    for layer in SETS[PHOTONS].channels:
        voxels = []
        for sector in range(layer.sectors):
            alpha = -np.pi + (sector + 0.5) * 2 * np.pi / layer.sectors
            for low, high in zip(layer.rings, layer.rings[1:], strict=False):
                r = low + (high - low) / 2
                voxels.append((shower[at], r * np.cos(alpha), r * np.sin(alpha), r))
                at += 1
        energy, *places = (np.array(column, np.float64) for column in zip(*voxels, strict=True))
        found[f"sum_e_{layer.name}"] = energy.sum() / 1000
        found[f"empty_{layer.name}"] = 1 - np.mean(energy > 0)
        for axis, place in zip("xyr", places, strict=True):
            mean = (energy * place).sum() / (energy.sum() + 1e-16)
            square = (energy * place**2).sum() / (energy.sum() + 1e-16)
            found[f"centre_{axis}_{layer.name}"] = mean
            found[f"width_{axis}_{layer.name}"] = np.sqrt(max(square - mean**2, 0))
    assert at == len(shower)
    return found


def test_observables_are_those_of_the_challenge(
    showers: tuple[cv.Events, np.ndarray, np.ndarray],
) -> None:
    events, voxels, incident = showers
    found = observables(events)
    np.testing.assert_allclose(found["response"], voxels.sum(1) / incident, rtol=1e-5)
    assert len(found) == 1 + 5 * 4 + 2 * 4  # two layers are divided in azimuth
    for i in range(len(events)):
        expected = by_loops(voxels[i])
        for name in found.keys() - {"response"}:
            assert found[name][i] == pytest.approx(expected[name], rel=2e-4, abs=2e-3), (i, name)


def test_the_table_of_fpd_is_that_of_the_challenge(
    showers: tuple[cv.Events, np.ndarray, np.ndarray],
) -> None:
    events, voxels, incident = showers
    table, names = challenge_table(events), events.geometry.channel_names
    divided = ("layer_1", "layer_2")
    assert table.shape == (12, 1 + 5 + 4 * 2)
    for i in range(len(events)):
        expected = by_loops(voxels[i])
        row = [
            np.log10(incident[i]),
            *(np.log10(1000 * expected[f"sum_e_{name}"] + 1e-8) for name in names),
            *(
                expected[f"{of}_{axis}_{name}"] / 100
                for of in ("centre", "width")
                for axis in "xy"
                for name in divided
            ),
        ]
        np.testing.assert_allclose(table[i], row, rtol=2e-4, atol=2e-4)


def test_showers_without_incident_energies(
    showers: tuple[cv.Events, np.ndarray, np.ndarray],
) -> None:
    from dataclasses import replace

    bare = replace(showers[0], columns={})
    assert "response" not in observables(bare)
    with pytest.raises(InputError, match="no incident energies"):
        challenge_table(bare)
    with pytest.raises(InputError, match="not above 0"):
        challenge_table(bare.with_columns(energy=np.zeros(12)))
