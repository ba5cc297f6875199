"""Trainings on weighted events learn what they would from repeated ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.evaluation.evaluate import classified
from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.taggers.calibration import platt
from calovision.models.train import train
from calovision.training.task import Task, weighted_mean

Make = Callable[[int, int], Events]
SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("jet-vae", "point"): {"code": 8, "points": 20, "width": 8},
    ("jet-vae", "baseline"): {},
    ("jet-tagger", "particle-transformer"): {},
    ("jet-tagger", "baseline"): {},
    ("jet-tagger", "particlenet-lite"): {},
    ("jet-generator", "hits"): {"width": 8, "layers": 1, "heads": 2, "pixels": 5000},
    ("jet-generator", "baseline"): {"widths": [8, 8]},
    ("egamma", "crop-net"): {"hidden": 16},
}


def with_weights(events: Events, weights: Any) -> Events:
    return replace(events, columns=events.columns | {"weight": np.asarray(weights)})


def losses(task: Task, events: Events) -> dict[str, float]:
    batch = task.batch(task.dataset(events), np.arange(len(events)))
    torch.manual_seed(3)
    parts = task.loss(batch, torch.Generator().manual_seed(1))
    return {name: float(part.detach()) for name, part in parts.items()}


@pytest.mark.parametrize("kind", SMALL)
def test_the_loss_counts_events_by_their_weights(
    kind: tuple[str, str], toy_jets: Events, toy_crops: Events
) -> None:
    events = (toy_crops if kind[0] == "egamma" else toy_jets)[:6]
    events.columns["label"] = np.arange(6, dtype=np.int8) % 2
    config = load_config(kind[0], kind[1], overrides=SMALL[kind])
    found = {}
    for name, weights in (
        ("none", None),
        ("equal", np.full(6, 0.7)),
        ("uneven", [0.0, 3.0, 0.0, 1.0, 4.0, 2.0]),
        ("other unit", np.array([0.0, 3.0, 0.0, 1.0, 4.0, 2.0]) * 1e6),
    ):
        given = events if weights is None else with_weights(events, weights)
        torch.manual_seed(5)
        task = build(config, events.geometry, given).eval()
        found[name] = losses(task, given)
    assert found["equal"] == found["none"]
    for part, value in found["none"].items():
        assert found["other unit"][part] == pytest.approx(found["uneven"][part], rel=1e-5), part
        if part != "auc":  # of a few crops, all pairs may be right
            assert found["uneven"][part] != pytest.approx(value, rel=1e-7), part


def test_a_weighted_mean_is_that_of_repeated_values() -> None:
    values = torch.arange(12.0).reshape(4, 3)
    weight = torch.tensor([0.0, 1.0, 3.0, 0.0])
    expected = values[[1, 2, 2, 2]].mean()
    assert float(weighted_mean(values, weight)) == pytest.approx(float(expected))


def test_the_cross_entropy_of_a_tagger_is_that_of_repeated_crops(toy_crops: Events) -> None:
    count = np.random.default_rng(1).integers(0, 4, 40)
    crops, rows = toy_crops[:40], np.repeat(np.arange(40), count)
    config = load_config("egamma", "crop-net", overrides={"hidden": 16})
    task = build(config, crops.geometry, with_weights(crops, count)).eval()
    plain = task.loss(
        task.batch(task.dataset(crops[rows]), np.arange(len(rows))), torch.Generator()
    )
    weighted = with_weights(crops, count)
    found = task.loss(task.batch(task.dataset(weighted), np.arange(40)), torch.Generator())
    for name in ("loss", "auc"):
        assert float(found[name]) == pytest.approx(float(plain[name]), rel=1e-5), name


def test_calibration_is_that_of_repeated_events() -> None:
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(size=300), rng.integers(0, 2, 300).astype(float)
    count = rng.integers(0, 4, 300)
    repeated = platt(np.repeat(logits, count), np.repeat(labels, count))
    assert platt(logits, labels, 0.1 * count) == pytest.approx(repeated, rel=1e-4, abs=1e-4)
    assert platt(logits, labels, np.full(300, 2.0)) == pytest.approx(platt(logits, labels))
    assert platt(logits, labels, labels) == (1.0, 0.0)


@pytest.fixture(scope="module")
def crops(make_crops: Make) -> Events:
    """Crops of which electrons are harder, but for a fifth, of which photons are."""
    events = make_crops(900, 3)
    turned = np.arange(900) % 5 == 0
    hard = (events.label == 1) != turned
    events.value[hard[events.owner] & (events.channel == 0)] *= np.float32(3)
    events.columns["turned"] = turned
    return events


def test_a_tagger_learns_from_the_events_that_have_weight(crops: Events, tmp_path: Path) -> None:
    """With weights on a fifth of the crops, in which all is the other way round, it learns that."""
    turned = crops.columns["turned"]
    settings = {"epochs": 12, "batch": 60, "hidden": 16, "test": 0.4, "learning_rate": 3e-3}
    found = {}
    for name, weights in (
        ("none", None),
        ("equal", np.full(900, 3.0)),
        ("turned", np.where(turned, 1.0, 0.0)),
    ):
        events = crops if weights is None else with_weights(crops, weights)
        store = save(events, tmp_path / name, provenance={})
        config = load_config("egamma", "crop-net", overrides=settings)
        run = train(config, store, tmp_path / f"run-{name}", quiet=True)
        weights_file = run.weights.read_bytes()
        results = cv.load_model(run.path).evaluate(store).content if name != "turned" else None
        found[name] = weights_file, run, results
    assert found["equal"][0] == found["none"][0]
    plain, equal = (found[k][2]["metrics"] for k in ("none", "equal"))
    rate = "crops_per_s"
    assert {k: v for k, v in plain.items() if k != rate} == {
        k: v for k, v in equal.items() if k != rate
    }
    assert plain["auc"]["value"] > 0.6
    from calovision.models.load import load_tagger

    task = load_tagger(found["turned"][1])
    whole = classified(task, crops, 1, quiet=True)["auc"].value
    assert whole < 0.45
    weighted = with_weights(crops, np.where(turned, 0.3, 0.0))
    alone = classified(task, crops[turned], 1, quiet=True)
    for key, metric in classified(task, weighted, 1, quiet=True).items():
        if key != rate:
            assert metric.value == pytest.approx(alone[key].value), key


@pytest.mark.parametrize("task", ["jet-tagger", "jet-vae", "jet-generator"])
def test_negative_weights_are_refused_in_training(
    task: str, make_jets: Make, tmp_path: Path
) -> None:
    weights = np.ones(300)
    weights[[40, 70]] = -0.25
    store = save(with_weights(make_jets(300, 1), weights), tmp_path / "jets", provenance={})
    with pytest.raises(InputError, match=r"negative, the first is -0.25 of event \d0"):
        train(load_config(task, overrides={"test": 0.0}), store, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["jet-tagger", "egamma"])
@pytest.mark.parametrize(
    ("label", "words"),
    [
        (np.arange(300) % 3, "the labels are 0 ("),
        (np.ones(300), "all labels are 1"),
        (np.where(np.arange(300) % 2, 1, 0.5), "0.5 ("),
        (None, "have no labels (their columns: "),
    ],
)
def test_labels_are_named_at_the_front_door(
    task: str,
    label: np.ndarray | None,
    words: str,
    make_jets: Make,
    make_crops: Make,
    tmp_path: Path,
) -> None:
    events = make_jets(300, 1) if task == "jet-tagger" else make_crops(300, 1)
    columns = {"pt": np.ones(300)} if label is None else {"label": label}
    save(replace(events, columns=columns), tmp_path / "set", provenance={})
    command = ["train", task, "--data", str(tmp_path / "set"), "--out", str(tmp_path / "run")]
    failed = CliRunner().invoke(app, command)
    assert isinstance(failed.exception, InputError)
    assert words in str(failed.exception)
    classes = "0 (gluon) and 1 (quark)" if task == "jet-tagger" else "0 (photon) and 1 (electron)"
    assert classes in str(failed.exception)
