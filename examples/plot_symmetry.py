"""
Find a symmetry
===============

The search for symmetries works on any encoder, decoder and oracle. Here they are known: images of
a spot in a disc, of which the oracle sees only how far it is from the middle. Rotations leave
that alone. The search is told neither angles nor pairs of images.
"""

import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from calovision.tasks.symmetry.search import search
from calovision.tasks.symmetry.space import LatentSpace

LINE = torch.linspace(-1, 1, 16)
Y, X = torch.meshgrid(LINE, LINE, indexing="ij")


def decode(z: Tensor) -> Tensor:
    """Latent points ``(n, 2)``, the place of the spot, to images ``(n, 256)``."""
    distance = (X - z[:, 0, None, None]) ** 2 + (Y - z[:, 1, None, None]) ** 2
    return torch.exp(-distance / 0.1).flatten(1)


def oracle(z: Tensor) -> Tensor:
    """Logits of "outside" and "inside"."""
    return torch.stack([z.norm(dim=1) - 0.4, 0.4 - z.norm(dim=1)], 1)


def spots(n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Data: images of spots anywhere in the disc, and their classes."""
    radius, angle = torch.rand(2, n, generator=random)
    radius, angle = 0.55 * radius.sqrt(), 2 * math.pi * angle
    z = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return decode(z), (radius < 0.4).long()


def encode(images: Tensor) -> Tensor:
    """Images to the place of their spot: its centre of gravity."""
    share = images / images.sum(1, keepdim=True)
    return torch.stack([share @ X.flatten(), share @ Y.flatten()], 1)


def spread(images: Tensor) -> Tensor:
    """How uncertain a code is: not at all."""
    return torch.zeros(len(images), 2)


space = LatentSpace(encode, decode, oracle, spread, dimension=2)
random = torch.Generator().manual_seed(1)
found = search(space, spots, random=random, points=500, refine_steps=50, components=20)
print(found.evidence.verdict)
best, second = found.leaks[:2]
print(f"share of the motion that leaves the data: {best:.4f}, next best {second:.2f}")

# %%
# Along the flow the spot goes round, at a distance that does not change.

start = torch.tensor([[0.4, 0.0]])
times = torch.linspace(0, 2 * math.pi, 9)[:-1]
images = found.action.orbit(decode(start), times).reshape(-1, 16, 16)
figure, axes = plt.subplots(1, len(times), figsize=(10, 1.6), layout="constrained")
for ax, image, time in zip(axes, images, times, strict=True):
    ax.imshow(image.numpy(), origin="lower", cmap="inferno", vmin=0, vmax=1)
    ax.set(title=f"{math.degrees(time):.0f}°", xticks=[], yticks=[])
plt.show()
