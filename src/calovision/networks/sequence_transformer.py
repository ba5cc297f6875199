"""A causal transformer over objects that are drawn one after another, such as particles of a jet.

Every object sees those before it (arXiv:1706.03762, layer norm in front as in arXiv:2002.04745).
Training computes all at once; drawing keeps keys and values of the objects so far. Both run the
same layers.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Memory:
    """Keys and values of the objects so far, in room for all that there will be.

    Args:
        layers: of the transformer.
        shape: events, objects at most, and numbers of a key and a value.
        device: where they are.
    """

    def __init__(self, layers: int, shape: tuple[int, int, int], device: torch.device) -> None:
        # in single precision, in which a processor takes strided products without copying them
        self.held = [torch.empty(shape, device=device) for _ in range(layers)]
        self.place = 0

    def with_next(self, layer: int, new: Tensor) -> Tensor:
        """Keys and values of the first ``len(new)`` events, with new ones ``(n, 2 m)``."""
        room = self.held[layer][: len(new)]
        room[:, self.place] = new
        return room[:, : self.place + 1]


class GrowingMemory(Memory):
    """Keys and values ``(n, places, layers, 2 m)`` that come in, and go out with one place more.

    An exported graph has no room that stays from call to call.
    """

    def __init__(self, held: Tensor) -> None:
        self.held, self.place = list(held.unbind(2)), held.shape[1]

    def with_next(self, layer: int, new: Tensor) -> Tensor:
        """Keys and values with new ones, of all events."""
        self.held[layer] = torch.cat([self.held[layer], new[:, None]], 1)
        return self.held[layer]


class SequenceTransformer(nn.Module):
    """Layers of attention to what came before.

    All heads share keys and values (arXiv:1911.02150): what has to be remembered of an object is
    then so little that drawing is not kept waiting by the memory.

    Args:
        width: of the hidden numbers of an object, a multiple of ``heads``.
        layers: of attention and a network on each object.
        heads: of attention.
        growth: width of that network's hidden layer over ``width``.
    """

    def __init__(self, width: int, layers: int, heads: int, growth: int = 3) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.size = width // heads
        layered = (_Layer(width, heads, growth) for _ in range(layers))
        self.layers: list[_Layer] = nn.ModuleList(layered)  # type: ignore[assignment]
        self.norm = nn.LayerNorm(width)

    def forward(self, objects: Tensor) -> Tensor:
        """``(n, objects, width)`` to the same; an object depends on itself and those before."""
        for layer in self.layers:
            query, key, value = layer.project(objects)
            shared = (x[:, None].expand_as(query) for x in (key, value))
            mixed = _attention(query, *shared)
            objects = layer.combined(objects, mixed.transpose(1, 2))
        out: Tensor = self.norm(objects)
        return out

    def memory(self, events: int, objects: int, device: torch.device) -> Memory:
        """Room for keys and values of so many objects of so many events."""
        return Memory(len(self.layers), (events, objects, 2 * self.size), device)

    def step(self, hidden: Tensor, memory: Memory) -> Tensor:
        """The next object ``(n, width)`` of each of the first ``n`` events, to the same."""
        for number, layer in enumerate(self.layers):
            query, new = layer.to_heads(layer.before(hidden)).tensor_split([hidden.shape[1]], -1)
            keys, values = memory.with_next(number, new).chunk(2, -1)
            query = query.unflatten(-1, (-1, self.size)).float() / math.sqrt(self.size)
            with torch.autocast(hidden.device.type, enabled=False):
                mixed = (query @ keys.transpose(1, 2)).softmax(-1) @ values
            hidden = layer.combined(hidden, mixed)
        memory.place += 1
        out: Tensor = self.norm(hidden)
        return out


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, growth: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_heads = nn.Linear(width, width + 2 * self.size)
        self.from_heads = nn.Linear(width, width)
        self.rise, self.fall = nn.Linear(width, growth * width), nn.Linear(growth * width, width)

    def project(self, objects: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries ``(n, heads, objects, m)``, keys and values ``(n, objects, m)``."""
        n, m, width = objects.shape
        sizes = (width, self.size, self.size)
        query, key, value = self.to_heads(self.before(objects)).split(sizes, -1)
        return query.view(n, m, self.heads, self.size).transpose(1, 2), key, value

    def combined(self, objects: Tensor, mixed: Tensor) -> Tensor:
        """The objects with what attention has found, and a network on each."""
        objects = objects + self.from_heads(mixed.reshape(objects.shape))
        found: Tensor = objects + self.fall(F.gelu(self.rise(self.between(objects))))
        return found


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention; in single precision on a processor, where bfloat16 is slow backwards."""
    if query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    with torch.autocast("cpu", enabled=False):
        query, key, value = query.float(), key.float(), value.float()
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def half_precision(device: torch.device, wanted: bool) -> torch.autocast:
    """Matrix products in bfloat16, where the device is faster at it."""
    fast = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and fast)
