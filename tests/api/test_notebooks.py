"""What a physicist types: for each of the five systems a notebook, from events to a report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import awkward as ak
import hist
import numpy as np
import pytest

import calovision as cv
from calovision.simulation.detector import CMS_BARREL

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def jets() -> cv.Events:
    return cv.simulate.jets(
        500, seed=31, workers=1, pt_hat=(90, 170), pileup=17, noise=1.0, out=None, quiet=True
    )


@pytest.fixture(scope="module")
def test_jets() -> cv.Events:
    return cv.simulate.jets(240, seed=32, quiet=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, as a notebook has."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shows(picture: object) -> bool:
    """Whether a notebook shows it as an image without pyplot."""
    return bytes(picture._repr_png_()).startswith(PNG)  # type: ignore[attr-defined]


def test_the_page_of_help_names_all_that_there_is() -> None:
    said = set(re.findall(r"\w+", cv.__doc__ or ""))
    assert [name for name in cv.__all__ if name not in said] == []
    assert len((cv.__doc__ or "").splitlines()) < 60


def test_events_are_held(jets: cv.Events, here: Path) -> None:
    assert "gluon 250, quark 250" in repr(jets)
    assert "<table>" in jets._repr_html_()
    store = cv.save(jets, "mine")
    for events in (jets, store, cv.open("mine"), cv.load("mine", limit=10_000)):
        assert (events.label == jets.label).all()
        assert (events.pt == jets.pt).all()
        assert (events["gen_pt"] == jets["gen_pt"]).all()
        assert np.array_equal(events.energy, jets.energy)
        assert np.array_equal(events.eta, jets.eta)
        assert np.array_equal(events.phi, jets.phi)
        assert np.array_equal(events.channel, jets.channel)
        assert np.array_equal(events.offsets, jets.offsets)
        assert len(events[:100]) == 100
        assert events[events.pt > 100].hash == events.select("pt > 100").load().hash
        train, test = events.split(train=0.8, test=0.2, seed=1)
        assert len(train) + len(test) == 500
        assert not set(train["event_id"]) & set(test["event_id"])
        assert cv.concatenate([train, test]).pt.sum() == pytest.approx(jets.pt.sum())


def test_events_become_arrays_of_others(jets: cv.Events) -> None:
    few = jets[:6]
    energy = few.energy.sum(dtype=float)
    assert few.to_dense().sum(dtype=float) == pytest.approx(energy, rel=1e-5)
    assert ak.sum(few.to_awkward().hits.energy) == pytest.approx(energy, rel=1e-5)
    assert list(few.to_pandas().pt) == few.pt.tolist()
    assert few.to_torch().values()[:, 3].sum().item() == pytest.approx(energy, rel=1e-5)
    assert len(few.to_pyg(k=8)) == 6
    counted = jets.to_hist("pt", by="label")
    assert isinstance(counted, hist.Hist)
    assert counted.sum().value == 500
    for form in ("dense", "hits", "graph"):
        assert len(few.dataset(form)) == 6  # type: ignore[arg-type]
    assert shows(jets.plot(0))
    assert shows(jets.plot([0, 1], beside=jets[::-1]))
    assert shows(jets.mean_image().plot())


def test_events_come_from_elsewhere(jets: cv.Events, here: Path) -> None:
    few = jets[:8]
    again = cv.from_images(
        few.to_dense(),
        geometry=cv.JET_IMAGES,
        unit="gev",
        channels="first",
        label=few.label,
        pt=few.pt,
        m0=few["m0"],
    )
    np.testing.assert_allclose(again.energy, few.energy, rtol=1e-6)
    assert (again.pt == few.pt).all()
    cv.export(few, "a.hdf5", quiet=True)
    store = cv.convert(["a.hdf5"], out="cms", workers=1, quiet=True)
    assert np.array_equal(cv.open("cms").load().cell, few.cell)
    assert len(store) == len(cv.load("a.hdf5")) == 8
    made = cv.simulate.jets(4, seed=4931, pileup=0, out="made", quiet=True)
    assert isinstance(made, cv.EventStore)
    particles = {"pt": [[90.0, 40.0]], "eta": [[0.1, 0.1]], "phi": [[0.2, 0.2]], "pdg": [[22, 12]]}
    for source in (particles, ak.Array(particles)):
        seen = cv.from_particles(
            source, rows="jets", invisible=(4900022,), unit="GeV", pileup=0, noise=0, quiet=True
        )
        measured = 90 * CMS_BARREL.ecal_scale  # the neutrino is not seen
        assert seen.energy.sum() == pytest.approx(measured, rel=0.05)


def test_jet_tagger(jets: cv.Events, test_jets: cv.Events, here: Path) -> None:
    model = cv.train(
        "jet-tagger",
        jets,
        model="particle-transformer",
        out=None,
        device="auto",
        seed=1,
        epochs=6,
        budget_s=60,
        resume=False,
        quiet=True,
        **{"hits": 40, "width": 16, "layers": 1, "batch": 32},
    )
    scores = model.predict(test_jets)
    assert scores.probability.shape == scores.logit.shape == scores.out_of_distribution.shape
    assert scores.plot_roc(test_jets.label).axes
    found = model.evaluate(test_jets, seed=1, judges="trees")
    shipped = cv.pretrained("jet-tagger").evaluate(test_jets)
    assert found["auc"].value > 0.5
    assert shipped["auc"].value > 0.7
    assert shipped["auc"].error < 0.05
    assert found.content["data"]["events"] == 240
    tuned = cv.fine_tune(cv.pretrained("jet-tagger"), jets, epochs=0.2, quiet=True)
    assert tuned.evaluate(test_jets)["auc"].value > 0.7
    kept = model.save("runs/tagger")
    np.testing.assert_array_equal(
        cv.load_model("runs/tagger").to("cpu").predict(test_jets).probability, scores.probability
    )
    assert "ROC AUC" in cv.report([kept], out="report.html").read_text()
    assert sum(p.numel() for p in kept.network.parameters()) == kept.budget["parameters"]


def test_jet_vae(jets: cv.Events, test_jets: cv.Events, here: Path) -> None:
    small = {"points": 64, "code": 16, "width": 16, "batch": 40}
    model = cv.train("jet-vae", jets, epochs=1, quiet=True, **small)
    shipped = cv.pretrained("jet-vae").reconstruct(test_jets)
    assert shipped.latent.shape == (240, 1024)
    assert shipped.bits.shape == (240,)
    apart = {
        name: float(np.abs(events.sums() - test_jets.sums()).mean())
        for name, events in (
            ("toy", model.reconstruct(test_jets).events.load()),
            ("shipped", shipped.events.load()),
        )
    }
    assert apart["shipped"] < apart["toy"]
    found = model.evaluate(test_jets, seed=1, judges="trees")
    assert found["emd"].unit == "GeV"
    assert shows(found.plot())
    assert shows(test_jets.plot([0, 1], beside=shipped.events))
    shown = cv.view(test_jets[:20], out="display.html")
    assert shown.events == 20
    assert model.save("runs/vae").path.name == "vae"
    assert "mover" in cv.report(["runs/vae"], out="report.html").read_text()


def spread(truth: cv.Events, made: cv.Events) -> float:
    """One's own metric: difference of the spread of pt, GeV."""
    return float(abs(truth.pt.std() - made.pt.std()))


def test_jet_generator(jets: cv.Events, test_jets: cv.Events, here: Path) -> None:
    small = {"width": 16, "layers": 1, "heads": 2, "jet_width": 16, "events": 200, "batch": 25}
    model = cv.train("jet-generator", jets, epochs=2, quiet=True, **small)
    made = model.generate(120, label="gluon", pt=(80, 160), m0=None, seed=1)
    assert set(made.label) == {0}
    assert 80 <= made.pt.min() < made.pt.max() <= 160
    gluons = jets.select("label == gluon and pt > 80 and pt < 160")
    found = cv.compare(
        gluons,
        made,
        floor=None,
        training=None,
        metrics=["fpd", "w1_n_hit_ecal", spread],
        seed=1,
        quiet=True,
    )
    assert list(found) == ["fpd", "w1_n_hit_ecal", "spread"]
    assert found["fpd"].value > found["fpd"].floor > 0
    assert found["fpd"].error > 0
    assert found["w1_n_hit_ecal"].unit == "hits"
    assert "floor" in found.table().header
    assert json.loads(found.to_json())["metrics"]["fpd"]["value"] == found["fpd"].value
    assert "<table>" in found._repr_html_()
    assert shows(found.plot())
    assert model.evaluate(test_jets, judges="trees")["classifier_auc"].value > 0.9
    model.save("runs/generator")
    assert cv.report("runs/generator", out="report.html").is_file()
    assert cv.view(made, out="made.html").path.is_file()


def test_egamma(here: Path) -> None:
    crops = cv.simulate.egamma(600, engine="fast", seed=31, quiet=True)
    train, test = crops.split(train=0.6, test=0.4, seed=1)
    model = cv.train("egamma", train, epochs=4, batch=32, hidden=32, quiet=True)
    found = cv.pretrained("egamma").evaluate(test)
    assert found["auc"].value > 0.65
    assert found["auc"].value > model.evaluate(test)["auc"].value - 0.1
    shapes = cv.observables(test)
    electron = test.label == 1
    assert shapes["R9"][electron].mean() < shapes["R9"][~electron].mean()
    assert model.predict(test).plot_roc(test.label).axes
    written, *_ = model.export("m.onnx", data=test)
    assert written.path.name == "m.onnx"
    assert written.difference < 1e-3
    assert shows(test.plot(0))
    model.save("runs/egamma").evaluate(test)
    assert cv.report(["runs/egamma"], out="report.html").is_file()


def test_symmetry(here: Path) -> None:
    digits = cv.simulate.digits((1, 2))
    assert "1000 digits of 28 x 28 pixels" in repr(digits)
    assert "1: 500, of which 100 are for testing" in repr(digits)
    few = {"vae_steps": 40, "batch": 64, "oracle_steps": 40, "points": 200, "components": 20}
    toy = cv.train("symmetry", digits, quiet=True, refine_steps=20, group_steps=20, **few)
    assert "no symmetry found" in toy.discover(digits, quiet=True).verdict
    found = cv.pretrained("symmetry").discover(digits)
    assert len(found.generators) == 1
    assert found.frequencies[0] == pytest.approx(6.0, rel=0.1)
    image, times = digits.images[digits.test][:1], [0.0, np.pi, 2 * np.pi]
    start, half, full = found.orbit(image, times)[0]
    assert np.abs(full - start).mean() < 0.3 * np.abs(half - start).mean()
    assert shows(found.plot_orbit())
    assert found.evaluate()["cover_1_d5"].value == 180
