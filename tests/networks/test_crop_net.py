from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.events.events import Events
from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI
from calovision.features.shower_shapes import shower_shapes
from calovision.networks.crop_net import CropNet
from calovision.networks.crop_shapes import SHAPES, WINDOWS, shapes


@pytest.fixture(scope="module")
def energy(toy_crops: Events) -> np.ndarray:
    found: np.ndarray = toy_crops.to_dense("gev")[:, 0].astype(np.float64)
    return found[found.sum((1, 2)) > 0]


def test_shapes_are_those_of_the_tables(energy: np.ndarray) -> None:
    total = energy.sum((1, 2), keepdims=True)
    found = shapes(torch.from_numpy(energy / total)).numpy()
    assert found.shape == (len(energy), SHAPES)
    table = shower_shapes(energy)
    pixel = dict(zip(WINDOWS, found.T, strict=False))
    first = len(WINDOWS)
    expected = {
        "E1/E25": pixel[0, 0],
        "E9/E25": pixel[1, 1],
        "E3x5/E25": pixel[1, 2],
        "E5x3/E25": pixel[2, 1],
        "left/E9": found[:, first],
        "right/E9": found[:, first + 1],
        "below/E9": found[:, first + 2],
        "above/E9": found[:, first + 3],
        "sigma_ieta_ieta": CRYSTAL_ETA * found[:, first + 6],
        "sigma_iphi_iphi": CRYSTAL_PHI * found[:, first + 7],
        "sigma_ieta_iphi": CRYSTAL_ETA * CRYSTAL_PHI * found[:, first + 8],
        "phi mean": CRYSTAL_PHI * found[:, first + 11],
        "phi width": CRYSTAL_PHI * found[:, first + 12],
    }
    full = energy[:, 14:19, 14:19].sum((1, 2)) > 0.05 * total[:, 0, 0]
    for name, mine in expected.items():
        np.testing.assert_allclose(mine[full], table[name][full], atol=2e-4, err_msg=name)


def test_shapes_of_a_mirror_image(energy: np.ndarray) -> None:
    share = torch.from_numpy(energy / energy.sum((1, 2), keepdims=True))
    turned = share.flip(2).roll(1, 2)
    a, b = shapes(share), shapes(turned)
    first = len(WINDOWS)
    torch.testing.assert_close(b[:, :first], a[:, :first])
    torch.testing.assert_close(b[:, first], a[:, first + 1])
    torch.testing.assert_close(b[:, first + 7], a[:, first + 7])


def test_every_weight_learns_and_nothing_overflows(energy: np.ndarray) -> None:
    torch.manual_seed(1)
    network = CropNet(cols=32, numbers=3, hidden=8)
    share = torch.from_numpy(energy[:16, 10:22] / energy[:16].sum((1, 2), keepdims=True)).float()
    time = torch.randn(len(share), 5, 5)
    logits = network(share, time, torch.randn(len(share), 3))
    assert logits.shape == (len(share),)
    logits.square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name
    nothing = torch.zeros(16, 12, 32), torch.zeros(16, 5, 5), torch.zeros(16, 3)
    assert torch.isfinite(network(*nothing)).all()
