"""Lie brackets of generators: do flows commute, and do the generators close to an algebra?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.models.symmetry.flows import Field
from calovision.models.symmetry.isometry import jacobians
from calovision.models.symmetry.space import LatentSpace

Floats = NDArray[np.float64]


def bracket(f: Field, g: Field, z: Tensor, step: float = 1e-2) -> Tensor:
    """``[f, g] = (f . grad) g - (g . grad) f`` at points ``(n, d)``, by central differences."""
    u, v = f(z), g(z)
    along_f = (g(z + step * u) - g(z - step * u)) / (2 * step)
    along_g = (f(z + step * v) - f(z - step * v)) / (2 * step)
    return along_f - along_g


@dataclass(frozen=True)
class Algebra:
    """Brackets of all pairs of ``m`` generators, in the metric of image changes.

    Attributes:
        size: ``(m, m)`` root mean square of ``[g_j, g_k]`` over the product of those of ``g_j``
            and ``g_k``; 0 if they commute.
        structure: ``(m, m, m)`` constants ``c`` of the best fit ``[g_j, g_k] = c_jki g_i``.
        open: ``(m, m)`` share of the squared bracket outside the span of the generators; 0 if
            the algebra closes, 1 if the bracket is something else; nan on the diagonal.
    """

    size: Floats
    structure: Floats
    open: Floats


@torch.no_grad()
def algebra(space: LatentSpace, fields: Sequence[Field], z: Tensor) -> Algebra:
    """Brackets of the generators at points ``z`` ``(n, d)``, with constants fitted over them."""
    jacobian, _ = jacobians(space, z)
    m = len(fields)

    def change(v: Tensor) -> Tensor:
        """Image change of latent velocities: ``(n p,)``."""
        return torch.einsum("npd,nd->np", jacobian, v).flatten()

    images = torch.stack([change(f(z)) for f in fields], 1)
    norms = images.norm(dim=0)
    size, structure = np.zeros((m, m)), np.zeros((m, m, m))
    rest = np.full((m, m), np.nan)
    for j in range(m):
        for k in range(j + 1, m):
            of = change(bracket(fields[j], fields[k], z))
            fit = torch.linalg.lstsq(images, of[:, None]).solution[:, 0]
            left = of - images @ fit
            # per product of speeds, with both in units of rms image change
            relative = float(of.norm() / (norms[j] * norms[k]) * len(z) ** 0.5)
            size[j, k] = size[k, j] = relative
            structure[j, k], structure[k, j] = (s * fit.cpu().numpy() for s in (1, -1))
            rest[j, k] = rest[k, j] = float(left.square().sum() / of.square().sum().clamp(1e-12))
    return Algebra(size, structure, rest)
