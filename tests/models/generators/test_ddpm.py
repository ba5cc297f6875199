from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES, Channel
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.ddpm import DDPMConfig, DDPMTask
from calovision.models.load import suitable

CONFIG = DDPMConfig(
    task="jet-generator",
    model="baseline",
    epochs=1,
    batch=16,
    learning_rate=1e-3,
    widths=[4, 6, 8],
    steps=6,
    bfloat16=False,
)
BLIND = (2 / np.pi) ** 0.5  #: mean absolute standard normal noise, the loss of predicting none


def fresh(train: Events, **changes: object) -> DDPMTask:
    torch.manual_seed(0)
    return DDPMTask.from_events(CONFIG.model_copy(update=changes), JET_IMAGES, train)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.fixture(scope="module")
def trained(toy_jets: Events) -> DDPMTask:
    task = fresh(toy_jets)
    task.loss(task.batch(toy_jets, np.arange(16)), generator())  # statistics of normalisation
    task.calibrate(toy_jets)
    return task.eval()


def same(one: Events, other: Events) -> bool:
    names = ("offsets", "cell", "code", "value")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def test_channels_that_may_be_negative_are_refused() -> None:
    time = Channel("time", signed=True)
    geometry = replace(JET_IMAGES, channels=(*JET_IMAGES.channels, time))
    with pytest.raises(InputError, match="'time' may be negative"):
        suitable(load_config("jet-generator", "baseline"), geometry)


def test_images_are_resized_and_globally_scaled(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    images, _ = task.batch(toy_jets, np.array([5, 1]))
    assert images.shape == (2, 3, 64, 64)
    assert images.min() == -1
    assert images.max() <= 1
    content = (images + 1) / 2 * float(toy_jets.value.max())
    # Towers are larger than the pixels that resizing leaves out.
    towers = toy_jets[[5, 1]].to_dense("image")[:, 2]
    np.testing.assert_allclose(content[:, 2].mean((1, 2)), towers.mean((1, 2)), rtol=0.1)
    np.testing.assert_allclose(content[:, 2, 32, 32], towers[:, 62, 62], atol=1e-5)


def test_loss_is_the_mean_absolute_error_of_the_noise(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    batch = task.batch(toy_jets, np.arange(16))
    with torch.no_grad():
        task.network.network.out.weight.zero_()
        task.network.network.out.bias.zero_()
    assert task.loss(batch, generator())["loss"].item() == pytest.approx(BLIND, abs=0.01)


def test_loss_depends_on_the_generator_alone(toy_jets: Events) -> None:
    task = fresh(toy_jets).eval()
    batch = task.batch(toy_jets, np.arange(4))
    one, again = (task.loss(batch, generator())["loss"].item() for _ in range(2))
    other = task.loss(batch, torch.Generator().manual_seed(2))["loss"].item()
    assert one == again != other


@pytest.mark.parametrize("bfloat16", [False, True])
def test_learns(toy_jets: Events, bfloat16: bool) -> None:
    task = fresh(toy_jets, widths=[8, 16], steps=300, bfloat16=bfloat16).train()
    optimizer = torch.optim.Adam(task.parameters(), 1e-2)
    batch = task.batch(task.dataset(toy_jets), np.arange(8))
    noise, losses = generator(), []
    for _ in range(40):
        optimizer.zero_grad()
        loss = task.loss(batch, noise)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < BLIND - 0.05


def test_sampled_occupancy_is_that_of_the_validation_jets(
    trained: DDPMTask, toy_jets: Events
) -> None:
    assert (trained.threshold > 0).all()
    got = generated(trained, 40, Request(), seed=3).counts().mean(0)
    # other images than the threshold was chosen on
    np.testing.assert_allclose(got, toy_jets.counts().mean(0), rtol=0.4)


def test_sampled_events_are_valid(trained: DDPMTask) -> None:
    events = generated(trained, 12, Request(), seed=1)
    assert len(events) == 12
    assert events.geometry == JET_IMAGES
    assert events.columns == {}
    assert events.n_hits.min() > 0
    key = events.owner * 10**6 + events.code.astype(int) * 10**5 + events.cell
    assert (np.diff(key) > 0).all()  # sorted, one hit a cell
    assert (events.value > 0).all()
    assert (events.value <= float(trained.maximum) * (1 + 1e-6)).all()
    assert set(events.code.tolist()) == {0, 1, 2}
    towers = events.cell[events.channel == 2].astype(int)
    assert (towers // 125 % 5 == 2).all()
    assert (towers % 125 % 5 == 2).all()


def test_events_depend_on_seed_and_chunk_alone(trained: DDPMTask) -> None:
    first = trained.sample(Request(), 1, 7, None)
    trained.sample(Request(), 0, 1, None)
    trained.train()
    assert same(trained.sample(Request(), 1, 7, None), first)
    assert trained.training
    trained.eval()
    assert same(generated(trained, 20, Request(), seed=7)[10:], first)
    assert not same(trained.sample(Request(), 0, 7, None), first)
    assert not same(trained.sample(Request(), 1, 8, None), first)


def test_restored_task_makes_the_same_events(trained: DDPMTask) -> None:
    again = DDPMTask.from_state(CONFIG, JET_IMAGES, trained.state_dict()).eval()
    assert same(again.sample(Request(), 0, 1, None), trained.sample(Request(), 0, 1, None))


@pytest.mark.parametrize("request_", [Request(label=1), Request(ranges={"pt": (100, 140)})])
def test_knows_no_conditions(trained: DDPMTask, request_: Request) -> None:
    with pytest.raises(InputError, match="unconditional"):
        trained.sample(request_, 0, 1, None)


def test_takes_all_its_steps(trained: DDPMTask) -> None:
    assert same(trained.sample(Request(), 0, 1, 6), trained.sample(Request(), 0, 1, None))
    with pytest.raises(InputError, match="6 steps, not 4"):
        trained.sample(Request(), 0, 1, 4)
