from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.metrics.classification import auc
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.taggers.boosted_trees import tree_settings
from calovision.studies import jet_tagging, tagging_checks
from calovision.studies.jet_tagging import (
    BASELINE,
    NEW,
    OURS,
    SCALES,
    STUDY,
    TRUTH,
    Scale,
    ceiling,
    plan,
    trainings,
)
from calovision.studies.tagging_checks import occlusion
from calovision.studies.trainings import Training
from calovision.training.parts import parts_of

Done = tuple[Path, dict[str, Any], list[str]]
TINY = Scale(400, 300, 240, 1.0, 1, 100, (100,), 210)


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory,
    make_jets: Callable[..., Events],
    toy_stores: Callable[..., Any],
    finish: Callable[..., Done],
) -> Done:
    def jets(number: int, seed: int) -> Events:
        events = make_jets(number, seed)
        for name in set(TRUTH) - set(events.columns):
            # tells something of the label, as the generator-level jet does
            noise = np.random.default_rng([seed, len(name)]).normal(size=number)
            events.columns[name] = (events.label + noise).astype(np.float32)
        return events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jet_tagging, "PEERS", (BASELINE, "trees"))
        patch.setattr(jet_tagging, "VARIANTS", {})
        patch.setattr(jet_tagging, "ONE_SEED", {})
        patch.setattr(tagging_checks, "simulate_jets", toy_stores(jets))
        study = replace(STUDY, scales={"quick": TINY}, simulate=toy_stores(jets))
        return finish(study, tmp_path_factory.mktemp("study") / "tagging")


@pytest.mark.timeout(600)
def test_all_models_meet_on_the_same_jets(done: Done) -> None:
    out, comparison, lines = done
    models = comparison["models"]
    assert [m["model"] for m in models] == [OURS, BASELINE, "trees"]
    assert len({m["data"]["hash"] for m in models}) == 1
    for model in models:
        assert {"auc", "accuracy", "rejection_50", "ece", "jets_per_s"} <= set(model["metrics"])
        assert len(model["seeds"]["auc"]) == 1
    assert [(d["a"], d["b"]) for d in comparison["differences"]] == [
        (OURS, BASELINE),
        (OURS, "trees"),
    ]
    assert len(comparison["protocol"]) == 3
    assert 0.7 < comparison["ceiling"]["value"] < 1
    assert comparison["ceiling"]["error"] > 0
    assert len(lines) == 3
    scores = np.load(out / "scores.npz")
    assert scores[f"score/{OURS}"].shape == scores["label"].shape == (240,)
    rows = json.loads((out / "scaling.json").read_text())["rows"]
    assert {(r["model"], r["jets"]) for r in rows} == {(OURS, 100), ("trees", 100)}
    page = (out / "report.html").read_text()
    assert 'src="http' not in page


@pytest.mark.timeout(600)
def test_changed_conditions_and_explanations_are_written(done: Done) -> None:
    out, _, _ = done
    found = json.loads((out / "robustness.json").read_text())
    conditions = {r["condition"] for r in found["rows"] if r["model"] == OURS}
    assert {"nominal", "doubled noise", "5 % dead cells", "pt-hat 470-600 GeV"} <= conditions
    nominal = next(r for r in found["rows"] if r["condition"] == "nominal")
    assert nominal["change"]["value"] == 0
    explanation = json.loads((out / "explanation.json").read_text())
    importance = [r["importance"] for r in explanation["observables"]]
    assert importance == sorted(importance, reverse=True)
    assert np.shape(explanation["occlusion"]["change"]) == (3, len(tagging_checks.RINGS) - 1)


def test_hits_that_are_not_there_change_nothing_when_taken_away(toy_jets: Events) -> None:
    config = load_config("jet-tagger", overrides={"hits": 20, "width": 16})
    task = build(config, toy_jets.geometry, toy_jets).eval()
    events = toy_jets[:8]
    bare = events.keep(events.channel != 0)
    found = occlusion(task, bare)
    assert not np.any(found["change"][0])
    assert np.any(found["change"][1])


def test_the_ceiling_is_learned_from_the_jets_of_the_trees_alone(
    tmp_path: Path, make_jets: Callable[..., Events]
) -> None:
    def stored(name: str, number: int, **columns: Any) -> EventStore:
        events = make_jets(number, number)
        noise = np.random.default_rng(number).normal(size=number)
        told = {n: (events.label + noise).astype(np.float32) for n in TRUTH}
        events.columns |= told | columns
        return save(events, tmp_path / name, provenance={})

    trees = Training("trees", "trees", "runs/trees", {"events": 200, "seed": 2, "test": 0.0})
    training, test = stored("train", 500), stored("test", 300)
    found = ceiling(trees, training, test, 1)
    # scores of one number: its own AUC is what trees on it come close to
    assert found.value == pytest.approx(auc(test.column("gen_pt"), test.column("label")), abs=0.06)
    used = parts_of(training, tree_settings(trees.task, trees.settings))["train"]
    assert len(used) == 200
    others = training.column("label").copy()
    others[np.setdiff1d(np.arange(500), used)] = 0
    assert ceiling(trees, stored("relabelled", 500, label=others), test, 1) == found
    short = replace(trees, settings=trees.settings | {"events": 100})
    assert ceiling(short, training, test, 1) != found


def test_every_model_has_the_same_jets_and_seeds_differ() -> None:
    planned = plan(SCALES["standard"], 1)
    compared = planned["compared"]
    assert {t.settings["events"] for t in compared} == {20_000}
    assert sorted({t.settings["seed"] for t in compared if t.label == OURS}) == [1, 2, 3]
    once = {t.folder: t for t in trainings(SCALES["standard"], 1)}
    every = [t for part in planned.values() for t in part]
    assert len(trainings(SCALES["standard"], 1)) == len(once) < len(every)
    for training in every:
        assert once[training.folder].settings == training.settings


def test_a_scale_that_is_too_small_begins_with_the_model_of_the_package() -> None:
    planned = plan(SCALES["quick"], 1)
    compared = {t.label: t for t in planned["compared"]}
    assert [name for name, t in compared.items() if t.pretrained] == [OURS]
    assert "epochs" not in compared[OURS].settings
    assert compared[NEW].model == OURS
    # points of the curve begin from nothing
    last = [t for t in planned["scaling"] if t.settings["events"] == SCALES["quick"].events]
    assert last[0].folder == compared[NEW].folder
    assert last[0].settings == compared[NEW].settings
    every = [t for part in planned.values() for t in part]
    assert not any(t.pretrained for t in every if t.folder != compared[OURS].folder)
    assert not any(t.pretrained for t in trainings(SCALES["standard"], 1))
