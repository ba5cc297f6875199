from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.store import save
from calovision.metrics.classification import classification_metrics
from calovision.reports.sources import save_arrays
from calovision.reports.view import Shown, beside, page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Maker = Callable[[Path], Path]

PATIENCE = 60_000  #: ms that the browser may take for one step on a machine with other work


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the machine has it; for one module, as its event loop would be in others' way."""
    playwright = pytest.importorskip("playwright.sync_api", reason="there is no Playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("there is no Chromium")
    switches = ("no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=program, args=[f"--{s}" for s in switches], timeout=PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture
def show_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """A function that opens HTML offline; it may ask for no other file and make no error.

    Options of Playwright's contexts, such as ``viewport`` or ``has_touch``, tell on what.
    """
    contexts: list[BrowserContext] = []
    file = tmp_path / "page.html"
    asked: list[str] = []
    errors: list[str] = []

    def show(text: str, **options: Any) -> Page:
        usual = {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"}
        context = browser.new_context(offline=True, **{**usual, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: asked.append(request.url.split("#")[0]))
        # A request counts as asked even where the page's own policy holds it back.
        context.on(
            "console", lambda told: errors.extend([told.text] if told.type == "error" else [])
        )
        context.on("weberror", lambda found: errors.append(str(found.error)))
        file.write_text(text)
        page = context.new_page()
        page.goto(file.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    inside = ("data:", "about:", "blob:")
    assert {url for url in asked if not url.startswith(inside)} == {file.as_uri()}
    assert errors == []


@pytest.fixture(scope="session")
def display_rows(toy_jets: Events) -> list[Shown]:
    """Ten scored jets, what a model made of them, and others beside them."""
    rng = np.random.default_rng(1)
    jets = toy_jets[:10]
    scores = {"probability": rng.random(10), "out_of_distribution": np.arange(10) == 3}
    scored = replace(jets, columns={**jets.columns, **scores})
    made = replace(scored, value=scored.value * np.repeat(1 + rng.random(10), jets.n_hits))
    return [Shown("original", scored), Shown("model", made), beside("other", toy_jets[10:], jets)]


@pytest.fixture
def display_text(display_rows: list[Shown]) -> str:
    """A display of these rows."""
    return page("jets: calovision", display_rows)


def metric(value: float | None, error: float = 0.01, **other: Any) -> dict[str, Any]:
    entry = {"unit": "", "floor": None, "higher_is_better": True}
    return {"value": value, "error": error, **entry, **other}


def results(model: str, f1: float) -> dict[str, Any]:
    return {
        "task": "jet-vae",
        "model": model,
        "about": f"What is special about {model}.",
        "data": {"path": "/anywhere/data/test", "hash": "ab" * 32, "events": 1000, "split": "all"},
        "seed": 7,
        "budget": {"wall_s": 90.0, "cpu_s": 170.0, "parameters": 12345, "device": "cpu"},
        "metrics": {
            "occupancy_f1_ecal": metric(f1),
            "emd": metric(10 / f1, 0.5, unit="GeV", higher_is_better=False),
            "classifier_auc_strictest": metric(1 - f1 / 2, higher_is_better=False, floor=0.5),
            "classifier_auc": metric(1 - f1 / 2, higher_is_better=False, floor=0.5),
            "psnr": metric(None),
            "psnr_blank": metric(43.0),
            "strange_number": metric(3.0),
        },
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
    }


@pytest.fixture(scope="session")
def make_study(toy_jets: Events) -> Maker:
    """A function that writes a whole toy study into a folder."""

    def make(path: Path) -> Path:
        path.mkdir(parents=True)
        models = [results("baseline", 0.2), results("point", 0.6)]
        comparison = {"study": "jet-vae", "scale": "quick", "models": models, "floor": {"emd": 0.1}}
        (path / "comparison.json").write_text(json.dumps({**comparison, "differences": []}))
        rows = [
            {"step": i, "wall_s": i * 2.0, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2)
        ]
        (path / "curves.json").write_text(json.dumps({"baseline": rows, "point": rows}))
        for name, start in (("original", 0), ("baseline", 4), ("point", 8)):
            save(toy_jets[start : start + 2], path / "examples" / name, provenance={})
        rng = np.random.default_rng(0)
        save_arrays(
            path / "latent.npz",
            {
                "coordinates": rng.normal(size=(64, 2)),
                "label": toy_jets.label,
                "pt": toy_jets.columns["pt"],
                "multiplicity": toy_jets.n_hits,
            },
        )
        names = ("original", "baseline", "point")
        save_arrays(
            path / "distributions.npz",
            {f"sum_e_ecal/{n}": rng.exponential(100, 64) for n in names},
        )
        save_arrays(
            path / "responses.npz", {f"ecal/{n}": rng.normal(1, 0.1, 64) for n in names[1:]}
        )
        return path

    return make


#: toy taggers: how far apart their scores put the classes, and how much they see of the mass
TAGGERS = {
    "particle-transformer": (1.36, 0.45),
    "particlenet": (1.31, 0.45),
    "trees": (1.27, 0.4),
    "baseline": (1.16, 0.3),
}


def tagging_results(model: str, label: NDArray[Any], score: NDArray[Any]) -> dict[str, Any]:
    found = classification_metrics(score, label, seed=1, replicas=20)
    metrics = {k: m.to_dict() for k, m in found.items()}
    metrics["jets_per_s"] = metric(3120.0, 40.0, unit="jets/s")
    seeds = [metrics["auc"]["value"] + shift for shift in (0.0, 0.001, -0.002)]
    return {
        **results(model, 0.5),
        "task": "jet-tagger",
        "metrics": metrics,
        "seeds": {"auc": seeds},
    }


def tagging_scores(n: int) -> dict[str, NDArray[Any]]:
    """Scores of the toy taggers, calibrated by construction; the mass moves with the class."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, n).astype(np.int8)
    hidden = rng.normal(size=n)
    arrays = {
        "label": label,
        "pt": rng.normal(116, 26, n).astype(np.float32),
        "m0": np.maximum(21.4 - 1.8 * (2 * label - 1) - 3 * hidden + 4 * rng.normal(size=n), 5),
    }
    for model, (gap, shared) in TAGGERS.items():
        noise = shared * hidden + np.sqrt(1 - shared**2) * rng.normal(size=n)
        arrays[f"score/{model}"] = 1 / (1 + np.exp(-gap * (gap * (label - 0.5) + noise)))
    return arrays


def robustness() -> dict[str, Any]:
    conditions = ("energy scale +3 %", "doubled noise", "5 % dead cells", "pT 500 GeV")
    rows = [
        {
            "condition": condition,
            "model": model,
            "jets": 2000,
            "auc": metric(0.8 - 0.01 * k),
            "change": metric(-0.012 * k + 0.002, 0.002),
            "flagged": (0.03, 0.04, 0.05, 0.98)[k],
        }
        for k, condition in enumerate(conditions)
        for model in TAGGERS
    ]
    bins = [
        {"model": m, "lo": lo, "hi": hi, "auc": metric(0.75 + lo / 2000)}
        for m in TAGGERS
        for lo, hi in ((70, 90), (90, 110), (110, 140), (140, 200))
    ]
    rows += [{"condition": "broken", "model": "baseline", "auc": metric(None)}]
    sculpting = [{"model": m, "value": 0.03, "error": 0.002, "floor": 0.001} for m in TAGGERS]
    return {"rows": rows, "pt_bins": bins, "sculpting": sculpting}


def explanation() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    names = ("n_track", "girth_ecal", "ptd_track", "mass", "n_hit_hcal", "column_m0", "profile_10")
    change = rng.exponential(0.3, (3, 5))
    return {
        "occlusion": {
            "channels": ["track", "ecal", "hcal"],
            "edges": [0, 0.05, 0.1, 0.2, 0.4, 1.1],
            "change": change.tolist(),
            "signed": (change * rng.uniform(-1, 1, (3, 5))).tolist(),
        },
        "observables": [
            {
                "name": name,
                "spearman": metric(-0.6 + 0.2 * k),
                "importance": 0.4 / (k + 1),
                "auc": 0.3 + 0.05 * k,
            }
            for k, name in enumerate(names)
        ],
        "r2": metric(0.71, 0.01),
    }


@pytest.fixture(scope="session")
def make_tagging(toy_jets: Events) -> Callable[..., Path]:
    """A function that writes a whole toy study of jet tagging into a folder."""

    def make(path: Path, n: int = 600, jets: Events = toy_jets) -> Path:
        path.mkdir(parents=True)
        arrays = tagging_scores(n)
        save_arrays(path / "scores.npz", arrays)
        models = [tagging_results(m, arrays["label"], arrays[f"score/{m}"]) for m in TAGGERS]
        difference = {"a": "particle-transformer", "b": "baseline", "metric": "auc"}
        protocol = [
            {**m, "metrics": {"auc": metric(m["metrics"]["auc"]["value"] - 0.01)}} for m in models
        ]
        rows = [
            {"model": m, "jets": jets, "auc": metric(0.7 + 0.02 * k, 0.004), "wall_s": 60.0}
            for m in ("particle-transformer", "baseline")
            for k, jets in enumerate((2000, 8000, 20000, 80000))
        ]
        log = [{"step": i, "wall_s": i * 2.0, "train_loss": 1 / i} for i in (1, 2, 3)]
        files = {
            "comparison": {
                "study": "jet-tagging",
                "scale": "quick",
                "models": models,
                "differences": [{**difference, "value": 0.025, "error": 0.004}],
                "floor": {"auc": 0.5},
                "protocol": protocol,
            },
            "curves": dict.fromkeys(TAGGERS, log),
            "scaling": {"rows": rows},
            "robustness": robustness(),
            "explanation": explanation(),
        }
        for name, content in files.items():
            (path / f"{name}.json").write_text(json.dumps(content))
        save(jets[:12], path / "examples" / "original", provenance={})
        scores = np.linspace(0.05, 0.95, 12)
        content = {"label": jets[:12].label.tolist(), "score": scores.tolist()}
        (path / "examples" / "scores.json").write_text(json.dumps(content))
        return path

    return make
