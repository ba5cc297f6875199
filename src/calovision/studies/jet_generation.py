"""The jet-generation study: jets by our cascade beside the published diffusion model's."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calovision.errors import InputError
from calovision.evaluation.c2st import METRIC, likeness
from calovision.evaluation.compare import compare
from calovision.evaluation.evaluate import results_of
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.models.config import load_config
from calovision.models.generate import generate
from calovision.models.generators.base import GeneratorTask
from calovision.models.generators.request import Request
from calovision.models.load import load_generator
from calovision.models.train import train as run_training
from calovision.simulation.driver import jets
from calovision.simulation.egamma.driver import ENGINES
from calovision.simulation.egamma.particles import draw
from calovision.studies import generation_checks
from calovision.studies.folder import begin, conclude, train_on
from calovision.studies.jobs import Job, each
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.files import write_json

TASK = "jet-generator"
OURS, FAST, BASELINE = "cascade", "cascade-fast", "baseline"
ALL = "cascade-all"  #: ours, no event left out
SAMPLES = {OURS: (OURS, ALL), FAST: (FAST,), BASELINE: (BASELINE,)}  #: what each model makes
TIMED = 1000  #: jets whose simulation is timed, on one thread
GEANT4 = "Geant4: one photon or electron, pt 50 GeV"  #: in the table of costs
SHOWERS = 20  #: of Geant4 that are timed
LEAST_S = 10.0  #: generation is timed, chunk by chunk, for at least so many seconds


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: jets simulated for training and validation.
        test: jets for the comparison, simulated with another seed: one half against the generated
            ones, and against the other half, which is the floor.
        budget_s: training time of every model, on one thread.
        baseline: images drawn from the published diffusion model, which is slow.
        widths: of its U-Net; as published, but for a quick look.
    """

    training: int
    test: int
    budget_s: float
    baseline: int
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024)


SCALES = {
    "quick": Scale(3_000, 2_000, 60, 100, (8, 16, 32)),
    "standard": Scale(90_000, 40_000, 1_800, 100),
    "full": Scale(200_000, 40_000, 3_600, 1_000),
}


def study(
    out: Path, *, scale: str, seed: int = 1, workers: int = 2, quiet: bool = False
) -> tuple[dict[str, Any], Path, list[str]]:
    """Simulate, train, generate and compare in ``out``; finished steps are not done again.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    out = Path(out)
    size, training, test = begin(
        "jet-generation", out, SCALES, scale, seed=seed, workers=workers, quiet=quiet
    )
    numbers = {OURS: size.test // 2, FAST: size.test // 2, BASELINE: size.baseline}
    settings: dict[str, Any] = {"seed": seed, "budget_s": size.budget_s, "test": 0.0}
    extra: dict[str, dict[str, Any]] = {BASELINE: {"widths": list(size.widths)}}
    jobs = [Job(m, m, f"runs/{m}", settings | extra.get(m, {})) for m in (BASELINE, OURS, FAST)]
    each(partial(_made, training.path, out, numbers), jobs, workers=workers, quiet=quiet)
    judged = partial(_judged, training.path, test.path, out, size.test // 2)
    each(judged, jobs, workers=workers, quiet=quiet, doing="judge")

    def compare() -> dict[str, Any]:
        comparison = gathered(out, test, scale=scale, seed=seed)
        ours, student = (RunDir(out / "runs" / model) for model in (OURS, FAST))
        generation_checks.check(out, ours, student, test, seed=seed)
        write_json(out / "costs.json", {"rows": costs(comparison["models"], seed)})
        return comparison

    return conclude(out, compare, headline)


def train(
    events: Events | EventStore, model: str = OURS, *, out: str | Path, **settings: Any
) -> RunDir:
    """Train one generator; see :func:`~calovision.studies.folder.train_on`."""
    return train_on(TASK, events, model, out, settings)


def _made(training: Path, out: Path, numbers: dict[str, int], job: Job) -> None:
    """Train one model, and generate with it."""
    config = load_config(TASK, job.model, overrides=job.overrides)
    run = run_training(config, EventStore.open(training), out / job.folder, resume=True, quiet=True)
    for sample in SAMPLES[job.label]:
        made = out / "generated" / sample
        if not (made / "manifest.json").exists():
            how = {"seed": job.overrides["seed"], "keep_all": sample == ALL}
            task = load_generator(run)
            generate(made, run, task, numbers[job.label], Request(), quiet=True, **how)


def _judged(training: Path, test: Path, out: Path, half: int, job: Job) -> None:
    """Compare the jets of one model with simulated ones, into results.json of each sample."""
    run, seed = RunDir(out / job.folder), job.overrides["seed"]
    truth = EventStore.open(test)
    for sample in SAMPLES[job.label]:
        if _results(out, sample).exists():
            continue
        store, jets = EventStore.open(out / "generated" / sample), truth[:half]
        made = store.load()
        told = {}
        if sample != BASELINE:  # which has too few jets to train a network on
            folder = out / "likeness" / sample
            told[METRIC] = likeness(jets, made, folder, seed=seed)
        seen = EventStore.open(training).load()
        found = compare(jets, made, floor=truth[half : 2 * half], training=seen, seed=seed)
        result = results_of(run, truth, len(store), seed, {}) | {"model": sample}
        result |= {"metrics": found["metrics"] | told, "classes": found["classes"]}
        write_json(_results(out, sample), result)


def _results(out: Path, sample: str) -> Path:
    """Where the results of a sample are: in the run, but for a further sample of it."""
    if sample in SAMPLES:
        return out / "runs" / sample / "results.json"
    return out / "generated" / f"{sample}.json"


def gathered(out: Path, test: EventStore, *, scale: str, seed: int) -> dict[str, Any]:
    """The content of comparison.json: what was found of every model, and how fast it is."""
    results = []
    for model, samples in SAMPLES.items():
        for sample in samples:
            result = json.loads(_results(out, sample).read_text())
            task = load_generator(RunDir(out / "runs" / model), "cpu")
            if sample == ALL:
                task.keep_all()
            # One after the other, with nothing else running: rates compare.
            result["metrics"]["jets_per_s"] = rate(task, seed).to_dict()
            results.append(result)
    metrics = results[0]["metrics"]
    curves = {m: RunDir(out / "runs" / m).rows() for m in SAMPLES}
    write_json(out / "curves.json", curves)
    return {
        "study": "jet-generation",
        "scale": scale,
        "models": results,
        "differences": differences(results),
        "floor": {k: m["floor"] for k, m in metrics.items() if m.get("floor") is not None},
    }


def rate(task: GeneratorTask, seed: int) -> Metric:
    """Jets generated per second on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    task.eval()
    try:
        chunks, begun = 1, time.perf_counter()
        task.sample(Request(), 0, seed, None)
        if (wall := time.perf_counter() - begun) < LEAST_S:
            # The first one compiled what must be compiled, and does not count.
            chunks, begun = 0, time.perf_counter()
            while (wall := time.perf_counter() - begun) < LEAST_S:
                chunks += 1
                task.sample(Request(), chunks, seed, None)
    finally:
        torch.set_num_threads(threads)
    return definition("jets_per_s").measured(chunks * task.chunk / wall, 0.0)


def costs(results: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Jets per second on one core of the simulation and of every generator, without their starts.

    Where Geant4 is installed, its showers per second too: a jet holds tens of them.
    """
    jets(TIMED // 10, seed=seed, workers=1)  # compiles what must be compiled
    begun = time.perf_counter()
    simulated = jets(TIMED, seed=seed, workers=1)
    rate = len(simulated) / (time.perf_counter() - begun)
    rows = [{"what": "simulation", "jets_per_s": rate, "speedup": 1.0}]
    for result in results:
        own = result["metrics"]["jets_per_s"]["value"]
        rows.append({"what": result["model"], "jets_per_s": own, "speedup": own / rate})
    showers = _geant4_rate(seed)
    if showers is not None:
        rows.append({"what": GEANT4, "jets_per_s": showers, "speedup": showers / rate})
    return rows


def _geant4_rate(seed: int) -> float | None:
    """Single showers a second of Geant4, its start included; None where it is not installed."""
    engine = ENGINES["geant4"]
    try:
        engine.check()
    except InputError:
        return None
    particles = draw(SHOWERS // 2, SHOWERS // 2, streams.rng(streams.Stream.SHOWERS, seed))
    begun = time.perf_counter()
    engine.showers(particles, seed, math.inf)
    return SHOWERS / (time.perf_counter() - begun)


def differences(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ours minus every other model, for all metrics that both have; errors in quadrature."""
    ours, *others = results
    rows = []
    for other in others:
        for key, metric in ours["metrics"].items():
            against = other["metrics"].get(key)
            if against is None or key == "jets_per_s":
                continue
            value = metric["value"] - against["value"]
            error = float(np.hypot(metric["error"], against["error"]))
            pair = {"a": ours["model"], "b": other["model"], "metric": key}
            rows.append(pair | {"value": value, "error": error})
    return rows


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""
    by_model = {r["model"]: r["metrics"] for r in comparison["models"]}

    def pair(key: str) -> str:
        parts = [
            f"{m[key]['value']:.3f} +- {m[key]['error']:.3f}"
            for m in (by_model[OURS], by_model[BASELINE])
        ]
        return f"{parts[0]} (baseline {parts[1]})"

    rates = [by_model[m]["jets_per_s"]["value"] for m in (OURS, FAST, BASELINE)]
    return [
        f"simulated or generated, AUC of boosted trees: {pair('classifier_auc')}; 0.5 is perfect",
        f"the same of a network on hits: {pair('classifier_auc_hits')}",
        f"jets a second on one core: {rates[0]:.0f}, the student {rates[1]:.0f}"
        f" (baseline {rates[2]:.2g})",
    ]
