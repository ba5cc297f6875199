from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from calovision.events import JET_IMAGES, Events
from calovision.models.taggers.particle_net import ParticleNetTask


def fresh(train: Events, hits: int = 30, bfloat16: bool = False) -> ParticleNetTask:
    torch.manual_seed(0)
    settings = SimpleNamespace(hits=hits, lite=True, dropout=0.1, bfloat16=bfloat16)
    return ParticleNetTask.from_events(settings, JET_IMAGES, train)


def test_features_are_those_of_the_hardest_hits(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    points, features, mask = task.inputs(task.prepare(toy_jets), np.array([7, 2]))
    assert features.shape == (2, 30, 8)
    assert mask.all()
    for row, event in enumerate((7, 2)):
        jet = toy_jets[event]
        hardest = np.argsort(-jet.energy)[:30]
        energy = jet.energy[hardest].astype(np.float64)
        eta, phi = JET_IMAGES.eta(jet.cell[hardest]), JET_IMAGES.phi(jet.cell[hardest])
        share = energy / jet.energy.sum(dtype=np.float64)
        expected = [eta, phi, np.log(energy), np.log(share), np.hypot(eta, phi)]
        np.testing.assert_allclose(features[row, :, :5], np.stack(expected, 1), atol=1e-5)
        np.testing.assert_array_equal(features[row, :, 5:].argmax(1), jet.channel[hardest])
        np.testing.assert_array_equal(points[row], np.stack([eta, phi], 1))


def test_padding_has_no_features_and_changes_no_logit(toy_jets: Events) -> None:
    small = toy_jets[int(toy_jets.n_hits.argmin())]
    hits = int(toy_jets.n_hits.max()) + 5
    task = fresh(toy_jets, hits).eval()
    _, features, mask = task.inputs(task.prepare(small), np.arange(1))
    assert int(mask.sum()) == small.n_hits[0]
    assert not features[~mask].any()
    alone = task.logits(task.dataset(small))
    task.hits = int(small.n_hits[0])
    np.testing.assert_allclose(task.logits(task.dataset(small)), alone, atol=1e-5)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_learns(toy_jets: Events, bfloat16: bool) -> None:
    task = fresh(toy_jets, bfloat16=bfloat16).train()
    optimizer = torch.optim.Adam(task.parameters(), 3e-3)
    batch = task.batch(task.dataset(toy_jets), np.arange(64))
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = task.loss(batch, torch.Generator())["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05
    assert {p.dtype for p in task.parameters()} == {torch.float32}
