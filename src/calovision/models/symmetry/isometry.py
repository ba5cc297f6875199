"""Step 1: the rigid motions of images that stay on the decoder's manifold and blind the oracle.

A symmetry of pixels is a one-parameter group of orthogonal maps ``x -> exp(t A) x``, ``A`` skew: it
keeps every inner product of images. It is a symmetry of the *data* if the velocities ``A x`` are
tangent to the manifold of decoded images, and of the *labels* if the oracle does not change along
them. Both are quadratic in ``A``, so the best generator is the solution of an eigenvalue problem:
the smallest share of squared velocity that leaves the manifold or is seen by the oracle. Neither
angles nor pairs of images before and after play a part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.models.symmetry.flows import Field
from calovision.models.symmetry.linear import LinearAction, principal_basis
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream

CUT = 1e-2  #: singular values of the decoder's Jacobian, relative to the largest, taken as 0
RIDGE = 1e-4  #: of the mean squared velocity: motions that move next to nothing are not looked at


@dataclass(frozen=True)
class Motions:
    """Rigid motions, best first.

    Attributes:
        actions: with skew generators scaled to one typical angular frequency.
        leaks: share of squared velocity off the manifold, plus the oracle's; 0 is a symmetry and
            1 is no relation.
    """

    actions: tuple[LinearAction, ...]
    leaks: tuple[float, ...]


@torch.no_grad()
def jacobians(space: LatentSpace, z: Tensor, step: float = 2e-2) -> tuple[Tensor, Tensor]:
    """Derivatives of decoded images ``(n, p, d)`` and of the oracle's evidence ``(n, c, d)``."""
    n, d = z.shape
    shift = step * torch.eye(d, device=z.device)
    around = (z[:, None] + torch.cat([shift, -shift])).flatten(0, 1)
    found = []
    for function in (space.decode, space.evidence):
        values = function(around).reshape(n, 2 * d, -1)
        found.append(((values[:, :d] - values[:, d:]) / (2 * step)).transpose(1, 2))
    return found[0], found[1]


@torch.no_grad()
def leaks_of(space: LatentSpace, z: Tensor, basis: Tensor, weight: float) -> Tensor:
    """Quadratic forms ``(n, k, k)`` of a velocity of components: how much of it is no symmetry.

    Its squared part off the manifold at points ``z`` ``(n, d)``, and the squared change of the
    evidence along the rest, weighted and in the units in which images and evidence are spread.
    """
    of_image, of_evidence = jacobians(space, z)
    tangent = torch.einsum("npd,pk->nkd", of_image, basis)
    pull = torch.linalg.pinv(tangent, rtol=CUT)
    seen = of_evidence @ pull
    moment = (space.decode(z) @ basis).square().sum(1).mean()
    scale = moment / (space.evidence(z).var(0).sum() + 1e-9)
    off = torch.eye(basis.shape[1], device=z.device) - tangent @ pull
    found: Tensor = off + weight * scale * seen.transpose(1, 2) @ seen
    return found


@torch.no_grad()
def rigid_motions(
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    random: torch.Generator,
    *,
    number: int = 4,
    rigid: bool = True,
) -> Motions:
    """The best skew generators, from one eigenvalue problem.

    Args:
        space: the latent space.
        stream: its data.
        settings: number of points, of principal components ``c`` and weight of the oracle, whose
            rate of change is relative to its spread, and velocities to the images' norm.
        random: of the data.
        number: of motions, mutually orthogonal in mean squared velocity.
        rigid: whether generators must be skew, with ``c (c - 1) / 2`` unknowns; any matrix else,
            with ``c^2``.
    """
    points = settings.points
    z, _ = space.draw(stream, points, random, spread=0.0)
    images = space.decode(z)
    basis = principal_basis(images, settings.components)
    k = basis.shape[1]
    x = images @ basis
    leak = leaks_of(space, z, basis, settings.oracle_weight)
    products = (x[:, :, None] * x[:, None]).reshape(points, -1)
    # sum over data of (A x)^T leak (A x), as a quadratic form of the entries of A
    cost = (leak.reshape(points, -1).T @ products / points).reshape(k, k, k, k)
    cost = cost.permute(0, 2, 1, 3).reshape(k * k, k * k)
    second, one = x.T @ x / points, torch.eye(k, device=x.device)
    velocity = torch.einsum("ab,cd->acbd", one, second).reshape(k * k, k * k)
    if rigid:
        rows, columns = torch.triu_indices(k, k, 1, device=x.device)
        cost, velocity = (_skew_part(m, rows, columns) for m in (cost, velocity))
    cost, velocity = cost.double(), velocity.double()
    velocity.diagonal().add_(RIDGE * velocity.diagonal().mean())
    root = torch.linalg.cholesky(velocity)
    reduced = torch.linalg.solve_triangular(root, cost, upper=False)
    reduced = torch.linalg.solve_triangular(root, reduced.T, upper=False)
    leaks, entries = torch.linalg.eigh((reduced + reduced.T) / 2)
    entries = torch.linalg.solve_triangular(root.T, entries[:, :number], upper=True)
    actions = []
    for column in entries.T:
        if rigid:
            matrix = x.new_zeros(k, k)
            matrix[rows, columns] = column.float()
            matrix = matrix - matrix.T
        else:
            matrix = column.float().reshape(k, k)
        action = LinearAction(matrix, basis)
        unit = action.typical_frequency(images)
        actions.append(LinearAction(action.matrix / unit, basis))
    return Motions(tuple(actions), tuple(leaks[:number].tolist()))


def _skew_part(form: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """A quadratic form of ``k * k`` entries, restricted to those of skew matrices."""
    k = math.isqrt(len(form))
    above, below = rows * k + columns, columns * k + rows
    form = form[above] - form[below]
    restricted: Tensor = form[:, above] - form[:, below]
    return restricted


def pulled_back(space: LatentSpace, action: LinearAction) -> Field:
    """The latent generator whose decoded velocity is nearest to that of a linear action."""

    @torch.no_grad()
    def field(z: Tensor) -> Tensor:
        tangent, _ = jacobians(space, z)
        x = action.components(space.decode(z))
        velocity = (x @ action.matrix.T) @ action.basis.T
        pull = torch.linalg.pinv(tangent, rtol=CUT)
        dz: Tensor = torch.einsum("ndp,np->nd", pull, velocity)
        return dz

    return field


def gram_change(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared change of the Gram matrix from images ``x`` to ``y``, over squared lengths."""
    length = x.norm(dim=1)
    scale = length[:, None] * length[None] + 1e-6
    found: Tensor = ((y @ y.T - x @ x.T) / scale).square().mean()
    return found
