from __future__ import annotations

import pytest
import torch

from calovision.networks.challenge import DenseJudge, ImageJudge, SparseJudge


def test_the_sparse_network_is_the_dense_one() -> None:
    """With the same weights, on the same cells."""
    torch.manual_seed(1)
    sparse, dense = SparseJudge(6, 2), DenseJudge(7, 2)
    with torch.no_grad():
        dense.first.weight[:, 0] = sparse.total.weight[:, 0]
        dense.first.weight[:, 1:] = sparse.cells.weight.T
        dense.first.bias[:] = sparse.total.bias
    dense.rest.load_state_dict(sparse.rest.state_dict())
    total = torch.tensor([[1.0], [2.0], [0.5]])
    cell, value = torch.tensor([0, 3, 5, 2]), torch.tensor([10.0, 20, 5, 1])
    first = torch.tensor([0, 2, 2])  # the second event has no hits
    images = torch.zeros(3, 6)
    images[0, 0], images[0, 3], images[2, 5], images[2, 2] = 10, 20, 5, 1
    expected = dense(torch.cat([total, images], 1))
    assert torch.allclose(sparse(total, cell, value, first), expected, atol=1e-5)


def test_sizes_are_those_of_the_challenge() -> None:
    """Of 533 voxels and their energy: two hidden layers of 512 nodes after the first."""
    number = sum(p.numel() for p in DenseJudge(534, 1).parameters())
    assert number == 534 * 512 + 512 + 2 * (512 * 512 + 512) + 512 + 1
    assert sum(p.numel() for p in SparseJudge(533, 1).parameters()) == number


@pytest.mark.parametrize("outputs", [1, 3])
def test_images_of_any_size_are_scored(outputs: int) -> None:
    network = ImageJudge(2, outputs)
    out = network(torch.rand(4, 2, 33, 40), torch.rand(4, 1))
    assert out.shape == (4, outputs)
    out.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len([c for c in convolutions if c.kernel_size != (1, 1)]) == 17  # and a linear layer
