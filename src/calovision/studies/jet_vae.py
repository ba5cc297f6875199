"""The jet VAE study: ours and the published baseline on the same jets, with the same time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.evaluation.evaluate import measure, results_of, truth_floor
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.metrics.bootstrap import Floats, paired_difference
from calovision.metrics.occupancy import occupancy_difference
from calovision.metrics.value import Metric
from calovision.models.config import load_config
from calovision.models.load import load_autoencoder
from calovision.models.reconstruct import reconstructions
from calovision.models.train import train as run_training
from calovision.studies import artifacts
from calovision.studies.folder import begin, conclude, train_on
from calovision.training.run import RunDir
from calovision.utils.files import write_json

MODELS = ("baseline", "point")


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: jets for training and validation.
        test: jets for the comparison, simulated with another seed.
        budget_s: wall-clock training time of every model.
        slow_events: test jets for the energy-mover distance and the image similarities.
    """

    training: int
    test: int
    budget_s: float
    slow_events: int


SCALES = {
    "quick": Scale(3_000, 1_000, 70, 200),
    "standard": Scale(22_000, 10_000, 900, 1_000),
    "full": Scale(110_000, 20_000, 3_600, 2_000),
}


def study(
    out: Path, *, scale: str, seed: int = 1, workers: int = 2, quiet: bool = False
) -> tuple[dict[str, Any], Path, list[str]]:
    """Simulate, train and compare both models in ``out``; finished steps are not done again.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    out = Path(out)
    size, training, test = begin(
        "jet-vae", out, SCALES, scale, seed=seed, workers=workers, quiet=quiet
    )
    overrides = {"seed": seed, "budget_s": size.budget_s, "test": 0.0}
    for model in MODELS:
        config = load_config("jet-vae", model, overrides=overrides)
        run_training(config, training, out / "runs" / model, resume=True, quiet=quiet)
    return conclude(out, lambda: compare(out, test, scale=scale, seed=seed, quiet=quiet), headline)


def train(
    events: Events | EventStore, model: str = "point", *, out: str | Path, **settings: Any
) -> RunDir:
    """Train one jet VAE; see :func:`~calovision.studies.folder.train_on`."""
    return train_on("jet-vae", events, model, out, settings)


def compare(out: Path, test: EventStore, *, scale: str, seed: int, quiet: bool) -> dict[str, Any]:
    """Evaluate every model on ``test``; write what the report shows besides comparison.json."""
    events = test.load()
    floors = truth_floor(events, seed)
    rebuilt: dict[str, Events] = {}
    distances: dict[str, Floats] = {}
    results = []
    for model in MODELS:
        run = RunDir(out / "runs" / model)
        task = load_autoencoder(run)
        rebuilt[model], latent = reconstructions(task, events, seed, quiet)
        slow = SCALES[scale].slow_events
        metrics, distances[model] = measure(events, rebuilt[model], latent, seed, floors, slow)
        results.append(results_of(run, test, len(events), seed, metrics))
        write_json(run.path / "results.json", results[-1])
        if model == "point":
            artifacts.save_latent(out, events, latent)
    comparison = {
        "study": "jet-vae",
        "scale": scale,
        "models": results,
        "differences": _differences(events, rebuilt, distances, results, seed),
        "floor": floors,
    }
    artifacts.save_examples(out, events, rebuilt, seed)
    artifacts.save_distributions(out, events, rebuilt)
    curves = {m: RunDir(out / "runs" / m).rows() for m in MODELS}
    write_json(out / "curves.json", dict(curves))
    return comparison


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""
    by_model = {r["model"]: r["metrics"] for r in comparison["models"]}

    def pair(key: str) -> str:
        ours, base = by_model["point"][key], by_model["baseline"][key]
        return (
            f"{ours['value']:.3f} +- {ours['error']:.3f}"
            f" (baseline {base['value']:.3f} +- {base['error']:.3f})"
        )

    return [
        f"occupancy F1 in ECAL, exact cell: {pair('occupancy_f1_ecal')}",
        f"energy-mover distance, GeV a jet: {pair('emd')}",
        f"AUC of trees telling reconstructions from originals (0.5 is perfect):"
        f" {pair('classifier_auc')}",
    ]


def _differences(
    events: Events,
    rebuilt: dict[str, Events],
    distances: dict[str, Floats],
    results: list[dict[str, Any]],
    seed: int,
) -> list[dict[str, Any]]:
    """Ours minus the baseline on the same jets, with paired bootstrap errors.

    The classifiers' areas are of networks trained apart: their errors add in quadrature.
    """
    base, ours = rebuilt["baseline"], rebuilt["point"]
    found = occupancy_difference(events, ours, base, seed=seed)
    per_jet = [distances[m].sum(1) for m in ("point", "baseline")]
    found["emd"] = paired_difference(*per_jet, seed=seed)
    metrics = {r["model"]: r["metrics"] for r in results}
    for key in ("classifier_auc", "classifier_auc_hits", "probe_auc"):
        if key in metrics["point"]:
            a, b = metrics["point"][key], metrics["baseline"][key]
            found[key] = Metric(a["value"] - b["value"], math.hypot(a["error"], b["error"]))
    return [
        {"a": "point", "b": "baseline", "metric": k} | {"value": d["value"], "error": d["error"]}
        for k, d in sorted((k, m.to_dict()) for k, m in found.items())
    ]
