"""Training events that are drawn or simulated while a tagger learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import calovision as cv
from calovision.api.training import watched
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models.config import load_config
from calovision.models.taggers.settings import TaggerTraining
from calovision.models.taggers.sources import Fresh, SeenAgain, source_of
from calovision.models.train import train
from calovision.simulation.again import seen_again
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.fresh import fresh_chunk
from calovision.training.learner import Learner
from calovision.training.run import RunDir
from calovision.utils.interruption import Interrupted

SMALL = {"width": 16, "heads": 2, "hits": 16, "batch": 16, "validate_every": 4, "workers": 0}
CROPS: dict[str, Any] = {
    "hidden": 16,
    "batch": 16,
    "validate_every": 4,
    "epochs": 1,
    "workers": 0,
    "validation": 0.1,
}


@pytest.fixture(scope="module")
def jets() -> Events:
    return cv.simulate.jets(120, seed=71, particles=True, quiet=True).load()


@pytest.fixture(scope="module")
def store(jets: Events, tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    return save(jets, tmp_path_factory.mktemp("data") / "jets", provenance={})


def settings(task: str, **given: Any) -> TaggerTraining:
    config = load_config(task, overrides=given)
    assert isinstance(config, TaggerTraining)
    return config


def stopped_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next training interrupted before one of its steps."""
    learn = Learner.learn

    def learned(learner: Learner, batch: Any) -> None:
        if learner.step == step:
            raise KeyboardInterrupt
        learn(learner, batch)

    monkeypatch.setattr(Learner, "learn", learned)


def same(one: RunDir, two: RunDir) -> bool:
    first, second = load_file(one.weights), load_file(two.weights)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_a_jet_is_seen_again_as_the_set_sees_it(jets: Events) -> None:
    again = seen_again(jets, CMS_BARREL, np.arange(len(jets)), 1, 0)
    assert again.columns.keys() == jets.columns.keys()
    for name in ("label", "gen_pt", "gen_m0", "event_id", "eta"):
        assert np.array_equal(again.columns[name], jets.columns[name])
    change = again.counts().astype(float) - jets.counts()
    assert (np.abs(change).sum(1) > 0).all()
    assert (np.abs(change.mean(0)) < 5 * change.std(0) / np.sqrt(len(jets))).all()
    assert again.columns["pt"].min() > CMS_BARREL.jet_threshold
    assert np.corrcoef(again.columns["pt"], jets.columns["pt"])[0, 1] > 0.7
    assert abs(np.corrcoef(again.columns["n_pileup"], jets.columns["n_pileup"])[0, 1]) < 0.4


def test_an_image_depends_on_seed_epoch_and_event_alone(jets: Events) -> None:
    few = np.array([3, 50, 51])
    whole = seen_again(jets[:60], CMS_BARREL, np.arange(60), 1, 2)
    assert seen_again(jets[few], CMS_BARREL, few, 1, 2) == whole[few]
    for other in ((few, 1, 3), (few, 2, 2), (few + 1, 1, 2)):
        assert seen_again(jets[few], CMS_BARREL, *other) != whole[few]


def test_a_jet_that_is_never_accepted_keeps_its_image(jets: Events) -> None:
    never = CMS_BARREL._replace(jet_threshold=1e4)
    few = replace(jets[:5], particles=None)
    assert seen_again(jets[:5], never, np.arange(5), 1, 0) == few


def test_another_detector_and_no_particles_are_refused(
    jets: Events, store: EventStore, tmp_path: Path
) -> None:
    config, chosen = settings("jet-tagger", augment="detector"), np.arange(120)
    bare = save(replace(jets, particles=None), tmp_path / "bare", provenance={})
    with pytest.raises(InputError, match="do not keep their particles"):
        SeenAgain(config, bare, chosen)
    said = {"detector": CMS_BARREL._replace(pileup=60.0)._asdict()}
    other = save(jets, tmp_path / "other", provenance=said)
    with pytest.raises(InputError, match="another detector"):
        SeenAgain(config, other, chosen)
    assert source_of(config, store, chosen).anew


def test_every_epoch_draws_anew_and_workers_change_nothing(store: EventStore, jets: Events) -> None:
    chosen, some = np.arange(20, 100), np.arange(5, 15)
    config = settings("jet-tagger", augment="detector", seed=3)
    here = SeenAgain(config.model_copy(update={"workers": 0}), store, chosen)
    there = SeenAgain(config, store, chosen)
    expected = seen_again(jets[25:35], CMS_BARREL, np.arange(25, 35), 3, 1)
    assert here.read(some, 1) == expected
    there.ask(some, 1)
    assert there.read(some, 1) == expected
    there.close()
    assert here.read(some, 2) != expected
    assert here.plain(some) == jets[25:35]


def test_a_training_on_images_drawn_anew_goes_on(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings("jet-tagger", augment="detector", epochs=3, **SMALL)
    whole = train(config, store, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopped_at(8, patch)
        with pytest.raises(Interrupted):
            train(config, store, tmp_path / "part", quiet=True)
    part = train(config, store, tmp_path / "part", resume=True, quiet=True)
    assert same(whole, part)
    mirrors = train(
        settings("jet-tagger", epochs=3, **SMALL), store, tmp_path / "mirrors", quiet=True
    )
    assert not same(whole, mirrors)


def test_simulated_events_come_once_and_depend_on_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fresh, "chunk", 30)
    monkeypatch.setattr(Fresh, "most", 70)
    config = settings("egamma", simulate=300, **CROPS)
    place = watched(config, None, tmp_path / "run", True)
    assert place is not None
    assert len(place) == 50
    source = source_of(config, place, np.zeros(0, np.int64))
    order = source.order(len(source), 16, source.most, source.blocks, 1)
    numbers = [np.sort(order.batches(0, w), axis=None) for w in range(order.windows)]
    seen = np.concatenate(numbers)
    assert order.windows == 5
    assert np.array_equal(seen, np.arange(288))
    events = cv.concatenate([source.read(n, 0) for n in numbers])
    images = events.to_dense().reshape(len(events), -1)
    watching = place.load().to_dense().reshape(len(place), -1)
    assert len(np.unique(np.concatenate([images, watching]), axis=0)) == 288 + 50
    longer = source_of(config.model_copy(update={"simulate": 900}), place, seen)
    assert longer.read(np.arange(95, 110), 0) == events[95:110]


def test_a_training_on_simulated_events_goes_on_with_any_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fresh, "chunk", 30)
    monkeypatch.setattr(Fresh, "most", 70)
    config = settings("egamma", simulate=200, **CROPS)
    place = watched(config, None, tmp_path / "run", True)
    assert place is not None
    whole = train(config, place, tmp_path / "whole", quiet=True)
    assert whole.budget()["passes"] == pytest.approx(192 / 200)
    with monkeypatch.context() as patch:
        stopped_at(7, patch)
        with pytest.raises(Interrupted):
            train(config, place, tmp_path / "part", quiet=True)
    more = config.model_copy(update={"workers": 2})
    assert same(whole, train(more, place, tmp_path / "part", resume=True, quiet=True))


def test_one_call_trains_on_what_it_simulates(tmp_path: Path) -> None:
    out = tmp_path / "run"
    given: dict[str, Any] = {"hidden": 16, "workers": 0, "quiet": True}
    with pytest.warns(UserWarning, match="crop-net"):
        model = cv.train("egamma", simulate=40, batch=8, out=out, **given)
    assert model.config["simulate"] == 40
    assert model.budget["steps"] == 5
    assert len(cv.open(tmp_path / "run-events")) == 50
    with pytest.warns(UserWarning, match="crop-net"):
        cv.train(out=out, resume=True, quiet=True)
    with pytest.raises(InputError, match="simulate, and a set"):
        cv.train("egamma", tmp_path / "run-events", simulate=40, **given)
    with pytest.raises(InputError, match="come once"):
        cv.train("egamma", simulate=40, epochs=2, **given)


def test_one_command_begins_and_goes_on(tmp_path: Path) -> None:
    out, few = tmp_path / "run", ["--set", "hidden=16", "--set", "batch=8", "--workers", "0"]
    words = ["train", "egamma", "--simulate", "40", "--out", str(out), "--resume", *few]
    for _ in range(2):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    assert RunDir(out).budget()["steps"] == 5
    config = RunDir(out).describe()["config"]
    assert (config["simulate"], config["epochs"], config["workers"]) == (40, 1, 0)
    # a run says what it simulates, so that nothing need be said again, and workers may differ
    done = CliRunner().invoke(app, ["train", "--resume", str(out), "--workers", "2"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(
        app, ["train", "jet-vae", "--simulate", "40", "--out", str(out) + "2"]
    )
    assert done.exit_code != 0
    assert "there is no setting 'simulate'" in str(done.exception)


def test_chunks_of_jets_for_a_training_are_of_no_set() -> None:
    one, two = fresh_chunk(False, 1, 0, 4), fresh_chunk(False, 1, 1, 4)
    assert set(one.label.tolist()) == {0, 1}
    assert one == fresh_chunk(False, 1, 0, 4)
    gen = {*one.gen_pt.tolist(), *two.gen_pt.tolist()}
    assert len(gen) == 8
    assert not gen & set(cv.simulate.jets(4, seed=1, quiet=True).gen_pt.tolist())
