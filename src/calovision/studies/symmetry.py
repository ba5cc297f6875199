"""The symmetry study: rotations of digits found in a latent space, ours and as published."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from calovision.errors import InputError
from calovision.evaluation.symmetry.frame_measures import measure_frame
from calovision.evaluation.symmetry.measures import Arrays, measure, write_results
from calovision.evaluation.symmetry.supervised_measures import measure_map
from calovision.metrics.value import Metric
from calovision.models.symmetry.data import ImageData, read_images
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.runs import Flows, generator, progress, train
from calovision.models.symmetry.settings import load_settings
from calovision.models.symmetry.supervised import train_published_map, train_step_map
from calovision.reports.sources import save_arrays
from calovision.simulation.digits import digits
from calovision.studies.folder import claim, conclude
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.files import write_json

MODELS = ("baseline", "isometry")
LATENTS = (5, 2)


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        seeds: repetitions, each with its own held-out digits.
        map_steps: of the training of the supervised map; the published one, a fraction of
            the work, has four times as many.
        ours, published: settings that differ from the presets.
    """

    seeds: int
    map_steps: int = 500
    ours: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] = field(default_factory=dict)


SCALES = {
    "quick": Scale(
        1,
        100,
        {
            "vae_steps": 500,
            "oracle_steps": 300,
            "refine_steps": 150,
            "project_steps": 350,
        },
        {"epochs": 3, "oracle_steps": 300, "generator_steps": 500},
    ),
    "standard": Scale(3),
    "full": Scale(5, 1000, {"vae_steps": 4000, "project_steps": 2400}),
}


def study(
    out: Path, *, scale: str, seed: int = 1, workers: int = 1, quiet: bool = False
) -> tuple[dict[str, Any], Path, list[str]]:
    """Train, search and compare both models in ``out``; finished steps are not done again.

    Args:
        out: folder of the study.
        scale: key of :data:`SCALES`.
        seed: of the first repetition.
        workers: not needed: everything here takes one core and minutes.
        quiet: no progress bars.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    out = Path(out)
    if scale not in SCALES:
        raise InputError(f"unknown scale {scale!r}", f"choose one of {', '.join(SCALES)}")
    claim(out, {"study": "symmetry", "scale": scale, "seed": seed})

    def repeated() -> dict[str, Any]:
        size = SCALES[scale]
        results: dict[str, list[dict[str, Any]]] = {m: [] for m in MODELS}
        for number in range(seed, seed + size.seeds):
            one = repetition(out, size, number, first=number == seed, quiet=quiet)
            for model, result in one.items():
                results[model].append(result)
        return compare(scale, results)

    return conclude(out, repeated, headline)


def repetition(
    out: Path, size: Scale, seed: int, *, first: bool, quiet: bool
) -> dict[str, dict[str, Any]]:
    """Everything with one seed: results.json objects of both models.

    Material for the report is kept of the first.
    """
    folder = out / "data" / f"seed{seed}"
    if not (folder / "manifest.json").exists():
        digits(seed=seed).save(folder)
    data = read_images(folder)
    found: dict[str, dict[str, Any]] = {}
    exhibits: Arrays = {}
    about: dict[str, Any] = {}
    for latent in LATENTS:
        runs = {"baseline": _baseline(out, size, seed, latent, data, quiet)}
        runs["isometry"] = _ours(out, size, seed, data, quiet)
        for model, run in runs.items():
            flows = discover(run.path, data, latent=latent, quiet=quiet)
            kept = run.path / f"d{latent}" / "exhibits.npz"
            done = run.path / "results.json"
            measured = json.loads(done.read_text())["metrics"] if done.exists() else {}
            if f"cover_{data.classes[0]}_d{latent}" not in measured or not kept.exists():
                metrics, arrays = measure(flows, data)
                if latent == LATENTS[0]:
                    metrics |= supervised(model, flows, data, size, seed, quiet)
                    if model == "isometry" and flows.fields:
                        more, brackets = measure_frame(flows, data, generator(seed, 4))
                        metrics |= more
                        write_json(kept.with_name("brackets.json"), brackets)
                save_arrays(kept, arrays)
                write_results(run, data, metrics)
            result = json.loads(done.read_text())
            before = found.get(model)
            found[model] = result if before is None else _joined(before, result)
            if first:
                with np.load(kept) as file:
                    exhibits |= {f"{model}/d{latent}/{k}": file[k] for k in file.files}
                about[f"{model}/d{latent}"] = flows.about
                if (brackets_file := kept.with_name("brackets.json")).exists():
                    about[f"{model}/d{latent}"]["brackets"] = json.loads(brackets_file.read_text())
    if first:
        save_arrays(out / "flows.npz", exhibits)
        write_json(out / "found.json", about)
    return found


def supervised(
    model: str, flows: Flows, data: ImageData, size: Scale, seed: int, quiet: bool
) -> dict[str, Metric]:
    """Train and measure the map of 30 degrees, as published or ours, on a run's VAE."""
    random = generator(seed, 3)
    torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, seed, 3))
    stream = data.stream(12)
    with progress(f"supervised, {model}", quiet) as report:
        network: nn.Module
        if model == "baseline":
            network = train_published_map(
                flows.vae, stream, steps=4 * size.map_steps, random=random, report=report
            )
        else:
            network = train_step_map(
                flows.vae, stream, steps=size.map_steps, random=random, report=report
            )
    return measure_map(flows, network, data)


def _ours(out: Path, size: Scale, seed: int, data: ImageData, quiet: bool) -> RunDir:
    """One run serves every latent dimension."""
    settings = load_settings("isometry", overrides={**size.ours, "seed": seed})
    return train(settings, data, out / "runs" / f"isometry-s{seed}", resume=True, quiet=quiet)


def _baseline(
    out: Path, size: Scale, seed: int, latent: int, data: ImageData, quiet: bool
) -> RunDir:
    overrides = {**size.published, "seed": seed, "latent": latent}
    settings = load_settings("baseline", overrides=overrides)
    path = out / "runs" / f"baseline-d{latent}-s{seed}"
    return train(settings, data, path, resume=True, quiet=quiet)


def _joined(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Results of two latent dimensions as one; budgets of different runs add up."""
    budget = b["budget"]
    if a["metrics"].keys().isdisjoint(b["metrics"]):
        sums = {k: round(a["budget"][k] + budget[k], 2) for k in ("wall_s", "cpu_s")}
        extra = {k: v for k, v in a["budget"].items() if k not in budget}
        budget = {**budget, **extra, **sums}
    return {**b, "budget": budget, "metrics": a["metrics"] | b["metrics"]}


def compare(scale: str, results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians over seeds, and differences of the models with errors from the spread."""
    models = [_median(results[m]) for m in MODELS]
    base, ours = (m["metrics"] for m in models)
    differences = [
        {
            "a": "isometry",
            "b": "baseline",
            "metric": key,
            "value": ours[key]["value"] - base[key]["value"],
            "error": math.hypot(ours[key]["error"] or 0, base[key]["error"] or 0),
        }
        for key in sorted(set(ours) & set(base))
        if ours[key]["value"] is not None and base[key]["value"] is not None
    ]
    return {
        "study": "symmetry",
        "scale": scale,
        "seeds": len(results["isometry"]),
        "models": models,
        "differences": differences,
        "floor": {},
    }


def _median(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One results.json object of several seeds: the median of each metric.

    The error is that over test images at the median seed or, where it is larger, the spread over
    seeds divided by the root of their number.
    """
    keys = list(dict.fromkeys(k for r in results for k in r["metrics"]))
    metrics = {}
    for key in keys:
        every = [r["metrics"][key] for r in results if key in r["metrics"]]
        every = sorted((m for m in every if m["value"] is not None), key=lambda m: m["value"])
        if not every:
            continue
        values = [m["value"] for m in every]
        middle = every[(len(every) - 1) // 2]
        spread = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if values[1:] else 0.0
        error = max(middle["error"] or 0.0, spread)
        metrics[key] = {**middle, "value": float(np.median(values)), "error": error}
        if len(results) > 1:
            metrics[key]["seeds"] = [r["metrics"].get(key, {}).get("value") for r in results]
    budgets = [r["budget"] for r in results]
    times = {k: round(float(np.median([b[k] for b in budgets])), 1) for k in ("wall_s", "cpu_s")}
    return {**results[0], "budget": {**budgets[0], **times}, "metrics": metrics}


def headline(comparison: dict[str, Any]) -> list[str]:
    """The numbers that matter, ours beside the baseline's."""
    base, ours = (m["metrics"] for m in comparison["models"])
    lines = []
    for key, text in (
        ("cover_1_d5", "turned part of a 1, d = 5, of 180 degrees"),
        ("cover_2_d5", "turned part of a 2, d = 5, of 360 degrees"),
        ("cover_2_d2", "turned part of a 2, d = 2, of 360 degrees"),
    ):
        if key in ours:
            beside = f" (baseline {base[key]['value']:.0f})" if key in base else ""
            lines.append(f"{text}: {ours[key]['value']:.0f} +- {ours[key]['error']:.0f}{beside}")
    return lines
