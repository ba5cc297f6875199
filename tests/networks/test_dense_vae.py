from __future__ import annotations

import torch
from torch import nn

from calovision.networks.dense_vae import DenseVAE


def test_layers_are_the_published_ones() -> None:
    net = DenseVAE()
    convolutions = [m for m in net.encoder if isinstance(m, nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size, c.stride) for c in convolutions] == [
        (32, (3, 3), (2, 2)),
        (64, (3, 3), (2, 2)),
    ]
    back = [m for m in net.decoder if isinstance(m, nn.ConvTranspose2d)]
    assert [(c.out_channels, c.kernel_size, c.stride) for c in back] == [
        (64, (3, 3), (2, 2)),
        (32, (3, 3), (2, 2)),
        (3, (3, 3), (2, 2)),
    ]
    assert net.mean.out_features == 1024
    dense = [m for m in (*net.encoder, *net.decoder) if isinstance(m, nn.Linear)]
    assert [d.out_features for d in dense] == [1024, 16 * 16 * 64]


def test_shapes_range_and_gradients() -> None:
    net = DenseVAE(latent=8)
    image = torch.rand(2, 3, 128, 128)
    mean, log_variance = net.encode(image)
    out = net.decode(mean)
    assert out.shape == image.shape
    assert out.min() >= 0
    assert out.max() <= 1
    (out.sum() + log_variance.sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
