"""How far a tagger can be trusted, and what it looks at: other conditions, parts of the jets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import logit

from calovision.events.events import Events
from calovision.events.perturbations import scaled, without_cells
from calovision.events.store import EventStore
from calovision.features.observables import observables
from calovision.metrics.classification import auc_difference, auc_metric
from calovision.metrics.explanation import explained_by_trees, spearman
from calovision.metrics.sculpting import auc_in_bins, sculpting
from calovision.metrics.value import Metric
from calovision.models.classify import Scores, score
from calovision.models.load import load_tagger
from calovision.models.taggers.base import TaggerTask
from calovision.reports.sources import ORIGINAL
from calovision.simulation.conditions import Conditions
from calovision.simulation.driver import simulate_jets
from calovision.studies.runner import TEST_SEED, StudyFolder
from calovision.studies.tagger_runs import SCORES
from calovision.training.run import RunDir
from calovision.utils.files import write_json

CHECKED = ("particle-transformer", "baseline")  #: models looked at
PT_EDGES = (70.0, 95.0, 110.0, 130.0, 160.0, 220.0)  #: GeV
RINGS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.6)  #: rad; distances from the window centre
ENERGY_SHIFT, DEAD_SHARE = 0.03, 0.05
OCCLUDED_JETS = 1000  #: jets that hits are taken from
#: simulated again under other conditions, with the seed of the test jets
SIMULATED = {
    "doubled noise": Conditions(noise=2.0),
    "another tune (Tune:pp = 5)": Conditions(tune=5),
    "pt-hat 470-600 GeV": Conditions(pt_hat=(470.0, 600.0)),
}


def check(study: StudyFolder) -> None:
    """Write robustness.json, explanation.json and the example jets' scores."""
    out, seed, test = study.path, study.seed, study.test
    number = study.size.checks
    events = test[: min(number, len(test))]
    changed = {
        f"energy scale {100 * s:+.0f} %": scaled(events, 1 + s)
        for s in (ENERGY_SHIFT, -ENERGY_SHIFT)
    }
    changed[f"{100 * DEAD_SHARE:.0f} % dead cells"] = without_cells(events, DEAD_SHARE, seed)
    for name, conditions in SIMULATED.items():
        folder = name.split(" (")[0].replace(" ", "-")
        changed[name] = study.simulated(
            simulate_jets, "jet", folder, number, seed + TEST_SEED, conditions=conditions
        ).load()
    rows, bins, masses = [], [], []
    for model in CHECKED:
        run = RunDir(out / "runs" / model / f"seed-{seed}")
        task = load_tagger(run)
        nominal = score(task, events, quiet=study.quiet)
        rows.append(_row("nominal", model, events, nominal, events, nominal, seed))
        for name, other in changed.items():
            scores = score(task, other, quiet=study.quiet)
            rows.append(_row(name, model, other, scores, events, nominal, seed))
        probability = np.load(run.path / SCORES)["probability"]
        label = test.column("label")
        bins += [
            {"model": model, "lo": lo, "hi": hi, "auc": m.to_dict()}
            for lo, hi, m in auc_in_bins(probability, label, test.column("pt"), PT_EDGES, seed)
        ]
        sculpted = sculpting(probability, label, test.column("m0"), seed=seed)
        masses.append({"model": model} | sculpted.to_dict())
        if model == CHECKED[0]:
            write_json(out / "explanation.json", explain(task, events, nominal, seed))
            examples = EventStore.open(out / "examples" / ORIGINAL).load()
            shown = score(task, examples, quiet=True)
            write_json(
                out / "examples" / "scores.json",
                {"label": examples.label.tolist(), "score": shown.probability.tolist()},
            )
    write_json(out / "robustness.json", {"rows": rows, "pt_bins": bins, "sculpting": masses})


def _row(
    condition: str,
    model: str,
    events: Events,
    scores: Scores,
    nominal_events: Events,
    nominal: Scores,
    seed: int,
) -> dict[str, Any]:
    """AUC under a condition and its change; paired where the jets are the same ones."""
    auc = auc_metric(scores.probability, events.label, seed=seed)
    if _same_jets(events, nominal_events):
        change = auc_difference(scores.probability, nominal.probability, events.label, seed=seed)
    else:
        before = auc_metric(nominal.probability, nominal_events.label, seed=seed)
        change = Metric(auc.value - before.value, float(np.hypot(auc.error, before.error)))
    return {
        "condition": condition,
        "model": model,
        "jets": len(events),
        "auc": auc.to_dict(),
        "change": change.to_dict(),
        "flagged": float(scores.out_of_distribution.mean()),
    }


def _same_jets(a: Events, b: Events) -> bool:
    """Whether two sets hold the same generated jets in the same order."""
    return len(a) == len(b) and all(
        np.array_equal(a.columns[name], b.columns[name]) for name in ("event_id", "gen_pt", "label")
    )


def explain(task: TaggerTask, events: Events, nominal: Scores, seed: int) -> dict[str, Any]:
    """Which hits and which observables drive the score, as log odds: these do not saturate."""
    found, odds = observables(events), logit(nominal.probability)
    trees = explained_by_trees(odds, found, seed=seed)
    correlation = {name: spearman(odds, values, seed=seed) for name, values in found.items()}
    rows = []
    for name in sorted(found, key=lambda n: -trees.importance[n]):
        alone = auc_metric(found[name], events.label, seed=seed).value
        rows.append(
            {
                "name": name,
                "spearman": correlation[name].to_dict(),
                "importance": trees.importance[name],
                "auc": max(alone, 1 - alone),
            }
        )
    return {
        "occlusion": occlusion(task, events[: min(OCCLUDED_JETS, len(events))]),
        "observables": rows,
        "r2": trees.r2.to_dict(),
    }


def occlusion(task: TaggerTask, events: Events) -> dict[str, Any]:
    """What the hits of one channel in one ring add to the logit: with them minus without them."""
    names, radius = events.geometry.channel_names, events.geometry.radius(events.cell)
    full = task.logits(task.dataset(events))
    absolute = np.zeros((len(names), len(RINGS) - 1))
    signed = absolute.copy()
    for c in range(len(names)):
        for r, (lo, hi) in enumerate(pairwise(RINGS)):
            gone = (events.channel == c) & (radius >= lo) & (radius < hi)
            change = full - task.logits(task.dataset(events.keep(~gone)))
            absolute[c, r], signed[c, r] = np.abs(change).mean(), change.mean()
    return {
        "channels": list(names),
        "edges": list(RINGS),
        "change": absolute.tolist(),
        "signed": signed.tolist(),
    }
