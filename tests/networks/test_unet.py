from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from calovision.networks.unet import TimeEmbedding, UNet


@pytest.fixture
def network() -> UNet:
    torch.manual_seed(0)
    return UNet(channels=3, widths=(4, 6, 8), time=8)


def test_layers_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = UNet()
    layers = [(b.first[0].in_channels, b.resize) for b in [*network.down, *network.up]]
    found = [(type(r), i, r.in_channels, r.out_channels) for i, r in layers]
    assert found == [
        (nn.Conv2d, 64, 128, 128),
        (nn.Conv2d, 128, 256, 256),
        (nn.Conv2d, 256, 512, 512),
        (nn.Conv2d, 512, 1024, 1024),
        (nn.ConvTranspose2d, 2048, 512, 512),
        (nn.ConvTranspose2d, 1024, 256, 256),
        (nn.ConvTranspose2d, 512, 128, 128),
        (nn.ConvTranspose2d, 256, 64, 64),
    ]
    for block in [*network.down, *network.up]:
        assert [type(layer) for layer in block.first] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
        assert block.first[0].kernel_size == block.second[0].kernel_size == (3, 3)
        assert (block.resize.kernel_size, block.resize.stride) == ((4, 4), (2, 2))
        assert block.time[0].in_features == 32
    assert network.out.kernel_size == (1, 1)


@pytest.mark.parametrize(("channels", "side"), [(3, 64), (2, 8)])
def test_output_has_the_shape_of_the_images(channels: int, side: int) -> None:
    network = UNet(channels=channels, widths=(4, 6, 8, 10))
    images = torch.randn(2, channels, side, side)
    assert network(images, torch.tensor([0, 299])).shape == images.shape


def test_every_parameter_gets_a_gradient(network: UNet) -> None:
    images = torch.randn(5, 3, 16, 16)
    network(images, torch.arange(5)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if not name.endswith(("first.0.bias", "second.0.bias")):  # normalisation takes these out
            assert parameter.grad.abs().max() > 0, name


def test_images_do_not_see_each_other(network: UNet) -> None:
    network.eval()
    images, t = torch.randn(4, 3, 16, 16), torch.tensor([3, 1, 2, 0])
    torch.testing.assert_close(network(images[2:], t[2:]), network(images, t)[2:])


def test_output_depends_on_the_time(network: UNet) -> None:
    network.eval()
    images = torch.randn(1, 3, 16, 16).expand(2, -1, -1, -1)
    first, second = network(images, torch.tensor([0, 5]))
    assert (first - second).abs().max() > 1e-4


def test_time_embedding_is_sines_and_cosines() -> None:
    got = TimeEmbedding(6)(torch.tensor([0, 50]))
    angles = [50.0, 50.0 / 100, 50.0 / 10_000]
    want = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    assert got[0].tolist() == [0, 0, 0, 1, 1, 1]
    assert got[1].tolist() == pytest.approx(want, rel=1e-4)
