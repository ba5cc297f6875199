"""The jet VAE study: ours and the published baseline on the same jets, with the same time."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.report.from_runs import report
from calovision.simulate.driver import simulate_jets
from calovision.studies.evaluation import measure, results_of, truth_floor
from calovision.tasks.config import load_config
from calovision.tasks.models import load_task
from calovision.tasks.reconstruct import reconstructions
from calovision.tasks.rundir import RunDir, write_json
from calovision.tasks.training import train

MODELS = ("baseline", "point")
EXAMPLES = 12  #: jets shown in the report
LATENT_SHOWN = 3000  #: jets in the latent map


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: jets for training and validation.
        test: jets for the comparison, simulated with another seed.
        budget_s: wall-clock training time of every model.
    """

    training: int
    test: int
    budget_s: float


SCALES = {
    "quick": Scale(3_000, 1_000, 70),
    "standard": Scale(22_000, 10_000, 1_200),
    "full": Scale(110_000, 20_000, 3_600),
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
    if scale not in SCALES:
        raise InputError(f"unknown scale {scale!r}", f"choose one of {', '.join(SCALES)}")
    size, out = SCALES[scale], Path(out)
    _claim(out, {"study": "jet-vae", "scale": scale, "seed": seed})
    training = simulate_jets(
        out / "data" / "train", size.training, seed=seed, workers=workers, quiet=quiet
    )
    test = simulate_jets(
        out / "data" / "test", size.test, seed=seed + 1_000_000, workers=workers, quiet=quiet
    )
    overrides = {"seed": seed, "budget_s": size.budget_s, "test": 0.0}
    for model in MODELS:
        config = load_config("jet-vae", model, overrides=overrides)
        train(config, training, out / "runs" / model, resume=True, quiet=quiet)
    comparison = compare(out, test, scale=scale, seed=seed, quiet=quiet)
    page = report([out], out / "report.html")
    return comparison, page, headline(comparison)


def compare(out: Path, test: EventStore, *, scale: str, seed: int, quiet: bool) -> dict[str, Any]:
    """Evaluate every model on ``test`` and write comparison.json and what the report shows."""
    events = test.load()
    floors = truth_floor(events, seed)
    rebuilt: dict[str, Events] = {}
    results = []
    for model in MODELS:
        run = RunDir(out / "runs" / model)
        task = load_task(run)
        rebuilt[model], latent = reconstructions(task, events, seed, quiet)
        metrics = measure(events, rebuilt[model], latent, seed, floors)
        results.append(results_of(run, test, len(events), seed, metrics))
        write_json(run.path / "results.json", results[-1])
        if model == "point":
            _save_latent(out, events, latent)
    comparison = {
        "study": "jet-vae",
        "scale": scale,
        "models": results,
        "differences": _differences(results),
        "floor": floors,
    }
    _save_examples(out, events, rebuilt, seed)
    curves = {m: RunDir(out / "runs" / m).rows() for m in MODELS}
    write_json(out / "curves.json", curves)
    write_json(out / "comparison.json", comparison)
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


def _claim(out: Path, what: dict[str, Any]) -> None:
    """Refuse a folder that another study, or another version of this one, has begun."""
    marker = out / "study.json"
    if marker.exists():
        if json.loads(marker.read_text()) != what:
            raise InputError(f"{out} holds another study", "choose another --out")
    else:
        write_json(marker, what)


def _differences(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ours minus the baseline for every metric; errors in quadrature, an upper bound for pairs."""
    base, ours = (next(r for r in results if r["model"] == m)["metrics"] for m in MODELS)
    rows = []
    for key in ours.keys() & base.keys():
        a, b = ours[key], base[key]
        if None not in (a["value"], b["value"], a["error"], b["error"]):
            error = math.hypot(a["error"], b["error"])
            value = a["value"] - b["value"]
            rows.append({"a": "point", "b": "baseline", "metric": key, "value": value})
            rows[-1]["error"] = error
    return sorted(rows, key=lambda r: str(r["metric"]))


def _save_latent(out: Path, events: Events, latent: np.ndarray[Any, Any]) -> None:
    """Two principal components of the latent means, with what colours the map."""
    shown = slice(0, LATENT_SHOWN)
    centred = latent - latent.mean(0)
    centred = centred / (latent.std(0) + 1e-6) * (latent.std(0) > 1e-3)
    _, _, axes = np.linalg.svd(centred[shown], full_matrices=False)
    np.savez_compressed(
        out / "latent.npz",
        coordinates=(centred[shown] @ axes[:2].T).astype(np.float32),
        label=events.label[shown],
        pt=events.columns["pt"][shown],
        multiplicity=events.counts().sum(1)[shown],
    )


def _save_examples(out: Path, events: Events, rebuilt: dict[str, Events], seed: int) -> None:
    """Small sets of originals and reconstructions, both classes in turn."""
    order = np.argsort(events.label, kind="stable")
    half = EXAMPLES // 2
    gluons = int((events.label == 0).sum())
    chosen = np.stack([order[:half], order[gluons : gluons + half]], 1).ravel()
    for name, source in {"original": events, **rebuilt}.items():
        subset = source[chosen]
        subset.columns = {**events[chosen].columns, **subset.columns}
        provenance = {"made_by": "study jet-vae", "seed": seed}
        save(subset, out / "examples" / name, provenance=provenance)
