"""Another detector is a Geometry and nothing else: more channels, another grid, other classes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.observables import observables
from calovision.reports.pages import generation_pictures
from calovision.simulation.detector import CMS_BARREL

CHANNELS = tuple(
    cv.Channel(name, gev_per_unit=50.0) for name in ("track", "barrel", "endcap", "muon")
)
OTHER = cv.Geometry(
    "other-64", 64, 64, CHANNELS, "jets", pitch=(0.03, 0.0305), classes=("light", "top")
)


def images(n: int, seed: int) -> Events:
    """Some hits around the middle; those of class top are more."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    content = np.zeros((n, 4, 64, 64), np.float32)
    for i in range(n):
        for c, mean in enumerate((30, 60, 30, 2)):
            k = rng.poisson(mean * (1 + label[i]))
            row, col = np.clip(rng.normal(31.5, 8, (2, k)).round(), 0, 63).astype(int)
            content[i, c, row, col] += rng.exponential(2, k)
    columns = {"label": label, "pt": content.sum((1, 2, 3)), "m0": rng.uniform(5, 40, n)}
    return cv.from_images(content, geometry=OTHER, unit="gev", channels="first", **columns)


@pytest.fixture(scope="module")
def events() -> Events:
    return images(300, 1)


def test_it_is_kept_on_disk_and_in_runs(events: Events, tmp_path: Path) -> None:
    store = cv.save(events, tmp_path / "set")
    assert store.geometry == OTHER
    assert "light 1" in repr(store)
    assert len(store.select("label == top")) == (events.label == 1).sum()
    assert Geometry.from_dict(OTHER.to_dict()) == OTHER
    assert "pitch" not in cv.JET_IMAGES.to_dict()
    assert "classes" not in cv.JET_IMAGES.to_dict()


def test_distances_are_those_of_its_pitch(events: Events) -> None:
    row, col = np.divmod(events.cell.astype(int), 64)
    np.testing.assert_allclose(events.eta, (row - 31.5) * 0.03, atol=1e-6)
    np.testing.assert_allclose(events.phi, (col - 31.5) * 0.0305, atol=1e-6)
    coarse = cv.Geometry("coarse", 64, 64, CHANNELS, "jets", pitch=(0.06, 0.061))
    wide = Events(coarse, events.offsets, events.cell, events.code, events.value, events.columns)
    near, far = observables(events), observables(wide)
    # Within the cone lie fewer cells of the coarse grid, and each of them twice as far.
    assert (far["profile_20"] < near["profile_20"]).mean() > 0.95


def test_muons_and_tracks_are_no_part_of_the_calorimeters_momentum(events: Events) -> None:
    found = observables(events)
    without = events.keep((events.code != 3) & (events.code != 0))
    np.testing.assert_allclose(found["pt"], observables(without)["pt"])
    assert (found["sum_e_muon"] > 0).any()
    assert [c.kind for c in CHANNELS] == ["tracker", "calorimeter", "calorimeter", "muon"]
    assert cv.Channel("trd", kind="tracker").kind == "tracker"


LAYERS = tuple(cv.Channel(name, gev_per_unit=50.0) for name in ("track", "ecal", "hcal", "muon"))
WITH_MUONS = cv.Geometry("mine-64", 64, 64, LAYERS, "jets", pitch=(0.03, 0.0305))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A geometry for the command line."""
    file = tmp_path / "geometry.json"
    file.write_text(json.dumps(WITH_MUONS.to_dict()))
    return file


def test_particles_of_others_are_seen_on_it(file: Path, tmp_path: Path) -> None:
    jet = {"pt": [[90.0, 30.0]], "eta": [[0.1, 0.0]], "phi": [[0.2, 0.1]], "pdg": [[22, 13]]}
    options = {"rows": "jets", "label": "quark", "pileup": 0, "noise": 0, "quiet": True}
    seen = cv.from_particles(jet, geometry=WITH_MUONS, **options)
    assert seen.geometry == WITH_MUONS
    assert seen.label.tolist() == [1]
    photon = 90 * CMS_BARREL.ecal_scale  # as measured
    np.testing.assert_allclose(seen.sums()[0, [1, 3]], [photon, 30], rtol=0.1)
    ak.to_parquet(ak.Array(jet), tmp_path / "jet.parquet")
    words = ["--rows", "jets", "--label", "1", "--pileup", "0", "--noise", "0", "--geometry"]
    command = ["data", "image", str(tmp_path / "jet.parquet"), "--out", str(tmp_path / "set")]
    assert CliRunner().invoke(app, [*command, *words, str(file)]).exit_code == 0
    assert cv.load(tmp_path / "set").hash == seen.hash
    with pytest.raises(InputError, match="finer than a crystal"):
        cv.from_particles(jet, geometry=replace(WITH_MUONS, pitch=(0.01, 0.01)), **options)


def test_from_simulation_to_a_report(file: Path, tmp_path: Path) -> None:
    """Muons among the channels, 64 x 64 pixels coarser than the crystals, by the command line."""
    grid = WITH_MUONS
    options = ["--geometry", str(file), "--pileup", "0", "--out", str(tmp_path / "jets")]
    command = ["data", "simulate", "jets", "--events", "80", *options]
    assert CliRunner().invoke(app, command).exit_code == 0
    store = cv.open(tmp_path / "jets")
    assert isinstance(store, cv.EventStore)
    assert store.geometry == grid
    again = cv.simulate.jets(80, pileup=0, geometry=grid, quiet=True)
    assert again.hash == store.load().hash
    public = cv.simulate.jets(80, pileup=0, quiet=True)
    np.testing.assert_array_equal(again["pt"], public["pt"])
    np.testing.assert_allclose(again.sums()[:, 1].sum(), public.sums()[:, 1].sum(), rtol=0.05)
    muons = again.energy[again.channel == 3]
    assert len(muons)
    assert (muons > 2.5).all()
    model = cv.train("jet-tagger", store, out=tmp_path / "run", epochs=1, batch=16, quiet=True)
    found = model.evaluate(cv.simulate.jets(200, seed=2, pileup=0, geometry=grid, quiet=True))
    assert 0 <= found["auc"].value <= 1
    assert len(cv.report(model, out=tmp_path / "r.html").read_text()) > 10_000
    shown = cv.view(model, data=store, out=tmp_path / "v.html", events=3)
    assert "muon" in shown.path.read_text()


def test_pages_take_classes_and_channels_from_the_events(events: Events) -> None:
    section = generation_pictures.jets({"simulated": events, "ours": images(20, 4)})
    assert section is not None
    captions = " ".join(caption for _, caption in section.figures)
    assert "Track is orange, barrel green, endcap red, muon yellow" in captions
    assert "A light jet of each set" in captions
    assert "quark" not in captions + section.text
    labels = [ax.get_ylabel() for ax in section.figures[1][0].axes]
    assert sum("Δη" in label for label in labels) == len(CHANNELS) + 1  # and all together
    bars = [label for label in labels if "GeV" in label]
    assert bars == ["pT [GeV]", "E [GeV]", "E [GeV]", "pT [GeV]"]


def test_from_images_to_a_report(events: Events, tmp_path: Path) -> None:
    model = cv.train("jet-tagger", events, out=tmp_path / "run", epochs=4, batch=16, quiet=True)
    new = images(240, 2)
    found = model.evaluate(new)
    assert found["auc"].value > 0.8
    scores = model.predict(new, out=tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text().startswith('"event","top_probability"')
    assert scores.out_of_distribution.mean() < 0.1
    text = cv.report(model, out=tmp_path / "r.html").read_text()
    assert "Jet tagging: top or light?" in text
    assert "top jets (signal) from light jets (background)" in text
    assert "hits in track, barrel, endcap and muon" in text
    shown = cv.view(model, data=new, out=tmp_path / "v.html", events=3)
    assert "barrel" in shown.path.read_text()
    apart = cv.compare(
        events, new, metrics=["fpd", "w1_sum_e_muon"], floor=images(240, 3), label="top", quiet=True
    )
    assert apart["w1_sum_e_muon"].unit == "GeV"
