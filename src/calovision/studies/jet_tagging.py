"""The jet-tagging study: quark or gluon, ours beside the published GraphSAGE and other peers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.store import EventStore
from calovision.metrics.classification import auc_metric
from calovision.metrics.two_sample import tagger_auc
from calovision.metrics.value import Metric
from calovision.models.taggers.boosted_trees import TREES, tree_settings
from calovision.studies import tagger_runs, tagging_checks
from calovision.studies.runner import Description, StudyFolder, beside
from calovision.studies.tagger_runs import FLOOR, TRAIN_AND_SCORE, begun_with
from calovision.studies.trainings import Training
from calovision.training.parts import parts_of
from calovision.utils.files import write_json

OURS, BASELINE = "particle-transformer", "baseline"
NEW = f"{OURS}-new"  #: ours without the weights that come with the package
#: variants of the published baseline by the number of neighbours, as published
VARIANTS = {"baseline-k4": {"k": 4}, "baseline-k2": {"k": 2}}
PEERS = (BASELINE, "particlenet-lite", TREES)
#: peers with one seed, and how many times the common budget they get: some are slow
ONE_SEED = {"graphsage-xy": 1.0, "particlenet": 2.0, "resnet15": 2.0}
SCALED = (OURS, TREES)  #: models of the scaling curve
#: ours sees so many jets in a training, within these limits of epochs
JETS_SEEN, FEWEST_EPOCHS, MOST_EPOCHS = 150_000, 5, 40
#: what the ceiling is given: the generator-level jet, before pile-up and detector (GeV, rad)
TRUTH = ("gen_pt", "gen_m0", "gen_n", "gen_n_charged", "gen_girth", "gen_ptd")


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
        pretrained: whether ours begins with the model that comes with the package, since jets and
            time are too few for a network that begins from nothing, which then stands beside it.
    """

    training: int
    events: int
    test: int
    budget_s: float
    seeds: int
    protocol: int
    scaling: tuple[int, ...]
    checks: int
    pretrained: bool = False


SCALES = {
    "quick": Scale(3_000, 2_500, 2_000, 30, 1, 1_000, (500, 2_500), 500, pretrained=True),
    "standard": Scale(90_000, 20_000, 20_000, 300, 3, 8_000, (2_000, 8_000, 20_000, 80_000), 5_000),
    "full": Scale(
        560_000, 20_000, 20_000, 1_200, 3, 8_000, (2_000, 8_000, 20_000, 80_000, 500_000), 20_000
    ),
}


def plan(size: Scale, seed: int) -> dict[str, list[Training]]:
    """Every training of the study: of the comparison, the published protocol and the scaling."""

    def one(label: str, folder: str, number: int, **more: Any) -> Training:
        changes = VARIANTS.get(label, {}) | {"events": number, "test": 0.0, "seed": seed}
        if label in (OURS, NEW):
            changes["epochs"] = min(max(JETS_SEEN / number, FEWEST_EPOCHS), MOST_EPOCHS)
        model = OURS if label == NEW else BASELINE if label in VARIANTS else label
        return Training(label, model, folder, changes | {"budget_s": size.budget_s} | more)

    compared = [
        one(m, f"runs/{m}/seed-{seed + s}", size.events, seed=seed + s)
        for s in range(size.seeds)
        for m in (OURS, *PEERS)
    ]
    if size.pretrained:
        compared = [_fine(t) if t.label == OURS else t for t in compared]
        compared.append(one(NEW, f"runs/{NEW}/seed-{seed}", size.events))
    for label in (*ONE_SEED, *VARIANTS):
        time = size.budget_s * ONE_SEED.get(label, 1.0)
        compared.append(one(label, f"runs/{label}/seed-{seed}", size.events, budget_s=time))
    protocol = [one(m, f"protocol/{m}/seed-{seed}", size.protocol) for m in (OURS, BASELINE, TREES)]
    scaling = []
    for number in size.scaling:
        # Points that the comparison or the protocol has are not trained again. Larger sets may
        # take longer: the curve asks what data give, not what time gives.
        known = {size.events: "runs/{}/seed-{}", size.protocol: "protocol/{}/seed-{}"}
        folder = known.get(number, f"scaling/{{}}-{number}/seed-{{}}")
        time = size.budget_s * max(1.0, number / size.events)
        for m in SCALED:
            new = NEW if size.pretrained and (m, number) == (OURS, size.events) else m
            scaling.append(one(m, folder.format(new, seed), number, budget_s=time))
    return {"compared": compared, "protocol": protocol, "scaling": scaling}


def _fine(training: Training) -> Training:
    """The same, begun with the model that comes with the package; how long is fine-tuning's own."""
    settings = {k: v for k, v in training.settings.items() if k != "epochs"}
    return replace(training, settings=settings, pretrained=True)


def trainings(size: Scale, seed: int) -> list[Training]:
    """Those of the plan, each once."""
    every = (training for part in plan(size, seed).values() for training in part)
    return list({training.folder: training for training in every}.values())


def compare(study: StudyFolder) -> dict[str, Any]:
    """Measure all runs; write what the report shows besides comparison.json, which is returned."""
    planned = plan(study.size, study.seed)
    training, test, seed = study.training, study.test, study.seed
    models = tagger_runs.by_model(study, planned["compared"])
    protocol = tagger_runs.by_model(study, planned["protocol"])
    columns = {name: test.column(name) for name in ("label", "pt", "m0")}
    comparison = tagger_runs.compare(study, models, columns)
    trees = next(t for t in planned["compared"] if t.label == TREES)
    comparison["ceiling"] = ceiling(trees, training, test, seed).to_dict()
    comparison["protocol"] = [tagger_runs.results(m, test, seed) for m in protocol]
    rows = []
    for point in planned["scaling"]:
        runs = tagger_runs.read(point.label, [study.path / point.folder])
        auc = auc_metric(runs.probabilities[0], columns["label"], seed=seed)
        rows.append(
            {
                "model": point.label,
                "jets": point.settings["events"],
                "auc": auc.with_floor(FLOOR["auc"]).to_dict(),
                "wall_s": runs.runs[0].budget()["wall_s"],
            }
        )
    write_json(study.path / "scaling.json", {"rows": rows})
    tagging_checks.check(study)
    return comparison


def ceiling(trees: Training, training: EventStore, test: EventStore, seed: int) -> Metric:
    """AUC of boosted trees on :data:`TRUTH`, trained on the training jets of ``trees``.

    What a perfect detector without pile-up would add to the trees on observables; no bound on what
    the images allow, since the truth too is a few numbers a jet.
    """
    chosen = parts_of(training, tree_settings(trees.task, trees.settings))["train"]

    def truth(store: EventStore) -> NDArray[Any]:
        return np.stack([store.column(name) for name in TRUTH], axis=1)

    label = training.column("label")[chosen]
    return tagger_auc(truth(training)[chosen], label, truth(test), test.column("label"), seed=seed)


def headline(comparison: dict[str, Any]) -> list[str]:
    """The three numbers that matter, ours beside the baseline's."""

    def both(key: str, digits: int) -> str:
        return beside(comparison, key, OURS, {"baseline": BASELINE}, digits)

    return [
        f"quark/gluon AUC: {both('auc', 4)}",
        f"gluon rejection at 50 % quark efficiency: {both('rejection_50', 2)}",
        f"expected calibration error: {both('ece', 4)}",
        *begun_with(comparison, "jets"),
    ]


STUDY = Description(
    "jet-tagging", SCALES, compare, headline, trainings=trainings, steps=[TRAIN_AND_SCORE]
)
