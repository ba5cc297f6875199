"""The jet-tagging study: quark or gluon, ours beside the published GraphSAGE and other peers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.metrics.classification import auc_metric
from calovision.models.taggers.boosted_trees import TREES
from calovision.reports.sources import save_arrays
from calovision.studies import tagging_checks
from calovision.studies.artifacts import save_examples
from calovision.studies.folder import begin, conclude, train_on
from calovision.studies.jobs import Job, carry_out
from calovision.studies.tagging_seeds import (
    FLOOR,
    Trained,
    ceiling,
    differences,
    read,
    results,
)
from calovision.training.run import RunDir
from calovision.utils.files import write_json

OURS, BASELINE = "particle-transformer", "baseline"
#: variants of the published baseline by the number of neighbours, as published
VARIANTS = {"baseline-k4": {"k": 4}, "baseline-k2": {"k": 2}}
PEERS = (BASELINE, "particlenet-lite", TREES)
#: peers with one seed, and how many times the common budget they get: some are slow
ONE_SEED = {"graphsage-xy": 1.0, "particlenet": 2.0, "resnet15": 2.0}
SCALED = (OURS, TREES)  #: models of the scaling curve
#: ours sees so many jets in a training, within these limits of epochs
SEEN, FEWEST_EPOCHS, MOST_EPOCHS = 150_000, 5, 40


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: jets simulated for training and validation.
        events: of these, jets that every model is trained on.
        test: jets for the comparison, simulated with another seed.
        budget_s: training time of every model, on one thread.
        seeds: trainings of ours and its main peers; of the others, of the published protocol and of
            the scaling curve there is one.
        protocol: training jets of the published protocol.
        scaling: training jets of the points of the scaling curve.
        checks: jets under every changed condition.
    """

    training: int
    events: int
    test: int
    budget_s: float
    seeds: int
    protocol: int
    scaling: tuple[int, ...]
    checks: int


SCALES = {
    "quick": Scale(3_000, 2_500, 2_000, 30, 1, 1_000, (500, 2_500), 500),
    "standard": Scale(90_000, 20_000, 20_000, 300, 3, 8_000, (2_000, 8_000, 20_000, 80_000), 5_000),
    "full": Scale(
        560_000, 20_000, 20_000, 1_200, 3, 8_000, (2_000, 8_000, 20_000, 80_000, 500_000), 20_000
    ),
}


def plan(size: Scale, seed: int) -> dict[str, list[Job]]:
    """Every training of the study: of the comparison, the published protocol and the scaling."""

    def job(label: str, folder: str, number: int, **more: Any) -> Job:
        changes = VARIANTS.get(label, {}) | {"events": number, "test": 0.0, "seed": seed}
        if label == OURS:
            changes["epochs"] = min(max(SEEN / number, FEWEST_EPOCHS), MOST_EPOCHS)
        model = BASELINE if label in VARIANTS else label
        return Job(label, model, folder, changes | {"budget_s": size.budget_s} | more)

    compared = [
        job(m, f"runs/{m}/seed-{seed + s}", size.events, seed=seed + s)
        for s in range(size.seeds)
        for m in (OURS, *PEERS)
    ]
    for label in (*ONE_SEED, *VARIANTS):
        time = size.budget_s * ONE_SEED.get(label, 1.0)
        compared.append(job(label, f"runs/{label}/seed-{seed}", size.events, budget_s=time))
    protocol = [job(m, f"protocol/{m}/seed-{seed}", size.protocol) for m in (OURS, BASELINE, TREES)]
    scaling = []
    for number in size.scaling:
        # Points that the comparison or the protocol has are not trained again. Larger sets may
        # take longer: the curve asks what data give, not what time gives.
        known = {size.events: "runs/{}/seed-{}", size.protocol: "protocol/{}/seed-{}"}
        folder = known.get(number, f"scaling/{{}}-{number}/seed-{{}}")
        time = size.budget_s * max(1.0, number / size.events)
        scaling += [job(m, folder.format(m, seed), number, budget_s=time) for m in SCALED]
    return {"compared": compared, "protocol": protocol, "scaling": scaling}


def study(
    out: Path, *, scale: str, seed: int = 1, workers: int = 2, quiet: bool = False
) -> tuple[dict[str, Any], Path, list[str]]:
    """Simulate, train and compare all taggers in ``out``; finished steps are not done again.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    out = Path(out)
    size, training, test = begin(
        "jet-tagging", out, SCALES, scale, seed=seed, workers=workers, quiet=quiet
    )
    jobs = plan(size, seed)
    everything = {j.folder: j for part in jobs.values() for j in part}
    # The longest first: none is left alone with one worker at the end.
    ordered = sorted(everything.values(), key=lambda j: -float(j.overrides["budget_s"]))
    carry_out(ordered, training.path, test.path, out, workers=workers, quiet=quiet)

    def compared() -> dict[str, Any]:
        comparison = compare(out, jobs, training, test, scale=scale, seed=seed)
        tagging_checks.check(out, test, size.checks, seed=seed, workers=workers, quiet=quiet)
        return comparison

    return conclude(out, compared, headline)


def train(
    events: Events | EventStore, model: str = OURS, *, out: str | Path, **settings: Any
) -> RunDir:
    """Train one tagger; see :func:`~calovision.studies.folder.train_on`."""
    return train_on("jet-tagger", events, model, out, settings)


def _gathered(out: Path, jobs: list[Job]) -> list[Trained]:
    """The finished runs, one entry a model, ours first."""
    folders: dict[str, list[Path]] = {}
    for job in jobs:
        folders.setdefault(job.label, []).append(out / job.folder)
    return [read(label, paths) for label, paths in folders.items()]


def compare(
    out: Path,
    jobs: dict[str, list[Job]],
    training: EventStore,
    test: EventStore,
    *,
    scale: str,
    seed: int,
) -> dict[str, Any]:
    """Measure all runs; write what the report shows besides comparison.json, which is returned."""
    trained = _gathered(out, jobs["compared"])
    label = test.column("label")
    trees = next(j for j in jobs["compared"] if j.label == TREES)
    comparison = {
        "study": "jet-tagging",
        "scale": scale,
        "models": [results(t, test, seed) for t in trained],
        "differences": differences(trained[0], trained[1:], label, seed),
        "floor": FLOOR,
        "ceiling": ceiling(trees, training, test, seed).to_dict(),
        "protocol": [results(t, test, seed) for t in _gathered(out, jobs["protocol"])],
    }
    arrays = {name: test.column(name) for name in ("label", "pt", "m0")}
    first = {f"score/{t.label}": t.probabilities[0].astype(np.float32) for t in trained}
    save_arrays(out / "scores.npz", arrays | first)
    curves = {t.label: t.runs[0].rows() for t in trained}
    write_json(out / "curves.json", {k: rows for k, rows in curves.items() if rows})
    rows = []
    for job in jobs["scaling"]:
        run = read(job.label, [out / job.folder])
        auc = auc_metric(run.probabilities[0], label, seed=seed).with_floor(FLOOR["auc"]).to_dict()
        number, wall = job.overrides["events"], run.runs[0].budget()["wall_s"]
        rows.append({"model": job.label, "jets": number, "auc": auc, "wall_s": wall})
    write_json(out / "scaling.json", {"rows": rows})
    save_examples(out, test[: min(len(test), 500)], {}, seed)
    return comparison


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""
    by_model = {r["model"]: r["metrics"] for r in comparison["models"]}

    def pair(key: str, digits: int) -> str:
        ours, base = by_model[OURS][key], by_model[BASELINE][key]
        return (
            f"{ours['value']:.{digits}f} +- {ours['error']:.{digits}f}"
            f" (baseline {base['value']:.{digits}f} +- {base['error']:.{digits}f})"
        )

    return [
        f"quark/gluon AUC: {pair('auc', 4)}",
        f"gluon rejection at 50 % quark efficiency: {pair('rejection_50', 2)}",
        f"expected calibration error: {pair('ece', 4)}",
    ]
