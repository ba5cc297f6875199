"""How far a tagger can be trusted, and what it looks at: changed conditions, unlike jets, hits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
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
from calovision.simulation.conditions import Conditions
from calovision.studies.folder import TEST_SEED, jets
from calovision.training.run import RunDir
from calovision.utils.files import write_json

CHECKED = ("particle-transformer", "baseline")  #: models looked at
PT_EDGES = (70.0, 95.0, 110.0, 130.0, 160.0, 220.0)  #: GeV
RINGS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.6)  #: rad; distances from the window centre
ENERGY_SHIFT, DEAD_SHARE = 0.03, 0.05
OCCLUDED = 1000  #: jets that hits are taken from
#: simulated again under other conditions, with the seed of the test jets
SIMULATED = {
    "doubled noise": Conditions(noise=2.0),
    "another tune (Tune:pp = 5)": Conditions(tune=5),
    "pt-hat 470-600 GeV": Conditions(pt_hat=(470.0, 600.0)),
}


def check(
    out: Path,
    test: EventStore,
    number: int,
    *,
    seed: int,
    workers: int,
    quiet: bool,
) -> None:
    """Write robustness.json, explanation.json and the example jets' scores."""
    events = test[: min(number, len(test))]
    changed = {
        f"energy scale {100 * s:+.0f} %": scaled(events, 1 + s)
        for s in (ENERGY_SHIFT, -ENERGY_SHIFT)
    }
    changed[f"{100 * DEAD_SHARE:.0f} % dead cells"] = without_cells(events, DEAD_SHARE, seed)
    for name, conditions in SIMULATED.items():
        folder = out / "data" / name.split(" (")[0].replace(" ", "-")
        changed[name] = jets(
            folder, number, seed + TEST_SEED, workers, quiet, conditions=conditions
        ).load()
    rows, bins, masses = [], [], []
    for model in CHECKED:
        task = load_tagger(RunDir(out / "runs" / model / f"seed-{seed}"))
        nominal = score(task, events, quiet)
        rows += [_row("nominal", model, events, nominal, events, nominal, seed)]
        for name, other in changed.items():
            rows.append(_row(name, model, other, score(task, other, quiet), events, nominal, seed))
        whole = np.load(out / "runs" / model / f"seed-{seed}" / "scores.npz")["probability"]
        label = test.column("label")
        bins += [
            {"model": model, "lo": lo, "hi": hi, "auc": m.to_dict()}
            for lo, hi, m in auc_in_bins(whole, label, test.column("pt"), PT_EDGES, seed)
        ]
        masses.append(
            {"model": model} | sculpting(whole, label, test.column("m0"), seed=seed).to_dict()
        )
        if model == CHECKED[0]:
            write_json(out / "explanation.json", explain(task, events, nominal, seed))
            examples = EventStore.open(out / "examples" / "original").load()
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
    same = _same_jets(events, nominal_events)
    if same:
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
        "occlusion": occlusion(task, events[: min(OCCLUDED, len(events))]),
        "observables": rows,
        "r2": trees.r2.to_dict(),
    }


def occlusion(task: TaggerTask, events: Events) -> dict[str, Any]:
    """What the hits of one channel in one ring add to the logit: with them minus without them."""
    geometry = events.geometry
    radius = geometry.radius(events.cell)
    full = task.logits(task.view(events))
    absolute = np.zeros((len(geometry.channels), len(RINGS) - 1))
    signed = absolute.copy()
    for c in range(len(geometry.channels)):
        for r, (lo, hi) in enumerate(pairwise(RINGS)):
            gone = (events.channel == c) & (radius >= lo) & (radius < hi)
            change = full - task.logits(task.view(events.keep(~gone)))
            absolute[c, r], signed[c, r] = np.abs(change).mean(), change.mean()
    return {
        "channels": list(geometry.channel_names),
        "edges": list(RINGS),
        "change": absolute.tolist(),
        "signed": signed.tolist(),
    }
