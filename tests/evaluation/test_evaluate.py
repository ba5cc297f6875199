from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.evaluation.evaluate import cross_fitted, measure, told_apart, truth_floor
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.metrics.value import Metric
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.training.run import RunDir

SMALL = {"code": 32, "points": 60, "width": 8, "epochs": 2, "batch": 16, "test": 0.4}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(600, 5), tmp_path_factory.mktemp("data") / "jets", provenance={})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, store: EventStore) -> RunDir:
    out = tmp_path_factory.mktemp("runs") / "point"
    return train(load_config("jet-vae", overrides=SMALL), store, out, quiet=True)


def test_results_have_the_promised_form_and_leave_training_events_out(
    run: RunDir, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import calovision.evaluation.evaluate as evaluation

    monkeypatch.setattr(evaluation, "SLOW_EVENTS", 10)
    results = cv.load_model(run.path).evaluate(store, judges="trees,patterns").content
    assert results["task"] == "jet-vae"
    assert results["model"] == "point"
    assert results["data"]["events"] == run.describe()["data"]["split"]["test"]
    assert results["data"]["training_events"] == 600 - results["data"]["events"]
    assert results["data"]["repeated_events"] == 0
    assert results["data"]["hash"] == store.hash
    for metric in results["metrics"].values():
        assert set(metric) == {"value", "error", "unit", "floor", "higher_is_better"}
    promised = {"occupancy_f1_track", "response_ecal", "resolution_hcal", "emd", "psnr", "ssim"}
    promised |= {"classifier_auc_strictest", "classifier_auc", "classifier_auc_patterns"}
    promised |= {"probe_auc", "tagger_auc"}
    assert results["strictest"] in results["judges"]
    assert promised <= results["metrics"].keys()
    assert results["metrics"]["w1_n_hit_ecal"]["floor"] > 0
    assert (run.path / "results.json").exists()


def test_too_few_unseen_events_are_refused(
    run: RunDir, make_jets: Callable[..., Events], tmp_path_factory: pytest.TempPathFactory
) -> None:
    few = save(make_jets(20, 8), tmp_path_factory.mktemp("few") / "jets", provenance={})
    with pytest.raises(InputError, match="200"):
        cv.load_model(run.path).evaluate(few)


def test_a_perfect_copy_is_perfect_and_indistinguishable(make_jets: Callable[..., Events]) -> None:
    events = make_jets(300, 7)
    latent = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    metrics, distances = measure(events, events, latent, 1, truth_floor(events, 1), 20)
    assert metrics["occupancy_f1_ecal"].value == 1
    assert metrics["response_hcal"].value == pytest.approx(1)
    assert (distances == 0).all()
    (told,) = told_apart(events, events, 1, "trees").values()
    assert abs(told.verdict.auc.value - 0.5) < 0.06
    assert metrics["probe_auc"].value < 0.65


def test_cross_fitting_tests_every_event_once_on_a_model_that_has_not_seen_it() -> None:
    features, labels = np.arange(50)[:, None], np.zeros(50, int)
    tested: list[int] = []

    def score(
        train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int
    ) -> Metric:
        seen = set(train[0][:, 0].tolist())
        new = test[0][:, 0].tolist()
        assert not seen & set(new)
        assert len(seen) + len(new) == 50
        tested.extend(new)
        return Metric(float(len(tested)), 0.1)

    total = cross_fitted(score, features, labels, seed=3)
    assert sorted(tested) == list(range(50))
    assert total.value == 30
    assert total.error == pytest.approx(0.1 / np.sqrt(5))
