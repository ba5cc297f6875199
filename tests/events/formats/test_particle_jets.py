from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import benchmarks
import calovision as cv
from calovision.errors import InputError
from calovision.features.observables import observables

N = 40
TOLD = "% of the particles share a pixel"


def written(kind: str, path: Path, jets: benchmarks.Jets) -> Path:
    """The jets in one of the schemas."""
    makers: dict[str, Callable[[], Path]] = {
        "jetnet": lambda: benchmarks.jetnet(path / "t.hdf5", jets),
        "top": lambda: benchmarks.top_tagging(path / "train.h5", jets),
        "atlas": lambda: benchmarks.atlas(path / "train_nominal_000.h5", jets),
        "energyflow": lambda: benchmarks.energyflow(path / "QG_jets.npz", jets),
        "jetclass": lambda: benchmarks.jetclass(path / "JetClass.root", jets, jets.label * 8),
    }
    return makers[kind]()


KINDS = ("jetnet", "top", "atlas", "energyflow", "jetclass")


@pytest.mark.parametrize("kind", KINDS)
def test_jets_of_every_benchmark_become_the_same_images(kind: str, tmp_path: Path) -> None:
    jets = benchmarks.jets(N, 1)
    file = written(kind, tmp_path, jets)
    with pytest.warns(UserWarning, match=TOLD):
        store = cv.convert(file, out=tmp_path / "set", quiet=True)
    events = store.load()
    with pytest.warns(UserWarning, match=TOLD):
        assert cv.load(file) == events
    pt, eta, _, mass = jets.sums
    assert len(events) == N
    assert events.n_particles.tolist() == (jets.pt > 0).sum(1).tolist()
    np.testing.assert_allclose(events.pt, pt, rtol=1e-4)
    if kind != "jetclass":  # JetClass has no mass of all particles
        np.testing.assert_allclose(events.m0, mass, rtol=1e-3)
    # nothing is lost: momenta add up, and the mass is that of the particles, but for rounding
    np.testing.assert_allclose(events.sums().sum(1), jets.pt.sum(1), rtol=1e-5)
    found = observables(events)
    np.testing.assert_allclose(found["mass"], mass, rtol=0.03, atol=0.5)
    np.testing.assert_allclose(found["pt"], pt, rtol=2e-3)
    if kind == "jetnet":
        assert set(events.label) == {2}
        assert events.geometry.classes[2] == "top"
    else:
        assert events.label.tolist() == (jets.label * (8 if kind == "jetclass" else 1)).tolist()
    if kind in ("jetnet", "atlas"):
        np.testing.assert_allclose(events.column("eta"), eta, atol=1e-5)


def test_places_are_those_of_the_particles(tmp_path: Path) -> None:
    jets = benchmarks.jets(N, 2, particles=3)
    with pytest.warns(UserWarning, match=TOLD):
        events = cv.load(benchmarks.jetnet(tmp_path / "g30.hdf5", jets))
    assert set(events.label) == {0}
    _, eta, phi, _ = jets.sums
    pitch = 2 * 1.25 * 0.8 / 256
    for i in (0, 7, N - 1):
        image = events[[i]]
        there = jets.pt[i] > 0
        places = jets.eta[i] - eta[i], jets.phi[i] - phi[i], jets.pt[i]
        for x, y, pt in zip(*(part[there] for part in places), strict=True):
            y = (y + np.pi) % (2 * np.pi) - np.pi
            near = (abs(image.eta - x) < pitch) & (abs(image.phi - y) < pitch)
            assert image.energy[near].sum() == pytest.approx(pt, rel=1e-5)


def test_identities_are_channels(tmp_path: Path) -> None:
    jets = benchmarks.jets(N, 3)
    identity = abs(jets.pdg)
    expected = np.stack(
        [
            (jets.pt * mask).sum(1)
            for mask in (np.isin(identity, (11, 13, 211)), identity == 22, identity == 130)
        ],
        axis=1,
    )
    for kind in ("energyflow", "jetclass"):
        with pytest.warns(UserWarning, match=TOLD):
            events = cv.load(written(kind, tmp_path, jets))
        assert events.geometry.channel_names == ("charged", "photon", "neutral")
        np.testing.assert_allclose(events.sums(), expected, rtol=1e-5)
    bare = benchmarks.energyflow(tmp_path / "bare.npz", jets, identities=False)
    with pytest.warns(UserWarning, match=TOLD):
        assert cv.load(bare).geometry.channel_names == ("particle",)


def test_several_classes_and_weights(tmp_path: Path) -> None:
    jets, classes = benchmarks.jets(N, 4), np.arange(N) % 10
    file = benchmarks.jetclass(tmp_path / "a.root", jets, classes)
    with pytest.warns(UserWarning, match=TOLD):
        store = cv.convert(file, out=tmp_path / "set", quiet=True)
    assert store.geometry.classes == benchmarks.JETCLASS
    assert store.label.tolist() == classes.tolist()
    assert len(store.select("label == Tbqq")) == (classes == 8).sum()
    assert set(store.load().mean_image().images) == set(benchmarks.JETCLASS)
    weights = np.linspace(0.1, 2, N)
    with pytest.warns(UserWarning, match=TOLD):
        weighted = cv.load(benchmarks.atlas(tmp_path / "a.h5", jets, weights=weights))
    np.testing.assert_allclose(weighted.weight, weights)


def test_files_of_several_classes_become_one_set(tmp_path: Path) -> None:
    files = [
        benchmarks.jetnet(tmp_path / f"{name}.hdf5", benchmarks.jets(10, k))
        for k, name in enumerate("gqz")
    ]
    with pytest.warns(UserWarning, match="labelled z, by the name"):
        store = cv.convert(files, out=tmp_path / "set", quiet=True)
    assert store.label.tolist() == [0] * 10 + [1] * 10 + [4] * 10


def test_particles_of_one_pixel_and_those_outside_are_told(tmp_path: Path) -> None:
    features = np.zeros((50, 4, 4), np.float32)
    features[:, :, 2:] = 0.25, 1
    features[:, 1, 0] = 0.5  # two are left together in the middle
    features[:, 2, 0] = 1.1  # beyond the radius
    jet = np.stack([np.linspace(900, 1000, 50), np.zeros(50), np.ones(50), np.full(50, 4)], 1)
    with h5py.File(tmp_path / "q.hdf5", "w") as file:
        file["particle_features"], file["jet_features"] = features, jet
    with pytest.warns(UserWarning, match="; 25 % of the particles share .* 25 % lie outside"):
        events = cv.load(tmp_path / "q.hdf5")
    assert events.n_hits.tolist() == [2] * 50
    assert events.n_particles.tolist() == [4] * 50
    np.testing.assert_allclose(np.sort(events[[0]].energy), [225, 450], rtol=1e-6)


def refused(file: Path, out: Path) -> None:
    """Convert a file whatever is said of rounding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cv.convert(file, out=out, quiet=True)


def test_bad_particles_are_refused_in_one_line(tmp_path: Path) -> None:
    jets = benchmarks.jets(5, 1)
    for name, value in (("3 is not finite", np.nan), ("of event 3 is -", -0.5)):
        file = benchmarks.jetnet(tmp_path / "w.hdf5", jets)
        with h5py.File(file, "a") as opened:
            opened["particle_features"][3, 0, 2] = value
        with pytest.raises(InputError, match=name):
            refused(file, tmp_path / "set")
    top = benchmarks.top_tagging(tmp_path / "a.h5", jets)
    with h5py.File(top, "a") as opened:
        table = opened["table/table"][:]
        table["values_block_1"][2, 1] = 5
        opened["table/table"][:] = table
    with pytest.raises(InputError, match="is_signal_new is 5 for event 2"):
        cv.load(top)
    flow = benchmarks.energyflow(tmp_path / "a.npz", jets)
    with pytest.raises(InputError, match="leave out --geometry"):
        cv.convert(flow, out=tmp_path / "set", geometry=cv.JET_IMAGES, quiet=True)
    twice = benchmarks.jetclass(tmp_path / "b.root", jets, np.full(5, 10))  # of no class
    with pytest.raises(InputError, match="event 0 is not of exactly one class"):
        cv.load(twice)


def test_other_files_of_pandas_root_and_numpy_are_not_taken_for_particles(tmp_path: Path) -> None:
    import uproot

    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("events", {"x": "float64"})
        file["events"].extend({"x": np.zeros(3)})
    with pytest.raises(InputError, match=r"a ROOT file.*data image"):
        cv.load(tmp_path / "a.root")
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened["table/table"] = np.zeros(3, [("index", "i8"), ("values_block_0", "f4", (4,))])
    with pytest.raises(InputError, match="neither X_jets nor X"):
        cv.load(tmp_path / "a.h5")
