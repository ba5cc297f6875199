from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from calovision.events import EGAMMA_CROPS, JET_IMAGES, Events
from calovision.models.taggers.resnet import ImageTask


def fresh(train: Events, bfloat16: bool = False) -> ImageTask:
    torch.manual_seed(0)
    settings = SimpleNamespace(dropout=0.5, bfloat16=bfloat16)
    return ImageTask.from_events(settings, train.geometry, train)


def test_images_are_raw(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    (images,) = task.inputs(task.prepare(toy_jets), np.array([5, 1]))
    np.testing.assert_array_equal(images, toy_jets[[5, 1]].to_dense("image"))
    assert task.geometry == JET_IMAGES


@pytest.mark.parametrize("bfloat16", [False, True])
def test_learns_crops(toy_crops: Events, bfloat16: bool) -> None:
    task = fresh(toy_crops, bfloat16).train()
    assert task.geometry == EGAMMA_CROPS
    optimizer = torch.optim.Adam(task.parameters(), 3e-3)
    batch = task.batch(task.dataset(toy_crops), np.arange(24))
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = task.loss(batch, torch.Generator())["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < losses[0] - 0.1


def test_half_precision_leaves_distinct_logits(toy_crops: Events) -> None:
    full, half = fresh(toy_crops), fresh(toy_crops, bfloat16=True)
    a, b = (task.logits(task.dataset(toy_crops)) for task in (full, half))
    assert len(np.unique(b)) == len(b)
    assert 0 < np.abs(a - b).max() < 0.05
