"""The jet VAE study: ours and the published baseline on the same jets, with the same time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calovision.evaluation import judges as bench
from calovision.evaluation.evaluate import measure, results_of, told_apart, truth_floor
from calovision.events.events import Events
from calovision.metrics.bootstrap import Floats, paired_difference
from calovision.metrics.occupancy import occupancy_difference
from calovision.models.load import load_autoencoder
from calovision.models.reconstruct import reconstructions
from calovision.studies import artifacts
from calovision.studies.runner import Description, StudyFolder, beside, difference, differences
from calovision.studies.trainings import Training
from calovision.utils.files import write_json

OURS, BASELINE = "point", "baseline"
MODELS = (BASELINE, OURS)
#: compared although they are of networks that were trained apart
UNPAIRED = (bench.STRICTEST, *(j.metric for j in bench.JUDGES.values()), "probe_auc")


@dataclass(frozen=True)
class Scale:
    """Size of a study.

    Attributes:
        training: jets for training and validation.
        test: jets for the comparison, simulated with another seed.
        budget_s: wall-clock training time of every model.
        slow_events: test jets for the energy-mover distance and the image similarities.
        judges: who tell reconstructions from originals.
    """

    training: int
    test: int
    budget_s: float
    slow_events: int
    judges: tuple[str, ...] = tuple(bench.JUDGES)


SCALES = {
    "quick": Scale(3_000, 1_000, 70, 200, bench.QUICK),
    "standard": Scale(22_000, 10_000, 900, 1_000),
    "full": Scale(110_000, 20_000, 3_600, 2_000),
}


def compare(study: StudyFolder) -> dict[str, Any]:
    """Train both models, one after the other on all threads, and evaluate them."""
    settings = {"seed": study.seed, "budget_s": study.size.budget_s, "test": 0.0}
    runs = {
        m: study.train(Training(m, m, f"runs/{m}", settings, "jet-vae"), quiet=study.quiet)
        for m in MODELS
    }
    out, seed, test = study.path, study.seed, study.test
    events = test.load()
    floors = truth_floor(events, seed)
    rebuilt: dict[str, Events] = {}
    distances: dict[str, Floats] = {}
    results = {}
    for model, run in runs.items():
        task = load_autoencoder(run)
        rebuilt[model], latent = reconstructions(task, events, seed, study.quiet)
        metrics, distances[model] = measure(
            events, rebuilt[model], latent, seed, floors, study.size.slow_events
        )
        opinions = told_apart(events, rebuilt[model], seed, study.size.judges)
        metrics = bench.metrics_of(opinions) | metrics
        results[model] = results_of(run, test, len(events), seed, metrics)
        results[model] |= bench.reported(opinions)
        write_json(run.path / "results.json", results[model])
        if model == OURS:
            artifacts.save_latent(out, events, latent)
    paired = occupancy_difference(events, rebuilt[OURS], rebuilt[BASELINE], seed=seed)
    per_jet = [distances[m].sum(1) for m in (OURS, BASELINE)]
    paired["emd"] = paired_difference(*per_jet, seed=seed)
    rows = [
        difference(OURS, BASELINE, key, d["value"], d["error"])
        for key, d in ((key, metric.to_dict()) for key, metric in paired.items())
    ]
    unpaired = differences(results[OURS], results[BASELINE])
    rows += [row for row in unpaired if row["metric"] in UNPAIRED]
    artifacts.save_examples(out, events, rebuilt, seed)
    artifacts.save_distributions(out, events, rebuilt)
    artifacts.save_curves(out, runs)
    return {
        "models": list(results.values()),
        "differences": sorted(rows, key=lambda row: str(row["metric"])),
        "floor": floors,
    }


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""

    def both(key: str) -> str:
        return beside(comparison, key, OURS, {"baseline": BASELINE})

    return [
        f"occupancy F1 in ECAL, exact cell: {both('occupancy_f1_ecal')}",
        f"energy-mover distance, GeV a jet: {both('emd')}",
        f"AUC of the strictest judge of reconstructions and originals (0.5 is perfect):"
        f" {both(bench.STRICTEST)}",
    ]


STUDY = Description("jet-vae", SCALES, compare, headline)
