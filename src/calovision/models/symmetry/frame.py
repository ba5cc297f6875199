"""Generators beside the rotation along which images change without the oracle noticing.

The images of a class are aligned along their orbits; the principal components of the aligned
images, turned with each image, are directions that commute with the group by construction. Pulled
back to the latent space they are made orthogonal, in the metric of image changes, to the oracle's
gradient, to the first generator and to each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.models.symmetry.flows import Field
from calovision.models.symmetry.isometry import CUT, jacobians
from calovision.models.symmetry.phases import PHASES, Phases, maps_of
from calovision.models.symmetry.space import LatentSpace


@dataclass(frozen=True)
class Frame:
    """Generators that co-move with a first one.

    Attributes:
        space: the latent space.
        first: the generator of the group.
        orbits: where every class's mean image goes along the group.
        maps: the group at the steps of these orbits.
        modes: ``(c, m, k)`` principal components of the aligned images of each class.
    """

    space: LatentSpace
    first: Field
    orbits: Phases
    maps: Tensor
    modes: Tensor

    @torch.no_grad()
    def velocities(self, z: Tensor) -> Tensor:
        """All generators ``(n, m, d)``; each moves an image by its own norm per unit of time."""
        tangent, slope = jacobians(self.space, z)
        images = self.space.decode(z)
        kind, phase = self.orbits.of(self.orbits.action.components(images))
        turned = torch.einsum("nij,nmj->nmi", self.maps[phase], self.modes[kind])
        wanted = turned @ self.orbits.action.basis.T
        pull = torch.linalg.pinv(tangent, rtol=CUT)
        of_oracle = pull @ pull.transpose(1, 2) @ slope[:, :1].transpose(1, 2)
        known = [of_oracle[:, :, 0], self.first(z)]
        size = images.norm(dim=1)
        found = []
        for mode in wanted.unbind(1):
            dz = torch.einsum("ndp,np->nd", pull, mode)
            for other in known:
                dz = dz - other * _product(tangent, dz, other) / (
                    _product(tangent, other, other) + 1e-9
                )
            dz = dz * size[:, None] / (_product(tangent, dz, dz) + 1e-9).sqrt()
            known.append(dz)
            found.append(dz)
        return torch.stack(found, 1)

    def field(self, number: int) -> Field:
        """One of the generators."""
        return lambda z: self.velocities(z)[:, number]


def _product(tangent: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Inner product ``(n, 1)`` of latent velocities in the metric of image changes."""
    x, y = (torch.einsum("npd,nd->np", tangent, v) for v in (a, b))
    return (x * y).sum(1, keepdim=True)


@torch.no_grad()
def co_moving_frame(
    space: LatentSpace, first: Field, orbits: Phases, images: Tensor, label: Tensor, number: int = 3
) -> Frame:
    """The frame of the ``number`` leading modes of each class.

    Args:
        space: the latent space.
        first: generator of the group.
        orbits: from :func:`~calovision.models.symmetry.phases.phases`.
        images: ``(n, p)`` that are aligned.
        label: ``(n,)``.
        number: generators beside the first.
    """
    modes, maps = [], maps_of(orbits.action)
    for kind in range(len(orbits.orbits)):
        q = orbits.action.components(space.decode(space.encode(images[label == kind])))
        aligned = torch.einsum("nij,nj->ni", maps[-orbits.of(q)[1] % PHASES], q)
        _, _, axes = torch.linalg.svd(aligned - aligned.mean(0), full_matrices=False)
        modes.append(axes[:number])
    return Frame(space, first, orbits, maps, torch.stack(modes))
