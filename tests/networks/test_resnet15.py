from __future__ import annotations

import pytest
import torch
from torch import nn

from calovision.networks.resnet15 import ResNet15


def test_layers_are_the_published_ones() -> None:
    net = ResNet15(channels=2)
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    found = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0]) for c in layers]
    narrow, wide = (32, 32, 3, 1), (64, 64, 3, 1)
    assert found == [
        (2, 32, 5, 1),
        *[narrow] * 4,
        *[(32, 64, 3, 2), wide, (32, 64, 1, 2)],
        *[wide] * 4,
    ]
    assert layers[0].padding == (1, 1)
    assert net.dropout.p == 0.5


@pytest.mark.parametrize(("channels", "side", "last"), [(2, 32, 8), (3, 125, 31)])
def test_shapes_of_both_image_sets(channels: int, side: int, last: int) -> None:
    net = ResNet15(channels=channels)
    image = torch.rand(2, channels, side, side)
    assert net.stem(image).shape == (2, 32, (side - 2) // 2, (side - 2) // 2)
    assert net.blocks(net.stem(image)).shape == (2, 64, last, last)
    assert net(image).shape == (2,)


def test_a_block_without_its_branch_is_its_shortcut() -> None:
    net = ResNet15()
    block = net.blocks[0]
    nn.init.zeros_(block.branch[-1].weight)
    x = torch.randn(2, 32, 6, 6)
    assert torch.equal(block(x), x.relu())
