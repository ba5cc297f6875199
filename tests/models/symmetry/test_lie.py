from __future__ import annotations

import numpy as np
import torch
import worlds
from torch import Tensor

from calovision.models.symmetry.lie import algebra, bracket
from calovision.models.symmetry.space import LatentSpace


def linear(matrix: list[list[float]]) -> worlds.Callable[[Tensor], Tensor]:
    m = torch.tensor(matrix)
    return lambda z: z @ m.T


X = [[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]
Y = [[0.0, 0, 1], [0, 0, 0], [-1, 0, 0]]
Z = [[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]


def space() -> LatentSpace:
    return LatentSpace(lambda z: z, lambda z: z, lambda z: z, torch.zeros_like, 3)


def points() -> Tensor:
    return torch.randn(200, 3, generator=torch.Generator().manual_seed(0))


def test_bracket_of_linear_fields_is_the_commutator() -> None:
    found = bracket(linear(X), linear(Y), points())
    a, b = torch.tensor(X), torch.tensor(Y)
    torch.testing.assert_close(found, points() @ (b @ a - a @ b).T, atol=1e-3, rtol=0)


def test_rotations_of_space_close() -> None:
    found = algebra(space(), [linear(X), linear(Y), linear(Z)], points())
    assert np.nanmax(found.open) < 1e-4
    np.testing.assert_allclose(np.abs(found.structure[0, 1]), [0, 0, 1], atol=1e-2)
    np.testing.assert_allclose(found.structure[0, 1], -found.structure[1, 0], atol=1e-6)


def test_two_of_them_do_not() -> None:
    found = algebra(space(), [linear(X), linear(Y)], points())
    assert found.open[0, 1] > 0.5
    assert found.size[0, 1] > 0.3


def test_commuting_flows_have_no_bracket() -> None:
    scale = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]
    found = algebra(space(), [linear(X), linear(scale)], points())
    assert found.size[0, 1] < 1e-3
