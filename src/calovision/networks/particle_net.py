"""ParticleNet: dynamic graph convolutions on a jet's particles (arXiv:1902.08570).

Particles of a batch lie packed in one array without padding, so padding can touch neither batch
normalisation nor anything else. The first linear layer of an EdgeConv acts on (x_i, x_j - x_i);
it is applied to the particles before they are paired, which is the same and k times less work.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

#: (neighbours, widths) of each EdgeConv block of the published networks
Blocks = tuple[tuple[int, tuple[int, ...]], ...]
PARTICLE_NET: Blocks = ((16, (64, 64, 64)), (16, (128, 128, 128)), (16, (256, 256, 256)))
PARTICLE_NET_LITE: Blocks = ((7, (32, 32, 32)), (7, (64, 64, 64)))  #: with ``head=128``


class ParticleNet(nn.Module):
    """Logit of a set of particles, invariant under their order.

    Published: 366 k parameters (Lite: 26 k) with seven features and two outputs; here the output
    is the difference of the two, which saves ``head + 1``.

    Args:
        features: features of a particle.
        blocks: neighbours and widths of each EdgeConv block; the first one takes neighbours in
            (eta, phi), later ones among the features that the block before has learned.
        head: width of the linear layer between the mean over particles and the output.
        dropout: after that layer.
    """

    def __init__(
        self,
        features: int,
        *,
        blocks: Blocks = PARTICLE_NET,
        head: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features)
        widths = [features, *(channels[-1] for _, channels in blocks)]
        self.blocks = nn.ModuleList(
            EdgeConv(width, k, channels)
            for width, (k, channels) in zip(widths, blocks, strict=False)
        )
        self.head = nn.Sequential(
            nn.Linear(widths[-1], head), nn.ReLU(), nn.Dropout(dropout), nn.Linear(head, 1)
        )

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Logit of each jet.

        Args:
            points: ``(n, h, 2)`` eta and phi (rad).
            features: ``(n, h, f)``; whatever stands in the padding is ignored.
            mask: ``(n, h)`` bool, true for particles.

        Returns:
            ``(n,)`` logits.
        """
        x = self.norm(features[mask])
        place = points
        for i, block in enumerate(self.blocks):
            assert isinstance(block, EdgeConv)
            if i > 0:
                place = x.new_zeros(*mask.shape, x.shape[1])
                place[mask] = x.detach()
            x = block(x, *neighbours(place, mask, block.k))
        owner = mask.nonzero()[:, 0]
        total = x.new_zeros(len(mask), x.shape[1], dtype=torch.float32)
        total.index_add_(0, owner, x.float())
        mean = total / mask.sum(1, keepdim=True).clamp(min=1)
        # Rounded to half precision, many jets would have the same logit.
        with torch.autocast(mean.device.type, enabled=False):
            out: Tensor = self.head(mean.float())[:, 0]
        return out


class EdgeConv(nn.Module):
    """EdgeConv block (arXiv:1801.07829) as ParticleNet has it: averaged, with a shortcut.

    ``relu(shortcut(x_i) + mean_j MLP(x_i, x_j - x_i))``; every linear layer is without bias and
    followed by batch normalisation, those of the MLP by a ReLU too.

    Args:
        inputs: features of a particle.
        k: neighbours.
        channels: widths of the MLP.
    """

    def __init__(self, inputs: int, k: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.k = k
        self.first = nn.Linear(2 * inputs, channels[0], bias=False)
        self.linears = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(channels))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in channels)
        self.shortcut = nn.Linear(inputs, channels[-1], bias=False)
        self.shortcut_norm = nn.BatchNorm1d(channels[-1])

    def forward(self, x: Tensor, near: Tensor, valid: Tensor) -> Tensor:
        """New features ``(particles, channels[-1])``.

        Args:
            x: ``(particles, inputs)``.
            near: ``(particles, k')`` int64, particle numbers of the neighbours.
            valid: ``(particles, k')`` bool, false where there are fewer neighbours.
        """
        complete = bool(valid.all())
        of_centre, of_step = self.first.weight.chunk(2, 1)
        centre = x @ (of_centre - of_step).T
        stepped = (x @ of_step.T).index_select(0, near.flatten())
        edge = centre[:, None] + stepped.view(*near.shape, centre.shape[1])
        edge = edge.flatten(0, 1) if complete else edge[valid]
        edge = self.norms[0](edge).relu_()
        for linear, norm in zip(self.linears, list(self.norms)[1:], strict=True):
            edge = norm(linear(edge)).relu_()
        if not complete:
            edge = edge.new_zeros(*near.shape, edge.shape[1]).masked_scatter(valid[..., None], edge)
        total = edge.view(*near.shape, edge.shape[-1]).sum(1)
        mean = total / valid.sum(1, keepdim=True).clamp(min=1)
        return torch.relu(self.shortcut_norm(self.shortcut(x)) + mean)


def ranked(square: Tensor) -> Tensor:
    """Squared distances ``(n, h, h)`` in which the earlier of two equally near particles is nearer.

    On a grid of pixels many are equally near, and which of them a search finds would depend on the
    machine.
    """
    order = torch.arange(square.shape[2], dtype=torch.float64, device=square.device)
    return square.double() + 1e-12 * order


@torch.no_grad()
def neighbours(place: Tensor, mask: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest other particles of the same jet.

    Args:
        place: ``(n, h, d)`` where distances are taken.
        mask: ``(n, h)`` bool, true for particles.
        k: neighbours; fewer where there are fewer other particles.

    Returns:
        For every particle, jets one after another: its neighbours ``(particles, k')`` int64,
        numbered likewise, and which of them exist ``(particles, k')``; ``k' <= k``.
    """
    n, h = mask.shape
    place = place.float()
    if place.shape[2] <= 3:
        square = place.new_zeros(n, h, h)
        for axis in place.unbind(2):
            square += (axis[:, :, None] - axis[:, None]).square_()
        square = ranked(square)
    else:
        # Without |x_i|^2, which does not change the order of x_i's neighbours.
        square = place.square().sum(2)[:, None] - 2 * place @ place.mT
    square.masked_fill_(~mask[:, None], torch.inf)
    square.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    found = square.topk(min(k, max(h - 1, 0)), dim=2, largest=False)
    number = (mask.flatten().cumsum(0) - 1).view(n, h)
    near = number.gather(1, found.indices.flatten(1)).view_as(found.indices)
    valid = found.values.isfinite()
    return near.masked_fill_(~valid, 0)[mask], valid[mask]
