"""The electron/photon study: ours beside the published ResNet-15 and trees on shower shapes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.metrics.classification import auc_metric
from calovision.metrics.value import Metric
from calovision.models.taggers.boosted_trees import TREES
from calovision.reports.sources import save_arrays
from calovision.studies.artifacts import save_examples
from calovision.studies.folder import begin, conclude, crops, train_on
from calovision.studies.jobs import Job, carry_out
from calovision.studies.tagging_seeds import FLOOR, Trained, differences, read, results
from calovision.training.run import RunDir
from calovision.utils.files import write_json

TASK = "egamma"
OURS, BASELINE = "crop-net", "baseline"
RATE = "crops_per_s"
ETA_EDGES = (0.0, 0.3, 0.6, 0.9, 1.2, 1.4)  #: of abs(eta)
OURS_SHARE = 0.1  #: of the baseline's training time
VALIDATION = 2 / 9  #: of the events that are not for testing; with these the split is 70/20/10


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: crops simulated for training and validation.
        test: crops for the comparison, simulated with another seed: a ninth of the former.
        budget_s: training time of the baseline, on one thread; ours has a tenth of it.
        seeds: trainings of every model.
    """

    training: int
    test: int
    budget_s: float
    seeds: int


SCALES = {
    "quick": Scale(9_000, 1_000, 60, 1),
    "standard": Scale(90_000, 10_000, 3_000, 1),
    "full": Scale(450_000, 50_000, 14_400, 3),
}


def plan(size: Scale, seed: int) -> list[Job]:
    """Every training of the study, ours first."""
    shares = {OURS: OURS_SHARE, BASELINE: 1.0, TREES: 1.0}
    common = {"test": 0.0, "validation": VALIDATION}
    return [
        Job(
            model,
            model,
            f"runs/{model}/seed-{seed + s}",
            common | {"seed": seed + s, "budget_s": share * size.budget_s},
            TASK,
        )
        for model, share in shares.items()
        for s in range(size.seeds)
    ]


def study(
    out: Path, *, scale: str, seed: int = 1, workers: int = 2, quiet: bool = False
) -> tuple[dict[str, Any], Path, list[str]]:
    """Simulate, train and compare all classifiers in ``out``; finished steps are not done again.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    out = Path(out)
    size, training, test = begin(
        TASK, out, SCALES, scale, seed=seed, workers=workers, quiet=quiet, simulated=crops
    )
    jobs = plan(size, seed)
    # The longest first: none is left alone with one worker at the end.
    ordered = sorted(jobs, key=lambda j: -float(j.overrides["budget_s"]))
    carry_out(ordered, training.path, test.path, out, workers=workers, quiet=quiet)
    return conclude(out, lambda: compare(out, jobs, test, scale=scale, seed=seed), headline)


def train(
    events: Events | EventStore, model: str = OURS, *, out: str | Path, **settings: Any
) -> RunDir:
    """Train one classifier; see :func:`~calovision.studies.folder.train_on`."""
    return train_on(TASK, events, model, out, settings)


def compare(
    out: Path, jobs: list[Job], test: EventStore, *, scale: str, seed: int
) -> dict[str, Any]:
    """Measure all runs; write what the report shows besides comparison.json, which is returned."""
    models = dict.fromkeys(j.label for j in jobs)
    trained = [read(m, [out / j.folder for j in jobs if j.label == m]) for m in models]
    label, eta = test.column("label"), test.column("eta")
    save_arrays(
        out / "scores.npz",
        {"label": label, "eta": eta, "converted": test.column("converted")}
        | {f"score/{t.label}": t.probabilities[0].astype(np.float32) for t in trained},
    )
    curves = {t.label: t.runs[0].rows() for t in trained}
    write_json(out / "curves.json", {k: rows for k, rows in curves.items() if rows})
    write_json(out / "parts.json", {"rows": parts(trained, test, seed)})
    save_examples(out, test[: min(len(test), 500)], {}, seed)
    return {
        "study": TASK,
        "scale": scale,
        "models": [results(t, test, seed, RATE) for t in trained],
        "differences": differences(trained[0], trained[1:], label, seed),
        "floor": FLOOR,
    }


def parts(trained: list[Trained], test: EventStore, seed: int) -> list[dict[str, Any]]:
    """AUC of every model on parts of the test crops: by what the photons did, and by abs(eta).

    Electrons of every part of the first kind are all the same ones: they have no conversions.
    """
    label, eta = test.column("label"), np.abs(test.column("eta"))
    converted = test.column("converted").astype(bool)
    electron = label == 1
    chosen: list[tuple[str, NDArray[np.bool_]]] = [
        ("photons not converted", electron | ~converted),
        ("photons converted", electron | converted),
    ]
    for low, high in pairwise(ETA_EDGES):
        chosen.append((f"{low:g} < |eta| < {high:g}", (eta >= low) & (eta < high)))
    rows = []
    for name, mask in chosen:
        for t in trained:
            auc: Metric = auc_metric(t.probabilities[0][mask], label[mask], seed=seed)
            row = {"part": name, "model": t.label, "crops": int(mask.sum()), "auc": auc.to_dict()}
            rows.append(row)
    return rows


def headline(comparison: dict[str, Any]) -> list[str]:
    """The numbers that matter, ours beside the others'."""
    by_model = {r["model"]: r["metrics"] for r in comparison["models"]}
    budget = {r["model"]: r["budget"]["wall_s"] for r in comparison["models"]}

    def shown(key: str, digits: int) -> str:
        values = {m: by_model[m][key] for m in (OURS, BASELINE, TREES)}
        texts = {
            m: f"{v['value']:.{digits}f} +- {v['error']:.{digits}f}" for m, v in values.items()
        }
        return f"{texts[OURS]} (baseline {texts[BASELINE]}, boosted trees {texts[TREES]})"

    return [
        f"electron/photon AUC: {shown('auc', 4)}",
        f"expected calibration error: {shown('ece', 4)}",
        f"training time: {budget[OURS]:.0f} s (baseline {budget[BASELINE]:.0f} s)",
    ]
