from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.models.taggers.boosted_trees import TREES
from calovision.studies.egamma import BASELINE, NEW, OURS, SCALES, STUDY, Scale, headline, trainings

Done = tuple[Path, dict[str, Any], list[str]]


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory,
    make_crops: Callable[..., Events],
    toy_stores: Callable[..., Any],
    finish: Callable[..., Done],
) -> Done:
    def crops(number: int, seed: int) -> Events:
        events = make_crops(number, seed)
        rng = np.random.default_rng(seed)
        events.columns["eta"] = rng.uniform(-1.2, 1.2, number).astype(np.float32)
        events.columns["converted"] = (rng.random(number) < 0.4) & (events.label == 0)
        return events

    tiny = {"quick": Scale(400, 300, 4.0, 1)}
    study = replace(STUDY, scales=tiny, simulate=toy_stores(crops))
    return finish(study, tmp_path_factory.mktemp("study") / "egamma")


@pytest.mark.timeout(600)
def test_all_models_meet_on_the_same_crops(done: Done) -> None:
    _, comparison, lines = done
    models = comparison["models"]
    assert [m["model"] for m in models] == [OURS, BASELINE, TREES]
    assert len({m["data"]["hash"] for m in models}) == 1
    for model in models:
        assert {"auc", "rejection_50", "ece", "crops_per_s"} <= set(model["metrics"])
    assert [d["b"] for d in comparison["differences"]] == [BASELINE, TREES]
    assert "boosted trees" in lines[0]


def test_parts_cover_the_crops(done: Done) -> None:
    out, _, _ = done
    rows = json.loads((out / "parts.json").read_text())["rows"]
    mine = [r for r in rows if r["model"] == OURS]
    label = np.load(out / "scores.npz")["label"]
    by_conversion, by_eta = mine[:2], mine[2:]
    photons = int((label == 0).sum())
    assert sum(r["crops"] for r in by_conversion) == 2 * len(label) - photons
    assert sum(r["crops"] for r in by_eta) == len(label)


def test_the_page_speaks_of_electrons(done: Done) -> None:
    page = (done[0] / "report.html").read_text(encoding="utf-8")
    for words in ("Electron or photon?", "Where it is hard", "Example crops", "ResNet-15"):
        assert words in page
    assert "quark jets" not in page
    assert page.count('<iframe class="display"') == 1


def test_ours_has_a_tenth_of_the_time_and_all_the_same_split() -> None:
    planned = trainings(SCALES["standard"], 1)
    budget = {t.model: t.settings["budget_s"] for t in planned}
    assert budget[OURS] * 10 == pytest.approx(budget[BASELINE])
    assert {(t.settings["test"], t.settings["validation"]) for t in planned} == {(0.0, 2 / 9)}
    assert {t.task for t in planned} == {"egamma"}
    size = SCALES["standard"]
    assert size.training == 9 * size.test


def test_a_scale_that_is_too_small_begins_with_the_model_of_the_package() -> None:
    quick = {t.label: t for t in trainings(SCALES["quick"], 1)}
    assert list(quick) == [OURS, BASELINE, TREES, NEW]
    assert [t.pretrained for t in quick.values()] == [True, False, False, False]
    assert quick[NEW].settings == quick[OURS].settings
    assert quick[NEW].folder != quick[OURS].folder
    assert not any(t.pretrained for t in trainings(SCALES["standard"], 1))


def test_the_headline_says_so() -> None:
    metrics = {k: {"value": 0.8, "error": 0.01} for k in ("auc", "ece")}
    models: list[dict[str, Any]] = [
        {"model": m, "metrics": metrics, "budget": {"wall_s": 1.0}} for m in (OURS, BASELINE, TREES)
    ]
    assert len(headline({"models": models})) == 3
    models[0]["begun_with"] = 70_000
    assert "70,000 training crops" in headline({"models": models})[3]
