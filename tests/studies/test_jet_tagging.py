from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.metrics.classification import auc
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.taggers.boosted_trees import tree_settings
from calovision.studies import folder, jet_tagging, tagging_checks
from calovision.studies.jet_tagging import BASELINE, OURS, SCALES, Scale, plan, study
from calovision.studies.jobs import Job
from calovision.studies.tagging_checks import occlusion
from calovision.studies.tagging_seeds import TRUTH, ceiling
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
        patch.setitem(jet_tagging.SCALES, "quick", TINY)
        patch.setattr(jet_tagging, "PEERS", (BASELINE, "trees"))
        patch.setattr(jet_tagging, "VARIANTS", {})
        patch.setattr(jet_tagging, "ONE_SEED", {})
        patch.setattr(folder, "jets", toy_stores(jets))
        patch.setattr(tagging_checks, "jets", toy_stores(jets))
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

    trees = Job("trees", "trees", "runs/trees", {"events": 200, "seed": 2, "test": 0.0})
    training, test = stored("train", 500), stored("test", 300)
    found = ceiling(trees, training, test, 1)
    # scores of one number: its own AUC is what trees on it come close to
    assert found.value == pytest.approx(auc(test.column("gen_pt"), test.column("label")), abs=0.06)
    used = parts_of(training, tree_settings(trees.task, trees.overrides))["train"]
    assert len(used) == 200
    others = training.column("label").copy()
    others[np.setdiff1d(np.arange(500), used)] = 0
    assert ceiling(trees, stored("relabelled", 500, label=others), test, 1) == found
    short = Job("trees", "trees", "runs/trees", trees.overrides | {"events": 100})
    assert ceiling(short, training, test, 1) != found


def test_every_model_has_the_same_jets_and_seeds_differ() -> None:
    jobs = plan(SCALES["standard"], 1)
    assert {j.overrides["events"] for j in jobs["compared"]} == {20_000}
    assert sorted({j.overrides["seed"] for j in jobs["compared"] if j.label == OURS}) == [1, 2, 3]
    by_folder: dict[str, dict[str, Any]] = {}
    for job in (j for part in jobs.values() for j in part):
        assert by_folder.setdefault(job.folder, job.overrides) == job.overrides


def test_unknown_scale_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scale"):
        study(tmp_path, scale="enormous")
