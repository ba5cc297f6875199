from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from calovision.errors import InputError
from calovision.events.digits import DigitSet
from calovision.models.symmetry.autoencoder import train_vae
from calovision.models.symmetry.data import ImageData, read_images
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.group_vae import PlaneTurn, new_group_vae
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.published import published_generators
from calovision.models.symmetry.runs import Flows, load_flows, load_space, save_flows, train
from calovision.models.symmetry.settings import (
    IsometrySettings,
    PublishedSettings,
    load_settings,
)
from calovision.models.symmetry.space import train_oracle, vae_space
from calovision.models.symmetry.supervised import train_published_map, train_step_map
from calovision.networks.image_vae import ConvVAE, ImageVAE
from calovision.training.run import RunDir
from calovision.utils.interruption import Interrupted

SHORT = {"vae_steps": 3, "oracle_steps": 3, "refine_steps": 2, "group_steps": 2, "points": 60}
SHORT |= {"components": 12}
PUBLISHED = {"epochs": 0.1, "oracle_steps": 3, "generator_steps": 3}


def ours(**changes: Any) -> IsometrySettings:
    return IsometrySettings(task="symmetry", model="isometry", **changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    rng = np.random.default_rng(0)
    images = np.zeros((30, 28, 28), np.uint8)
    for i, image in enumerate(images):
        image[5:20, 12 + i % 4 : 15 + i % 4] = rng.integers(150, 255)
        image[5:8, 12:20] = 255 * (i % 2)
    folder = tmp_path_factory.mktemp("digits") / "set"
    DigitSet(images, 1 + np.arange(30) % 2, np.arange(30) < 6, {"source": "test"}).save(folder)
    return read_images(folder)


def test_a_run_is_trained_once_and_comes_back(data: ImageData, tmp_path: Path) -> None:
    settings = load_settings(overrides={**SHORT, "seed": 3})
    run = train(settings, data, tmp_path / "run", quiet=True)
    vae, oracle = load_space(run, data)
    again = train(settings, data, tmp_path / "again", quiet=True)
    other, _ = load_space(again, data)
    x = data.test[0]
    torch.testing.assert_close(vae.mean(x), other.mean(x), atol=0, rtol=0)
    assert oracle(vae.mean(x)).shape == (6, 2)
    assert run.budget()["parameters"] > 10**6
    assert run.rows()
    before = run.weights.stat().st_mtime_ns
    train(settings, data, tmp_path / "run", resume=True, quiet=True)
    assert run.weights.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="already holds a run"):
        train(settings, data, tmp_path / "run", quiet=True)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (None, SHORT | {"vae_steps": 5, "oracle_steps": 4}),
        ("baseline", PUBLISHED | {"epochs": 3, "oracle_steps": 4}),
    ],
)
@pytest.mark.parametrize("call", [3, 7])
def test_an_interrupted_training_goes_on_exactly(
    data: ImageData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str | None,
    settings: dict[str, float],
    call: int,
) -> None:
    chosen = load_settings(model, overrides=settings)
    whole = train(chosen, data, tmp_path / "whole", quiet=True)
    encode, calls = ImageVAE.encode, 0
    convolved = ConvVAE.encode

    def interrupting(self: ImageVAE, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return (convolved if isinstance(self, ConvVAE) else encode)(self, x)

    with monkeypatch.context() as patch:
        for kind in (ImageVAE, ConvVAE):
            patch.setattr(kind, "encode", interrupting)
        with pytest.raises(Interrupted, match=r"at step \d of the (VAE|oracle); go on"):
            train(chosen, data, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    again = train(chosen, data, tmp_path / "run", resume=True, quiet=True)
    first, second = load_file(whole.weights), load_file(again.weights)
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_a_finished_vae_may_have_more_steps(data: ImageData, tmp_path: Path) -> None:
    short = load_settings("baseline", overrides=PUBLISHED)
    long = load_settings("baseline", overrides=PUBLISHED | {"epochs": 1})
    whole = train(long, data, tmp_path / "whole", quiet=True)
    train(short, data, tmp_path / "run", quiet=True)
    discover(tmp_path / "run", data, quiet=True)
    again = train(long, data, tmp_path / "run", resume=True, quiet=True)
    # The published VAE has one learning rate, so more epochs are as if asked for at once.
    first, second = load_file(whole.weights), load_file(again.weights)
    assert all(torch.equal(first[k], second[k]) for k in first if k.startswith("vae."))
    with pytest.raises(InputError, match="no flows"):
        load_flows(again, data, long.latent)
    with pytest.raises(InputError, match="ask for more"):
        train(short, data, tmp_path / "run", resume=True, quiet=True)
    with pytest.raises(InputError, match="latent is 5 there, not 2"):
        train(
            load_settings("baseline", overrides=PUBLISHED | {"latent": 2}),
            data,
            tmp_path / "run",
            resume=True,
            quiet=True,
        )


def test_nothing_is_found_where_nothing_was_learnt(data: ImageData, tmp_path: Path) -> None:
    train(load_settings(overrides=SHORT), data, tmp_path / "run", quiet=True)
    flows = discover(tmp_path / "run", data, quiet=True)
    assert not flows.about["found"]
    assert flows.about["verdict"].startswith("no symmetry found")
    assert flows.fields == ()
    assert load_flows(RunDir(tmp_path / "run"), data, 5).about == flows.about


@pytest.mark.parametrize(("latent", "number"), [(2, 1), (5, 4)])
def test_the_published_search(data: ImageData, tmp_path: Path, latent: int, number: int) -> None:
    settings = load_settings("baseline", overrides={**PUBLISHED, "latent": latent})
    train(settings, data, tmp_path / "run", quiet=True)
    flows = discover(tmp_path / "run", data, quiet=True)
    assert len(flows.fields) == number
    assert isinstance(flows.vae, ConvVAE)
    again = load_flows(RunDir(tmp_path / "run"), data, latent)
    z = torch.randn(4, latent)
    for a, b in zip(flows.fields, again.fields, strict=True):
        torch.testing.assert_close(a(z), b(z))
    with pytest.raises(InputError, match="no other latent dimension"):
        discover(tmp_path / "run", data, latent=3, quiet=True)


def test_other_data_and_other_tasks_are_refused(data: ImageData, tmp_path: Path) -> None:
    train(load_settings(overrides=SHORT), data, tmp_path / "run", quiet=True)
    other = ImageData(data.path, "other", data.classes, data.train, data.test)
    with pytest.raises(InputError, match="other data"):
        discover(tmp_path / "run", other, quiet=True)
    with pytest.raises(InputError, match="not a run directory"):
        discover(tmp_path, data, quiet=True)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("task: symmetry", "task: jet-vae"))
    with pytest.raises(InputError, match="run of task jet-vae"):
        discover(tmp_path / "run", data, quiet=True)


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="no model"):
        load_settings("nothing")
    with pytest.raises(InputError, match="bad configuration"):
        load_settings(overrides={"latnet": 3})
    assert load_settings().model == "isometry"


def test_flows_with_a_linear_action_come_back(data: ImageData, tmp_path: Path) -> None:
    run = train(load_settings(overrides=SHORT), data, tmp_path / "run", quiet=True)
    _, oracle = load_space(run, data)
    random = torch.Generator().manual_seed(0)
    matrix = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    basis = torch.linalg.qr(torch.randn(784, 2, generator=random))[0]
    action = LinearAction(matrix, basis)
    vae = new_group_vae(action, *data.train, 2, 5)
    about = {"found": True}
    save_flows(run.path / "d5", Flows(vae, oracle, (PlaneTurn(),), action, about))
    again = load_flows(run, data, 5)
    assert again.action is not None
    torch.testing.assert_close(again.action.matrix, matrix)
    z = torch.randn(3, 5)
    torch.testing.assert_close(again.fields[0](z), PlaneTurn()(z))
    x = data.test[0]
    torch.testing.assert_close(again.vae.mean(x), vae.mean(x))
    torch.testing.assert_close(again.vae.decode(z), vae.decode(z))
    assert json.loads((run.path / "d5" / "found.json").read_text()) == {"found": True}


def ring(latent: int) -> tuple[ImageVAE, LinearAction]:
    torch.manual_seed(0)
    action = LinearAction(torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.eye(9)[:, :2])
    return ImageVAE(9, latent, (32,)), action


class Hands:
    """Points of a circle among the first two of nine pixels."""

    def __call__(self, n: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        angle = 2 * math.pi * torch.rand(n, generator=random)
        x = torch.zeros(n, 9)
        x[:, 0], x[:, 1] = angle.cos(), angle.sin()
        return x.clamp(0, 1), torch.zeros(n, dtype=torch.long)


def test_training_lowers_its_losses() -> None:
    vae, _ = ring(2)
    random = torch.Generator().manual_seed(0)
    losses: list[dict[str, float]] = []
    train_vae(
        vae,
        Hands(),
        ours(vae_steps=101, batch=32),
        random=random,
        report=lambda _, found: losses.append(found),
    )
    assert losses[-1]["cross_entropy"] < 0.8 * losses[0]["cross_entropy"]


def test_a_turn_needs_two_numbers(data: ImageData, tmp_path: Path) -> None:
    train(load_settings(overrides=SHORT), data, tmp_path / "run", quiet=True)
    with pytest.raises(InputError, match="two latent numbers"):
        discover(tmp_path / "run", data, latent=1, quiet=True)


def test_published_generators_have_the_norm_that_is_asked_for() -> None:
    vae, _ = ring(3)
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(1)
    oracle = train_oracle(vae, Hands(), 2, ours(oracle_steps=5), random=random)
    space = vae_space(vae, oracle)
    settings = PublishedSettings(
        task="symmetry", model="baseline", generator_steps=200, generator_batch=32
    )
    fields = published_generators(space, Hands(), 2, settings, random=random)
    z, _ = space.draw(Hands(), 50, random, spread=0.0)
    for field in fields:
        assert float(field(z).norm(dim=1).mean()) == pytest.approx(1, abs=0.15)


def test_supervised_maps_run(data: ImageData) -> None:
    torch.manual_seed(0)
    vae = ImageVAE(784, 3, (32,))
    random = torch.Generator().manual_seed(0)
    stream = data.stream(12)
    for network in (
        train_published_map(vae, stream, steps=3, random=random, batch=16),
        train_step_map(vae, stream, steps=3, random=random, batch=16),
    ):
        assert network(torch.randn(4, 3)).shape == (4, 3)
