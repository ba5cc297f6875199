from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES
from calovision.models.autoencoders.point_batches import PointDataset, Scaling
from calovision.models.autoencoders.point_vae import PointVAETask
from calovision.models.config import load_config

POINTS = 250


def fresh(events: Events, points: int = POINTS) -> PointVAETask:
    torch.manual_seed(0)
    scaling = Scaling.fit(PointDataset.of(events, points), 3)
    sizes = {"beta": 0.1, "code": 32, "points": points, "width": 16}
    return PointVAETask(JET_IMAGES, load_config("jet-vae", overrides=sizes), scaling)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> PointVAETask:
    """A task trained for some steps: enough for the totals to be right."""
    found = fresh(toy_jets)
    dataset = found.dataset(toy_jets)
    optimizer = torch.optim.Adam(found.parameters(), 3e-3)
    for step in range(30):
        loss = found.loss(found.batch(dataset, np.arange(16) + 16 * (step % 4)), generator(step))
        optimizer.zero_grad()
        loss["loss"].backward()
        optimizer.step()
    return found.eval()


def test_every_parameter_gets_a_gradient(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    # one more pass after a step, since some layers start at zero and block what lies behind them
    for step in range(2):
        task.zero_grad()
        task.loss(task.batch(task.dataset(toy_jets), np.arange(16)), generator())["loss"].backward()
        if step == 0:
            torch.optim.SGD(task.parameters(), 1e-3).step()
    missing = [n for n, p in task.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert missing == []


def test_loss_is_determined_by_the_generator(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    batch = task.batch(task.dataset(toy_jets), np.arange(8))
    first, second, third = (float(task.loss(batch, generator(s))["loss"]) for s in (1, 1, 2))
    assert first == second
    assert first != third


def test_reconstruction_conserves_the_decoded_sums_and_counts(
    task: PointVAETask, toy_jets: Events
) -> None:
    dataset = task.dataset(toy_jets)
    rebuilt, latent = task.reconstruct(dataset, np.arange(64), generator())
    assert latent.shape == (64, task.latent_numbers)
    with torch.no_grad():
        described = task.network.decoder.describe(torch.from_numpy(latent[:, :32]))
    described = described * task.summary_std + task.summary_mean
    counts = (described[:, :3].exp() - 0.5).round()
    assert np.array_equal(rebuilt.counts(), counts.numpy())
    sums = described[:, 3:6].exp() - 1e-3
    assert np.allclose(rebuilt.sums(), sums.numpy(), rtol=1e-3)


def test_reconstruction_is_near_the_original(task: PointVAETask, toy_jets: Events) -> None:
    rebuilt, _ = task.reconstruct(task.dataset(toy_jets), np.arange(64), generator())

    def keys(events: Events) -> set[tuple[int, int, int]]:
        flat = (events.owner, events.code, events.cell)
        return set(zip(*(x.tolist() for x in flat), strict=True))

    true, made = keys(toy_jets), keys(rebuilt)
    assert len(true & made) / len(true) > 0.5
    assert np.abs(rebuilt.sums() / toy_jets.sums() - 1).mean() < 0.15


def test_reconstruction_does_not_depend_on_order_of_hits_or_padding(
    task: PointVAETask, toy_jets: Events
) -> None:
    dataset = task.dataset(toy_jets)
    _, together = task.reconstruct(dataset, np.arange(20), generator())
    _, alone = task.reconstruct(dataset, np.array([7]), generator())
    assert np.allclose(together[7], alone[0], atol=1e-4)


def test_empty_channels_and_empty_images_survive(task: PointVAETask, toy_jets: Events) -> None:
    few = toy_jets[:3]
    keep = ~((few.owner == 0) | ((few.owner == 1) & (few.channel == 2)))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(few.owner[keep], minlength=3))])
    bare = Events(
        few.geometry,
        offsets.astype(np.int64),
        few.cell[keep],
        few.code[keep],
        few.value[keep],
        few.columns,
    )
    dataset = task.dataset(bare)
    assert math.isfinite(float(task.loss(task.batch(dataset, np.arange(3)), generator())["loss"]))
    rebuilt, latent = task.reconstruct(dataset, np.arange(3), generator())
    assert len(rebuilt) == 3
    assert np.isfinite(rebuilt.value).all()
    assert np.isfinite(latent).all()


def test_hits_are_in_storage_order_and_positive(
    task: PointVAETask, make_jets: Callable[[int, int], Events]
) -> None:
    events = make_jets(10, 9)
    rebuilt, _ = task.reconstruct(task.dataset(events), np.arange(10), generator())
    key = (rebuilt.owner * 8 + rebuilt.code) * 2**16 + rebuilt.cell
    assert (np.diff(key) > 0).all()
    assert (rebuilt.value > 0).all()


def test_other_geometries_are_refused(task: PointVAETask) -> None:
    with pytest.raises(InputError, match="cms-jet-125"):
        task.check_geometry(EGAMMA_CROPS)
