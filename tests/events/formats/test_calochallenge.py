from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import benchmarks
import calovision as cv
from calovision.errors import ContentError, InputError
from calovision.events.formats.calochallenge import SETS, geometry_of_binning, voxels_of


def written(path: Path, showers: object, incident: object) -> Path:
    with h5py.File(path, "w") as file:
        file["showers"], file["incident_energies"] = showers, incident
    return path


def test_the_sets_have_the_published_voxels_and_layers() -> None:
    found = {g.name: (v, len(g.channels), g.rows, g.cols) for v, g in SETS.items()}
    assert found == {
        "calochallenge-1-photons": (368, 5, 10, 19),
        "calochallenge-1-pions": (533, 7, 10, 16),
        "calochallenge-2": (6480, 45, 16, 9),
        "calochallenge-3": (40500, 45, 50, 18),
    }
    for grid in SETS.values():
        assert grid.is_sound()
        assert cv.Geometry.from_dict(grid.to_dict()) == grid
    # edges typed from binning_dataset_2.xml and _3.xml
    assert SETS[6480].channels[44].rings[:3] == (0, 4.65, 9.3)
    assert SETS[40500].channels[0].rings[-2:] == (39.525, 41.85)


@pytest.mark.parametrize("voxels", benchmarks.all_sets())
def test_every_set_is_recognised_kept_to_the_bit_and_written_back(
    voxels: int, tmp_path: Path
) -> None:
    file = benchmarks.showers(tmp_path / "a.hdf5", 9, 1, voxels=voxels)
    with h5py.File(file) as opened:
        showers, incident = opened["showers"][:], opened["incident_energies"][:, 0]
    store = cv.convert(file, out=tmp_path / "set", quiet=True)
    held = store.load()
    assert held == cv.load(file)
    assert held.geometry == SETS[voxels]
    np.testing.assert_array_equal(voxels_of(held), showers)
    np.testing.assert_allclose(held.column("energy"), incident / 1000, rtol=1e-12)
    np.testing.assert_allclose(held.sums().sum(1), showers.sum(1, dtype=float) / 1000, rtol=1e-5)
    back = cv.export(store, tmp_path / "back.hdf5", quiet=True)
    with h5py.File(back) as opened:
        np.testing.assert_array_equal(opened["showers"][:], showers)
        assert opened["showers"].dtype == np.float32
        np.testing.assert_allclose(opened["incident_energies"][:, 0], incident, rtol=1e-12)


def test_voxels_lie_where_the_challenge_says(tmp_path: Path) -> None:
    """Rings of the first sector come first; one voxel at a time, set 1."""
    deposits = np.eye(368, dtype=np.float64)
    events = cv.load(written(tmp_path / "a.hdf5", deposits, np.full((368, 1), 500.0)))
    assert (events.n_hits == 1).all()
    # layer 0 has 8 rings and one sector, layer 1 has 16 rings and ten sectors
    first, next_ring, next_sector = 8, 9, 8 + 16
    radius = np.hypot(events.eta, events.phi)
    assert events.channel[[first - 1, first]].tolist() == [0, 1]
    np.testing.assert_allclose(radius[[0, 7, first, next_ring, next_sector]], [2.5, 500, 1, 3, 1])
    angle = np.arctan2(events.phi, events.eta)
    step = 2 * np.pi / 10
    np.testing.assert_allclose(
        angle[[first, next_ring, next_sector]],
        np.array([0.5, 0.5, 1.5]) * step - np.pi,
        rtol=1e-5,
    )


def test_a_cylinder_of_ones_own_needs_its_binning(tmp_path: Path) -> None:
    file = benchmarks.showers(tmp_path / "a.hdf5", 5, 1)
    with pytest.raises(InputError, match="36 voxels, those of the challenge 368, 533, 6480, 40500"):
        cv.load(file)
    binning = tmp_path / "own.xml"
    binning.write_text(benchmarks.BINNING)
    events = cv.convert(file, out=tmp_path / "set", geometry=binning, quiet=True).load()
    grid = events.geometry
    assert (grid.name, grid.channel_names) == (
        "cylinder-electron",
        ("layer_0", "layer_2", "layer_3"),
    )
    assert (grid.rows, grid.cols, grid.schema) == (4, 3, "showers")
    with pytest.raises(InputError, match="calochallenge-2 has 6480"):
        cv.convert(file, out=tmp_path / "other", geometry=SETS[6480], quiet=True)


def test_the_challenges_own_binning_is_known_by_its_name() -> None:
    edges = ",".join(map(str, SETS[6480].channels[0].rings))
    layers = "".join(f'<Layer id="{k}" r_edges="{edges}" n_bin_alpha="16" />' for k in range(45))
    assert geometry_of_binning(f'<Bins><Bin pid="11">{layers}</Bin></Bins>') is SETS[6480]


@pytest.mark.parametrize(
    "text",
    [
        "<Bins>",
        "<Other/>",
        "<Bins><Bin/><Bin/></Bins>",
        "<Bins><Bin></Bin></Bins>",
        '<Bins><Bin><Layer id="0" r_edges="0,a" n_bin_alpha="1"/></Bin></Bins>',
        '<Bins><Bin><Layer id="0" r_edges="0,5,5" n_bin_alpha="1"/></Bin></Bins>',
        '<Bins><Bin><Layer id="0" r_edges="0,5" n_bin_alpha="0"/></Bin></Bins>',
        '<Bins><Bin><Layer id="0" r_edges="0,5"/></Bin></Bins>',
    ],
)
def test_binnings_of_something_else(text: str) -> None:
    with pytest.raises(ContentError):
        geometry_of_binning(text)


def test_bad_showers_are_refused_in_one_line(tmp_path: Path) -> None:
    good, incident = np.linspace(0.5, 1.5, 3 * 368).reshape(3, 368), np.full((3, 1), 500.0)
    negative, endless = good.copy(), good.copy()
    negative[1, 5], endless[2, 0] = -0.5, np.inf
    cases = {
        "of event 1 is -0.5.*threshold": (negative, incident),
        "of event 2 is inf": (endless, incident),
        "incident energy of event 0 is 0 MeV": (good, incident * 0),
        "incident_energies have shape .2, 1.": (good, incident[:2]),
        "showers are int64 of shape": (good.astype(int), incident),
        "floats .n, voxels., MeV": (good.reshape(3, 8, 46), incident),
        "holds no events": (good[:0], incident[:0]),
    }
    for message, content in cases.items():
        file = written(tmp_path / "bad.hdf5", *content)
        with pytest.raises(InputError, match=message):
            cv.convert(file, out=tmp_path / "set", quiet=True)
        assert not (tmp_path / "set").exists()
    file = written(tmp_path / "bad.hdf5", negative, incident)
    cut = cv.convert(file, out=tmp_path / "set", threshold=1e-5, quiet=True)
    assert cut.load().n_hits.tolist() == [368, 367, 368]
    with pytest.warns(UserWarning, match="hold no energy"):
        none = cv.convert(file, out=tmp_path / "none", threshold=2e-3, quiet=True)  # 2 MeV
    assert none.load().n_hits.sum() == 0
    with pytest.raises(InputError, match="leave out --keys"):
        cv.convert(file, out=tmp_path / "keys", keys={"X": "showers"}, quiet=True)
    whole = benchmarks.showers(tmp_path / "whole.hdf5", 50, 1, voxels=368).read_bytes()
    (tmp_path / "short.hdf5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        cv.load(tmp_path / "short.hdf5")


def test_energies_in_another_unit_are_doubted(tmp_path: Path) -> None:
    file = benchmarks.showers(tmp_path / "a.hdf5", 20, 1, voxels=368, scale=1e-3)
    with pytest.warns(UserWarning, match="0.00089 times what their column energy says"):
        cv.convert(file, out=tmp_path / "set", quiet=True)
