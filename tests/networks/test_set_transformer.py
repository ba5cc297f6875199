from __future__ import annotations

import pytest
import torch

from calovision.networks.set_transformer import SetTransformer


@pytest.fixture
def network() -> SetTransformer:
    torch.manual_seed(0)
    made = SetTransformer(5, 3, width=16, layers=2, heads=4, induced=6)
    for parameter in made.parameters():  # some are zero to begin with
        torch.nn.init.normal_(parameter, std=0.3)
    return made


def test_points_in_another_order_find_the_same(network: SetTransformer) -> None:
    points, condition = torch.randn(2, 7, 5), torch.randn(2, 16)
    mask, order = torch.ones(2, 7, dtype=torch.bool), torch.randperm(7)
    found = network(points, mask, condition)
    again = network(points[:, order], mask, condition)
    torch.testing.assert_close(again, found[:, order])
    # Points are seen by each other, and the condition by all.
    points[:, 0] += 1
    assert (network(points, mask, condition) - found)[:, 1:].abs().min() > 0
    assert (network(points, mask, condition + 1) - found).abs().min() > 0


def test_padding_is_not_seen(network: SetTransformer) -> None:
    points, condition = torch.randn(1, 4, 5), torch.randn(1, 16)
    alone = network(points, torch.ones(1, 4, dtype=torch.bool), condition)
    wide = torch.cat([points, torch.full((1, 3, 5), 9.0)], 1)
    mask = torch.arange(7)[None] < 4
    torch.testing.assert_close(network(wide, mask, condition)[:, :4], alone)


def test_heads_share_the_width() -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        SetTransformer(5, 3, width=16, layers=1, heads=3, induced=2)
