from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import save
from calovision.metrics.value import Metric
from calovision.models.taggers.boosted_trees import TREES
from calovision.studies.runner import StudyFolder
from calovision.studies.tagger_runs import over_seeds, read, results, scored, train_and_score
from calovision.studies.trainings import Training
from calovision.training.run import RunDir

SMALL = {"hits": 12, "width": 16, "layers": 1, "epochs": 1, "batch": 16, "test": 0.0}


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]
) -> StudyFolder:
    folder = tmp_path_factory.mktemp("study")
    for name, number, seed in (("train", 300, 1), ("test", 100, 2)):
        save(make_jets(number, seed), folder / "data" / name, provenance={})
    return StudyFolder(folder, None, seed=1, workers=1, quiet=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "training",
    [
        Training("ours", "particle-transformer", "runs/ours", SMALL),
        Training("trees", TREES, "runs/trees", {"seed": 1, "test": 0.0, "events": 200}),
    ],
    ids=lambda training: training.label,
)
def test_a_training_leaves_its_scores(study: StudyFolder, training: Training) -> None:
    assert not scored(study, training)
    train_and_score(study, training)
    assert scored(study, training)
    found = read(training.label, [study.path / training.folder])
    assert found.probabilities.shape == (1, 100)
    assert ((found.probabilities > 0) & (found.probabilities < 1)).all()
    assert found.runs[0].budget()["wall_s"] > 0


def test_a_training_that_fails_has_no_scores(study: StudyFolder) -> None:
    bad = Training("ours", "particle-transformer", "runs/bad", SMALL | {"events": 10_000})
    with pytest.raises(InputError, match="training events"):
        train_and_score(study, bad)
    assert not scored(study, bad)


def test_errors_of_events_and_seeds_add_in_quadrature() -> None:
    combined = over_seeds([Metric(0.80, 0.003), Metric(0.82, 0.003), Metric(0.81, 0.003)])
    assert combined.value == pytest.approx(0.81)
    assert combined.error == pytest.approx(np.hypot(0.003, 0.01 / 3**0.5))
    alone = over_seeds([Metric(0.8, 0.003, "u", higher_is_better=False)])
    assert (alone.error, alone.unit, alone.higher_is_better) == (0.003, "u", False)


@pytest.mark.timeout(300)
def test_a_training_may_begin_with_the_model_of_the_package(
    study: StudyFolder, make_jets: Callable[..., Events], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = {"test": 0.0, "epochs": 0.2, "seed": 1}
    one = Training("ours", "particle-transformer", "runs/begun", begun, pretrained=True)
    train_and_score(study, one)
    runs = read("ours", [study.path / one.folder])
    found = results(runs, study.test, 1)
    shipped = cv.pretrained("jet-tagger").path
    first = RunDir(shipped).describe()["data"]["split"]["train"]
    assert found["begun_with"] == first > 10_000
    assert runs.runs[0].describe()["data"]["start"]["run"] == str(shipped)
    # no test event may be one that the model of the package has learned from
    seen = make_jets(40, 2)
    monkeypatch.setattr(
        "calovision.studies.tagger_runs.training_events", lambda run, store: seen.label >= 0
    )
    with pytest.raises(InputError, match="has learned from test events"):
        train_and_score(study, replace(one, folder="runs/known"))
    assert not (study.path / "runs/known/scores.npz").exists()
