"""The symmetry study: rotations of digits found in a latent space, ours and as published."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from calovision.evaluation.symmetry.false_discovery import false_discoveries
from calovision.evaluation.symmetry.frame_measures import measure_frame
from calovision.evaluation.symmetry.lorentz import lorentz
from calovision.evaluation.symmetry.measures import measure, measure_map, write_results
from calovision.metrics.value import Metric
from calovision.models.symmetry.data import ImageData, read_images
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.runs import Flows, generator, progress, train
from calovision.models.symmetry.settings import load_settings
from calovision.models.symmetry.supervised import train_published_map, train_step_map
from calovision.reports.sources import save_arrays
from calovision.simulation.digits import digits
from calovision.simulation.driver import simulate_jets
from calovision.studies.runner import Description, StudyFolder, differences
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.files import write_json

MODELS = BASELINE, OURS = "baseline", "isometry"
LATENTS = (5, 2)


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        seeds: repetitions, each with its own held-out digits.
        map_steps: of the training of the supervised map; the published one, a fraction of
            the work, has four times as many.
        sets: without a symmetry, in which none must be claimed.
        jets: simulated, from whose particles the Lorentz algebra is found; none if 0.
        settings: of each model, that differ from its preset.
    """

    seeds: int
    map_steps: int = 500
    sets: int = 100
    jets: int = 4000
    settings: Mapping[str, dict[str, Any]] = field(default_factory=dict)


QUICK = {
    OURS: {"oracle_steps": 300, "refine_steps": 150, "group_steps": 300},
    BASELINE: {"epochs": 3, "oracle_steps": 300, "generator_steps": 500},
}
SCALES = {
    "quick": Scale(1, 100, 30, 600, QUICK),
    "standard": Scale(3),
    "full": Scale(5, 1000, settings={OURS: {"vae_steps": 4000, "group_steps": 2400}}),
}


def compare(study: StudyFolder) -> dict[str, Any]:
    """Train, search and measure both models with every seed; medians over seeds."""
    seeds = range(study.seed, study.seed + study.size.seeds)
    repetitions = [repetition(study, seed) for seed in seeds]
    models = [_median([results[model] for results in repetitions]) for model in MODELS]
    rows = differences(models[1], models[0])
    return {
        "seeds": len(seeds),
        "models": models,
        "differences": sorted(rows, key=lambda row: str(row["metric"])),
        "floor": {},
        **beyond(study),
    }


def beyond(study: StudyFolder) -> dict[str, Any]:
    """False discoveries, and the Lorentz algebra in simulated jets: ``beyond.json``."""
    file = study.path / "beyond.json"
    if not file.exists():
        content: dict[str, Any] = {
            "false_discoveries": false_discoveries(study.size.sets, study.seed)
        }
        if study.size.jets:
            jets = study.simulated(
                partial(simulate_jets, particles=True), "jet", "jets", study.size.jets, study.seed
            ).load()
            content["lorentz"] = {
                "generated": lorentz(jets, seed=study.seed),
                "measured": lorentz(jets, measured=True, seed=study.seed),
            }
        write_json(file, content)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def repetition(study: StudyFolder, seed: int) -> dict[str, dict[str, Any]]:
    """Everything with one seed: results.json objects of both models.

    What the report draws is kept of the first seed.
    """
    folder = study.path / "data" / f"seed{seed}"
    if not (folder / "manifest.json").exists():
        digits(seed=seed).save(folder)
    data = read_images(folder)
    results: dict[str, dict[str, Any]] = {}
    drawn: dict[str, Any] = {}
    about: dict[str, Any] = {}
    for latent in LATENTS:
        for model, run in {m: _trained(study, m, seed, latent, data) for m in MODELS}.items():
            flows = discover(run.path, data, latent=latent, quiet=study.quiet)
            result = _measured(study, model, seed, run, flows, data)
            results[model] = _joined(results[model], result) if model in results else result
            found, key = run.path / f"d{latent}", f"{model}/d{latent}"
            with np.load(found / "exhibits.npz") as file:
                drawn |= {f"{key}/{name}": file[name] for name in file.files}
            about[key] = flows.about
            if (brackets := found / "brackets.json").exists():
                about[key]["brackets"] = json.loads(brackets.read_text())
    if seed == study.seed:
        save_arrays(study.path / "flows.npz", drawn)
        write_json(study.path / "found.json", about)
    return results


def _trained(study: StudyFolder, model: str, seed: int, latent: int, data: ImageData) -> RunDir:
    """The run of a model; one of ours serves every latent dimension."""
    own = {"seed": seed, **({"latent": latent} if model == BASELINE else {})}
    settings = load_settings(model, overrides={**study.size.settings.get(model, {}), **own})
    name = f"{model}-d{latent}-s{seed}" if model == BASELINE else f"{model}-s{seed}"
    return train(settings, data, study.path / "runs" / name, resume=True, quiet=study.quiet)


def _measured(
    study: StudyFolder, model: str, seed: int, run: RunDir, flows: Flows, data: ImageData
) -> dict[str, Any]:
    """A run's results.json, with the metrics of these flows, which are measured once.

    What the report draws goes into exhibits.npz and brackets.json in the folder of the flows.
    """
    latent, finished = flows.vae.latent, run.path / "results.json"
    drawn = run.path / f"d{latent}" / "exhibits.npz"
    if finished.exists() and drawn.exists():
        results: dict[str, Any] = json.loads(finished.read_text())
        if f"cover_{data.classes[0]}_d{latent}" in results["metrics"]:
            return results
    metrics, arrays = measure(flows, data)
    if latent == LATENTS[0]:
        metrics |= supervised(study, model, seed, flows, data)
        if model == OURS and flows.fields:
            more, brackets = measure_frame(flows, data, generator(seed, 4))
            metrics |= more
            write_json(drawn.with_name("brackets.json"), brackets)
    save_arrays(drawn, arrays)
    return write_results(run, data, metrics)


def supervised(
    study: StudyFolder, model: str, seed: int, flows: Flows, data: ImageData
) -> dict[str, Metric]:
    """Train and measure the map of 30 degrees, as published or ours, on a run's VAE."""
    torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, seed, 3))
    steps = study.size.map_steps
    with progress(f"supervised, {model}", study.quiet) as report:
        options: dict[str, Any] = {"random": generator(seed, 3), "report": report}
        if model == BASELINE:
            network = train_published_map(flows.vae, data.stream(12), steps=4 * steps, **options)
        else:
            network = train_step_map(flows.vae, data.stream(12), steps=steps, **options)
    return measure_map(flows, network, data)


def _joined(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Results of two latent dimensions as one; budgets of different runs add up."""
    budget = b["budget"]
    if a["metrics"].keys().isdisjoint(b["metrics"]):
        sums = {k: round(a["budget"][k] + budget[k], 2) for k in ("wall_s", "cpu_s")}
        extra = {k: v for k, v in a["budget"].items() if k not in budget}
        budget = {**budget, **extra, **sums}
    return {**b, "budget": budget, "metrics": a["metrics"] | b["metrics"]}


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
    baseline, ours = (m["metrics"] for m in comparison["models"])
    lines = []
    for key, text in (
        ("cover_1_d5", "turned part of a 1, d = 5, of 180 degrees"),
        ("cover_2_d5", "turned part of a 2, d = 5, of 360 degrees"),
        ("cover_2_d2", "turned part of a 2, d = 2, of 360 degrees"),
    ):
        if key in ours:
            beside = f" (baseline {baseline[key]['value']:.0f})" if key in baseline else ""
            lines.append(f"{text}: {ours[key]['value']:.0f} +- {ours[key]['error']:.0f}{beside}")
    of = comparison["false_discoveries"]
    lines.append(f"symmetries claimed in sets without one: {of['claims']} of {of['sets']}")
    if "lorentz" in comparison:
        value = comparison["lorentz"]["generated"]["value"]
        lines.append(
            f"generators found in particles of jets: {value['generators']:.0f}, "
            f"{100 * value['outside']:.2g} % outside the Lorentz algebra"
        )
    return lines


STUDY = Description("symmetry", SCALES, compare, headline, simulate=None)
