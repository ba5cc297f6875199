"""A transformer over unordered points, whose cost grows as their number (arXiv:1810.00825)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.networks.perceptron import perceptron

PLACE = 3  #: numbers of a hit: row, column, logarithm of its energy
_WAVES = 16  #: by which the time enters


class SetTransformer(nn.Module):
    """Layers in which a few learned points look at all points, and all points at these few.

    A condition of each set shifts and scales what every layer sees, and weighs what it adds
    (arXiv:2212.09748), so that a layer does nothing to begin with.

    Args:
        inputs: numbers of a point.
        outputs: numbers wanted of a point.
        width: hidden numbers of a point, a multiple of ``heads``; also of the condition.
        layers: of attention and a network on each point.
        heads: of attention.
        induced: learned points of a layer.
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int, layers: int, heads: int, induced: int
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.rise = nn.Linear(inputs, width)
        layered = (_Layer(width, heads, induced) for _ in range(layers))
        self.layers: list[_Layer] = nn.ModuleList(layered)  # type: ignore[assignment]
        self.norm, self.fall = nn.LayerNorm(width), nn.Linear(width, outputs)
        nn.init.zeros_(self.fall.weight)

    def forward(self, points: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """``(n, h, inputs)`` to ``(n, h, outputs)``.

        Args:
            points: of ``n`` sets, in any order, which does not matter.
            mask: ``(n, h)`` bool, true for points, false for padding.
            condition: ``(n, width)`` of the sets.
        """
        hidden = self.rise(points)
        for layer in self.layers:
            hidden = layer(hidden, mask, condition)
        out: Tensor = self.fall(self.norm(hidden))
        return out


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, induced: int) -> None:
        super().__init__()
        self.few = nn.Parameter(torch.randn(induced, width) / width**0.5)
        self.gather, self.spread = _Attention(width, heads), _Attention(width, heads)
        self.network = perceptron([width, 3 * width, width], nn.GELU)
        self.before = nn.LayerNorm(width, elementwise_affine=False)
        self.between = nn.LayerNorm(width, elementwise_affine=False)
        self.condition = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)

    def forward(self, points: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        shift, scale, weight, *rest = self.condition(F.silu(condition))[:, None].chunk(6, -1)
        seen = self.before(points) * (1 + scale) + shift
        few = self.gather(self.few.expand(len(points), -1, -1), seen, mask)
        points = points + weight * self.spread(seen, few, None)
        shift, scale, weight = rest
        found: Tensor = self.network(self.between(points) * (1 + scale) + shift)
        out: Tensor = points + weight * found
        return out


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, asking: Tensor, asked: Tensor, mask: Tensor | None) -> Tensor:
        key, value = self.key_value(asked).chunk(2, -1)
        query, key, value = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for x in (self.query(asking), key, value)
        )
        allowed = None if mask is None else mask[:, None, None]
        # Single precision: half of it is slow backwards on a CPU, and few products are made here.
        with torch.autocast(query.device.type, enabled=False):
            found = F.scaled_dot_product_attention(
                query.float(), key.float(), value.float(), attn_mask=allowed
            )
        out: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return out


class HitVelocity(nn.Module):
    """Velocities of hits between noise and data, given their channels and the event's class.

    Args:
        channels: of the images.
        width, layers, heads, induced: of the transformer.
    """

    def __init__(self, channels: int, *, width: int, layers: int, heads: int, induced: int) -> None:
        super().__init__()
        self.channels = channels
        sizes = {"width": width, "layers": layers, "heads": heads, "induced": induced}
        self.network = SetTransformer(PLACE + channels, PLACE, **sizes)
        self.condition = perceptron([1 + channels + 2 * _WAVES, width, width])

    def forward(self, points: Tensor, channel: Tensor, label: Tensor, time: Tensor) -> Tensor:
        """``(n, h, 3)`` velocities.

        Args:
            points: ``(n, h, 3)``, about standard normal.
            channel: ``(n, h)`` int64, -1 for padding.
            label: ``(n,)`` class.
            time: ``(n,)`` from 0, noise, to 1, data.
        """
        kind = F.one_hot(channel + 1, self.channels + 1)[..., 1:].to(points)
        rate = torch.arange(1, _WAVES + 1, device=time.device) * torch.pi / 2
        phase = time[:, None] * rate
        known = (label[:, None] * 2 - 1, kind.sum(1).log1p() / 3 - 1, phase.sin(), phase.cos())
        seen = torch.cat([points, kind], -1)
        found: Tensor = self.network(seen, channel >= 0, self.condition(torch.cat(known, 1)))
        return found
