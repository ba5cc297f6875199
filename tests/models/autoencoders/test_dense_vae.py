from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.models.autoencoders.dense_vae import DenseVAETask


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> DenseVAETask:
    torch.manual_seed(0)
    return DenseVAETask(JET_IMAGES, float(toy_jets.value.max()), latent=8)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_images_are_resized_and_globally_scaled(task: DenseVAETask, toy_jets: Events) -> None:
    image, _ = task.batch(toy_jets, np.arange(4))
    assert image.shape == (4, 3, 128, 128)
    assert image.min() >= 0
    assert image.max() <= 1
    dense = toy_jets[:4].to_dense("image")
    mean = dense.mean((2, 3)) / float(task.maximum)
    assert np.allclose(image.mean((2, 3)).numpy(), mean, rtol=0.1)


def test_loss_is_cross_entropy_times_pixels_plus_divergence(
    task: DenseVAETask, toy_jets: Events
) -> None:
    parts = task.loss(task.batch(toy_jets, np.arange(4)), generator())
    assert float(parts["loss"]) == pytest.approx(float(parts["pixels"] + parts["kl"]), rel=1e-5)
    # an untrained sigmoid is near one half everywhere: log 2 a pixel
    assert float(parts["pixels"]) == pytest.approx(np.log(2) * 128 * 128 * 3, rel=0.05)


def test_threshold_gives_the_best_f1(task: DenseVAETask, toy_jets: Events) -> None:
    task.calibrate(toy_jets)
    chosen = task.threshold.clone()

    def f1(scale: float) -> list[float]:
        task.threshold.copy_(chosen * scale)
        rebuilt, _ = task.reconstruct(toy_jets, np.arange(64), generator())
        task.threshold.copy_(chosen)
        out = []
        for c in range(3):
            a, b = (
                {(o, p) for o, p, k in zip(e.owner, e.cell, e.channel, strict=True) if k == c}
                for e in (toy_jets, rebuilt)
            )
            out.append(2 * len(a & b) / (len(a) + len(b)))
        return out

    best = f1(1.0)
    for scale in (0.8, 1.3):
        assert all(b >= o - 1e-3 for b, o in zip(best, f1(scale), strict=True))


def test_reconstruction_is_made_of_whole_cells(task: DenseVAETask, toy_jets: Events) -> None:
    rebuilt, latent = task.reconstruct(toy_jets, np.arange(5), generator())
    assert latent.shape == (5, 8)
    assert len(rebuilt) == 5
    towers = rebuilt.cell[rebuilt.channel == 2].astype(int)
    assert (towers // 125 % 5 == 2).all()
    assert (towers % 125 % 5 == 2).all()
