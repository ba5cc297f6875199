"""The jet-generation study: jets of our generators beside the published diffusion model's."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from calovision.api import simulate
from calovision.errors import InputError
from calovision.evaluation import judges as bench
from calovision.evaluation.compare import compare as compare_sets
from calovision.evaluation.evaluate import results_of
from calovision.events.store import EventStore
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.models.generate import generate
from calovision.models.generators.base import GeneratorTask, Request
from calovision.models.load import load_generator
from calovision.simulation.driver import simulate_jets
from calovision.simulation.egamma.driver import ENGINES
from calovision.simulation.egamma.particles import draw
from calovision.studies import generation_checks
from calovision.studies.artifacts import save_curves
from calovision.studies.runner import Description, Step, StudyFolder, beside, differences
from calovision.studies.trainings import Training
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.files import write_json

#: ours, the same with small networks, ours for any images, and the published one
OURS, FAST, IMAGES, BASELINE = "particles", "particles-small", "hits", "baseline"
SIMULATED_JETS = 1000  #: whose simulation is timed, on one thread
GEANT4 = "Geant4: one photon or electron, pt 50 GeV"  #: in the table of costs
GEANT4_SHOWERS = 20  #: that are timed
TIMED_S = 10.0  #: generation is timed, chunk by chunk, for at least so many seconds


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
        judges: who tell generated jets from simulated ones.
    """

    training: int
    test: int
    budget_s: float
    baseline: int
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024)
    judges: tuple[str, ...] = tuple(bench.JUDGES)


SCALES = {
    "quick": Scale(3_000, 2_000, 60, 100, (8, 16, 32), bench.QUICK),
    "standard": Scale(90_000, 40_000, 1_800, 100),
    "full": Scale(200_000, 40_000, 3_600, 1_000),
}


def trainings(size: Scale, seed: int) -> list[Training]:
    """The models, the slowest first."""
    settings = {"seed": seed, "budget_s": size.budget_s, "test": 0.0}
    of_model = {BASELINE: {"widths": list(size.widths)}, IMAGES: {}, OURS: {}, FAST: {}}
    return [
        Training(model, model, f"runs/{model}", settings | more, "jet-generator")
        for model, more in of_model.items()
    ]


def train_and_generate(study: StudyFolder, training: Training) -> None:
    """Train one model, and generate its jets."""
    run, model = study.train(training), training.label
    number = study.size.baseline if model == BASELINE else study.size.test // 2
    if not generated(study, training):
        made = study.path / "generated" / model
        generate(made, run, load_generator(run), number, Request(), seed=study.seed, quiet=True)


def generated(study: StudyFolder, training: Training) -> bool:
    """Whether :func:`train_and_generate` has finished."""
    return (study.path / "generated" / training.label / "manifest.json").exists()


def judge(study: StudyFolder, training: Training) -> None:
    """Compare the jets of one model with simulated ones, into results.json of its run."""
    run, seed, half = RunDir(study.path / training.folder), study.seed, study.size.test // 2
    truth, model = study.test, training.label
    made = EventStore.open(study.path / "generated" / model).load()
    found = compare_sets(
        truth[:half],
        made,
        floor=truth[half : 2 * half],
        training=study.training.load(),
        seed=seed,
        # Of the baseline there are too few jets to train a network on.
        judges=study.size.judges if model != BASELINE else bench.QUICK,
        slow_events=half,
    )
    result = results_of(run, truth, len(made), seed, {}) | {"model": model}
    kept = ("metrics", "classes", "judges", "strictest", "weights")
    write_json(run.path / "results.json", result | {k: found[k] for k in kept})


def judged(study: StudyFolder, training: Training) -> bool:
    """Whether :func:`judge` has finished."""
    return (study.path / training.folder / "results.json").exists()


def compare(study: StudyFolder) -> dict[str, Any]:
    """Gather what was found of every model, and measure how fast and how steerable they are."""
    models = (OURS, FAST, IMAGES, BASELINE)
    runs = {model: RunDir(study.path / "runs" / model) for model in models}
    results = [json.loads((run.path / "results.json").read_text()) for run in runs.values()]
    # Before any is timed: a metric of speed has no difference.
    ours, *others = results
    rows = [row for other in others for row in differences(ours, other)]
    for result in results:
        task = load_generator(runs[result["model"]], "cpu")
        # One after the other, with nothing else running: rates compare.
        result["metrics"]["jets_per_s"] = rate(task, study.seed).to_dict()
    save_curves(study.path, runs)
    generation_checks.check(study, OURS)
    write_json(study.path / "costs.json", {"rows": costs(results, study.seed)})
    floors = {key: metric.get("floor") for key, metric in ours["metrics"].items()}
    return {
        "models": results,
        "differences": rows,
        "floor": {key: floor for key, floor in floors.items() if floor is not None},
    }


def rate(task: GeneratorTask, seed: int) -> Metric:
    """Jets generated per second on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    task.eval()
    try:
        chunks, begun = 1, time.perf_counter()
        task.sample(Request(), 0, seed, None)
        if (wall := time.perf_counter() - begun) < TIMED_S:
            # The first one compiled what must be compiled, and does not count.
            chunks, begun = 0, time.perf_counter()
            while (wall := time.perf_counter() - begun) < TIMED_S:
                chunks += 1
                task.sample(Request(), chunks, seed, None)
    finally:
        torch.set_num_threads(threads)
    return definition("jets_per_s").measured(chunks * task.chunk / wall, 0.0)


def costs(results: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Jets per second on one core of the simulation and of every generator, without their starts.

    Where Geant4 is installed, its showers per second too: a jet holds tens of them.
    """
    simulate.jets(SIMULATED_JETS // 10, seed=seed, quiet=True)  # compiles what must be compiled
    begun = time.perf_counter()
    simulated = simulate.jets(SIMULATED_JETS, seed=seed, quiet=True)
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
    particles = draw(
        GEANT4_SHOWERS // 2, GEANT4_SHOWERS // 2, streams.rng(streams.Stream.SHOWERS, seed)
    )
    begun = time.perf_counter()
    engine.showers(particles, seed, math.inf)
    return GEANT4_SHOWERS / (time.perf_counter() - begun)


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""
    told = beside(comparison, bench.STRICTEST, OURS, {"baseline": BASELINE})
    judge = next(r["strictest"] for r in comparison["models"] if r["model"] == OURS)
    rates = {r["model"]: r["metrics"]["jets_per_s"]["value"] for r in comparison["models"]}
    return [
        f"simulated or generated, AUC of the strictest judge: {told}; 0.5 is perfect",
        f"the strictest judge of ours: {judge}, of {', '.join(bench.JUDGES)}",
        f"jets a second on one core: {rates[OURS]:.0f}, with small networks {rates[FAST]:.0f}"
        f" (baseline {rates[BASELINE]:.2g})",
    ]


STUDY = Description(
    "jet-generation",
    SCALES,
    compare,
    headline,
    simulate=partial(simulate_jets, particles=True),
    trainings=trainings,
    steps=[Step("train", train_and_generate, generated), Step("judge", judge, judged)],
)
