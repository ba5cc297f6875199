"""The compiled small network against PyTorch's layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.models.generators.splitting.compiled_mlp import TwoLayers, filled, padded, silu

EDGES = [-1e30, -200.0, -88.0, -87.0, -1e-3, 0.0, 1e-30, 0.5, 87.0, 200.0, 1e30]


def test_silu_is_that_of_double_precision() -> None:
    numbers = np.random.default_rng(0).normal(0, 20, 1000).astype(np.float32)
    numbers = np.concatenate([numbers, np.array(EDGES, np.float32)])
    wanted = torch.nn.functional.silu(torch.from_numpy(numbers).double()).numpy()
    power = np.empty_like(numbers)
    silu(numbers, power, power.view(np.int32), np.empty_like(numbers))
    np.testing.assert_allclose(numbers, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("number", [0, 1, 4, 9])
@torch.no_grad()
def test_rows_go_through_the_layers(number: int) -> None:
    torch.manual_seed(1)
    layers = torch.nn.Sequential(
        torch.nn.Linear(21 + 2, 11), torch.nn.SiLU(), torch.nn.Linear(11, 9)
    )
    table, known = torch.randn(13, 21), torch.randn(13, 8)
    rows = np.arange(13)[::-1][:number].copy()
    wanted = layers(torch.cat([table, known[:, :2]], 1)[rows.copy()]).numpy()
    fast = TwoLayers.of(layers, 21)
    found = fast(rows, padded(table.numpy(), 13, filled(21)), known.numpy())
    assert found.shape == (number, 16)
    np.testing.assert_allclose(found[:, :9], wanted, rtol=1e-5, atol=1e-6)
    assert not found[:, 9:].any()
