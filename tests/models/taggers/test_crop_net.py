from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import save
from calovision.metrics.classification import auc
from calovision.models import MODELS
from calovision.models.classify import score
from calovision.models.config import load_config
from calovision.models.load import build, load_tagger
from calovision.models.taggers.crop_net import CropTask, mirrored, network_inputs
from calovision.models.train import train

SMALL = {"hidden": 16, "test": 0.0}


@pytest.fixture
def task(toy_crops: Events) -> CropTask:
    torch.manual_seed(1)
    config = load_config("egamma", overrides=SMALL)
    made = build(config, toy_crops.geometry, toy_crops)
    assert isinstance(made, CropTask)
    return made


def test_inputs_hold_what_the_crops_hold(task: CropTask, toy_crops: Events) -> None:
    chosen = np.array([3, 7, 9])
    share, time, numbers = (x.numpy() for x in task.inputs(task.prepare(toy_crops), chosen))
    dense = toy_crops[chosen].to_dense("gev").astype(np.float64)
    seen = slice(10, 22)  # six rows below the peak, five above
    energy = np.maximum(dense[:, 0], 0)
    total = energy.sum((1, 2))
    np.testing.assert_allclose(share, energy[:, seen] / total[:, None, None], atol=1e-6)
    around = dense[:, 1, 14:19, 14:19] * (energy[:, 14:19, 14:19] > 0)
    np.testing.assert_allclose(np.sinh(time) * 0.25, around, atol=1e-5)
    np.testing.assert_allclose(np.exp(numbers[:, 0]), total, rtol=1e-4)
    np.testing.assert_allclose(np.expm1(numbers[:, 1]), (energy > 0).sum((1, 2)), rtol=1e-4)
    outside = 1 - energy[:, seen].sum((1, 2)) / total
    np.testing.assert_allclose(numbers[:, 2], outside, atol=1e-5)


def test_a_mirror_leaves_the_hottest_crystal(toy_crops: Events) -> None:
    crops = torch.from_numpy(toy_crops[:5].to_dense())
    for axis in (2, 3):
        turned = mirrored(crops, axis)
        torch.testing.assert_close(turned[:, :, 16, 16], crops[:, :, 16, 16])
        torch.testing.assert_close(mirrored(turned, axis), crops)
    torch.testing.assert_close(mirrored(crops, 2)[:, :, 14], crops[:, :, 18])
    odd = torch.arange(5.0)[None, None, :, None]
    torch.testing.assert_close(mirrored(odd, 2).flatten(), torch.tensor([4.0, 3, 2, 1, 0]))


def test_training_sees_mirror_images_and_nothing_else(task: CropTask, toy_crops: Events) -> None:
    share, time, numbers = task.inputs(task.prepare(toy_crops), np.arange(40))
    turned, when, same = task.augment((share, time, numbers), torch.Generator().manual_seed(3))
    assert same is numbers

    def sides(image: torch.Tensor) -> list[torch.Tensor]:
        both = mirrored(mirrored(image, 1), 2)
        return [image, mirrored(image, 1), mirrored(image, 2), both]

    kinds = np.array([[torch.equal(turned[i], s[i]) for s in sides(share)] for i in range(40)])
    assert kinds.any(1).all()
    assert kinds.any(0).all()
    for side, image in enumerate(sides(time)):
        mine = np.flatnonzero(kinds[:, side] & (kinds.sum(1) == 1))
        assert torch.equal(when[mine], image[mine])


def test_validation_tells_the_auc(task: CropTask, toy_crops: Events) -> None:
    dataset = task.eval().dataset(toy_crops)
    parts = task.loss(task.batch(dataset, np.arange(len(toy_crops))), torch.Generator())
    assert float(parts["auc"].detach()) == pytest.approx(
        auc(task.logits(dataset), toy_crops.label), abs=1e-3
    )
    assert "auc" not in task.train().loss(task.batch(dataset, np.arange(8)), torch.Generator())


@pytest.mark.parametrize("model", MODELS["egamma"])
def test_goes_through_the_trainer_and_back(
    model: str, make_crops: Callable[..., Events], tmp_path: Path
) -> None:
    store = save(make_crops(120, 3), tmp_path / "crops", provenance={})
    settings = {"epochs": 2, "batch": 16} | (SMALL if model == "crop-net" else {})
    run = train(load_config("egamma", model, overrides=settings), store, tmp_path / "run")
    first, second = (score(load_tagger(run), store, quiet=True) for _ in range(2))
    assert np.array_equal(first.probability, second.probability)
    assert first.probability.std() > 0
    assert {"val_auc", "val_loss", "rate"} <= set(run.rows()[-1])
    cv.load_model(run.path).predict(store, out=tmp_path / "scores.csv")
    assert "electron_probability" in (tmp_path / "scores.csv").read_text().splitlines()[0]


def test_the_baseline_is_trained_as_published() -> None:
    config = load_config("egamma", "baseline")
    assert (config.optimiser, config.schedule, config.learning_rate) == ("adam", "plateau", 1e-3)
    assert (config.weight_decay, config.batch, config.epochs) == (1e-4, 64, 100)
    assert (config.validation, config.test, config.seed) == (0.2, 0.1, 42)


def test_jets_are_refused(make_jets: Callable[..., Events], tmp_path: Path) -> None:
    store = save(make_jets(60, 3), tmp_path / "jets", provenance={})
    with pytest.raises(InputError, match="simulate egamma"):
        train(load_config("egamma", overrides=SMALL), store, tmp_path / "run")


def test_hits_are_seen_as_dense_crops_are(task: CropTask, toy_crops: Events) -> None:
    events = toy_crops.keep(np.arange(len(toy_crops.cell)) % 3 > 0)  # also times without energy
    events.value[::7] *= -1
    chosen = np.array([60, 2, 2, 17])
    dense = torch.from_numpy(events[chosen].to_dense("gev")).float()
    for sparse, expected in zip(
        task.inputs(task.prepare(events), chosen), network_inputs(dense), strict=True
    ):
        torch.testing.assert_close(sparse, expected, atol=1e-5, rtol=1e-5)


def test_energies_alone_are_crops_without_times(toy_crops: Events, tmp_path: Path) -> None:
    energies = toy_crops.to_dense("gev")[:, :1]
    grid = cv.Geometry("energies", 32, 32, (cv.Channel("energy", gev_per_unit=50.0),), "crops")
    events = cv.from_images(energies, grid, label=toy_crops.label)
    alone = build(load_config("egamma", overrides=SMALL), grid, events)
    assert isinstance(alone, CropTask)
    without = toy_crops.keep(toy_crops.code == 0)
    both = build(load_config("egamma", overrides=SMALL), cv.EGAMMA_CROPS, without)
    assert isinstance(both, CropTask)
    chosen = np.array([5, 60])
    inputs = [
        task.inputs(task.prepare(x), chosen) for task, x in ((alone, events), (both, without))
    ]
    dense = torch.from_numpy(energies[chosen]).float()
    for one, other, graph in zip(*inputs, network_inputs(dense), strict=True):
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one, graph)
