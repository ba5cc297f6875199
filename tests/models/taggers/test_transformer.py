from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.models.config import load_config
from calovision.models.taggers.transformer import TransformerTask


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> TransformerTask:
    torch.manual_seed(0)
    config = load_config("jet-tagger", overrides={"hits": 20, "width": 16})
    return TransformerTask.from_events(config, JET_IMAGES, toy_jets)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_summaries_are_in_standard_units(task: TransformerTask, toy_jets: Events) -> None:
    data = task.prepare(toy_jets)
    assert np.allclose(data.context.mean(0), 0, atol=1e-3)
    assert (data.context.std(0) < 1.01).all()


def test_mirrors_turn_positions_and_features_alike(task: TransformerTask, toy_jets: Events) -> None:
    dataset = task.dataset(toy_jets)
    inputs = task.inputs(dataset.data, np.arange(len(dataset)))
    mirrored = task.augment(inputs, generator())
    assert torch.equal(mirrored[0][..., :2], mirrored[1] * mirrored[2][..., None])
    assert torch.equal(mirrored[1].abs(), inputs[1].abs())
    signs = {tuple(s) for s in torch.sign(mirrored[1] * inputs[1]).amax(1).int().tolist()}
    assert len(signs) > 1
    assert torch.equal(mirrored[0][..., 2:], inputs[0][..., 2:])


def test_mirrored_images_are_those_of_mirrored_hits(
    task: TransformerTask, toy_jets: Events
) -> None:
    inputs = task.inputs(task.dataset(toy_jets).data, np.arange(len(toy_jets)))
    mirrored = task.augment(inputs, generator())
    signs = torch.sign(mirrored[1] * inputs[1]).sum(1).sign()
    rows, cols = JET_IMAGES.rows, JET_IMAGES.cols
    row, col = toy_jets.cell // cols, toy_jets.cell % cols
    for axis, (place, size) in enumerate(((row, rows), (col, cols))):
        turned = signs[:, axis].numpy()[toy_jets.owner] < 0
        place[turned] = size - 1 - place[turned]
    other = toy_jets[:]
    other.cell = (row.astype(int) * cols + col).astype(toy_jets.cell.dtype)
    assert len(signs.unique(dim=0)) > 2
    again = task.inputs(task.dataset(other).data, np.arange(len(other)))
    assert torch.allclose(again[4], mirrored[4])


def test_truth_that_a_set_does_not_know_is_left_out(
    task: TransformerTask, toy_jets: Events
) -> None:
    known = task.loss(task.batch(task.dataset(toy_jets), np.arange(8)), generator())
    bare = toy_jets[:]
    bare.columns = {"label": toy_jets.label}
    unknown = task.train().loss(task.batch(task.dataset(bare), np.arange(8)), generator())
    assert float(unknown["truth"]) == 0
    assert unknown["loss"].isfinite()
    assert float(known["truth"]) > 0


def test_validation_looks_at_the_label_alone(task: TransformerTask, toy_jets: Events) -> None:
    parts = task.eval().loss(task.batch(task.dataset(toy_jets), np.arange(8)), generator())
    task.train()
    assert set(parts) == {"loss"}


def test_one_class_is_refused(toy_jets: Events) -> None:
    quarks = toy_jets[toy_jets.label == 1]
    with pytest.raises(InputError, match=r"all labels are 1 \(\d+ events\).*of both.*0 \(gluon\)"):
        TransformerTask.from_events(load_config("jet-tagger"), JET_IMAGES, quarks)
