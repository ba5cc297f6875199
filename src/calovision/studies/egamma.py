"""The electron/photon study: ours beside the published ResNet-15 and trees on shower shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.metrics.classification import auc_metric
from calovision.models.taggers.boosted_trees import TREES
from calovision.simulation.egamma.driver import simulate_egamma
from calovision.studies import tagger_runs
from calovision.studies.runner import Description, StudyFolder, beside
from calovision.studies.tagger_runs import TRAIN_AND_SCORE, TaggerRuns, begun_with
from calovision.studies.trainings import Training
from calovision.utils.files import write_json

TASK = "egamma"
OURS, BASELINE = "crop-net", "baseline"
ETA_EDGES = (0.0, 0.3, 0.6, 0.9, 1.2)  #: of abs(eta)
#: share of the baseline's training time
TIME = {OURS: 0.1, BASELINE: 1.0, TREES: 1.0}
NEW = f"{OURS}-new"  #: ours without the weights that come with the package
VALIDATION = 2 / 9  #: of the events that are not for testing; with these the split is 70/20/10


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: crops simulated for training and validation.
        test: crops for the comparison, simulated with another seed: a ninth of the former.
        budget_s: training time of the baseline, on one thread; ours has a tenth of it.
        seeds: trainings of every model.
        pretrained: whether ours begins with the model that comes with the package, since the crops
            are too few for a network that begins from nothing, which then stands beside it.
    """

    training: int
    test: int
    budget_s: float
    seeds: int
    pretrained: bool = False


SCALES = {
    "quick": Scale(9_000, 1_000, 60, 1, pretrained=True),
    "standard": Scale(90_000, 10_000, 3_000, 1),
    "full": Scale(450_000, 50_000, 14_400, 3),
}


def trainings(size: Scale, seed: int) -> list[Training]:
    """Every training of the study, ours first."""
    common = {"test": 0.0, "validation": VALIDATION}

    def one(label: str, model: str, number: int) -> Training:
        return Training(
            label,
            model,
            f"runs/{label}/seed-{number}",
            common | {"seed": number, "budget_s": TIME[model] * size.budget_s},
            TASK,
            size.pretrained and label == OURS,
        )

    names = {model: model for model in TIME} | ({NEW: OURS} if size.pretrained else {})
    numbers = range(seed, seed + size.seeds)
    return [one(label, model, number) for label, model in names.items() for number in numbers]


def compare(study: StudyFolder) -> dict[str, Any]:
    """Measure all runs; write what the report shows besides comparison.json, which is returned."""
    models = tagger_runs.by_model(study, trainings(study.size, study.seed))
    columns = {name: study.test.column(name) for name in ("label", "eta", "converted")}
    write_json(study.path / "parts.json", {"rows": parts(models, columns, study.seed)})
    return tagger_runs.compare(study, models, columns)


def parts(
    models: Sequence[TaggerRuns], columns: dict[str, NDArray[Any]], seed: int
) -> list[dict[str, Any]]:
    """AUC of every model on parts of the test crops: by what the photons did, and by abs(eta).

    Electrons of every part of the first kind are all the same ones: they have no conversions.
    """
    label, eta = columns["label"], np.abs(columns["eta"])
    converted, electron = columns["converted"].astype(bool), label == 1
    masks: dict[str, NDArray[np.bool_]] = {
        "photons not converted": electron | ~converted,
        "photons converted": electron | converted,
    }
    for low, high in pairwise(ETA_EDGES):
        masks[f"{low:g} < |eta| < {high:g}"] = (eta >= low) & (eta < high)
    return [
        {
            "part": name,
            "model": m.label,
            "crops": int(mask.sum()),
            "auc": auc_metric(m.probabilities[0][mask], label[mask], seed=seed).to_dict(),
        }
        for name, mask in masks.items()
        for m in models
    ]


def headline(comparison: dict[str, Any]) -> list[str]:
    """The numbers that matter, ours beside the others'."""
    others = {"baseline": BASELINE, "boosted trees": TREES}
    wall_s = {result["model"]: result["budget"]["wall_s"] for result in comparison["models"]}
    return [
        f"electron/photon AUC: {beside(comparison, 'auc', OURS, others, 4)}",
        f"expected calibration error: {beside(comparison, 'ece', OURS, others, 4)}",
        f"training time: {wall_s[OURS]:.0f} s (baseline {wall_s[BASELINE]:.0f} s)",
        *begun_with(comparison, "crops"),
    ]


STUDY = Description(
    TASK,
    SCALES,
    compare,
    headline,
    trainings=trainings,
    steps=[TRAIN_AND_SCORE],
    simulate=simulate_egamma,
    unit="crop",
)
