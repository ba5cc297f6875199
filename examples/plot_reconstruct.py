"""
Compress and rebuild a jet
==========================

The VAE that comes with the package squeezes a jet image of 46,875 pixels into 1,024 numbers. Here
it rebuilds jets that it has never seen.
"""

import matplotlib.pyplot as plt
from matplotlib.colors import LogNorm

from calovision.events.store import EventStore
from calovision.metrics.occupancy import occupancy_metrics
from calovision.tasks.models import load_autoencoder
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.reconstruct import reconstructions
from calovision.tasks.rundir import RunDir

vae = load_autoencoder(RunDir(pretrained_run("jet-vae")))
jets = EventStore.open("jets")[:50]
rebuilt, codes = reconstructions(vae, jets, seed=1, quiet=True)
print(f"{len(jets)} jets, {codes.shape[1]} latent means each")

# %%
# Which pixels are lit? Tracks and HCAL towers come back, the soft ECAL crystals are drawn anew.

for name, metric in occupancy_metrics(jets, rebuilt, seed=1).items():
    if name.startswith("occupancy_f1") and name.count("_") == 2:
        print(f"{name}: {metric.value:.3f} ± {metric.error:.3f}")

# %%
# A jet, layer by layer: original above, rebuilt below; GeV per pixel.

original, copy = jets[:1].to_dense()[0], rebuilt[:1].to_dense()[0]
figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for channel, name in enumerate(("Track", "ECAL", "HCAL")):
    lit = original[channel][original[channel] > 0]
    colours = LogNorm(lit.min(), lit.max(), clip=True)
    for row, image in enumerate((original, copy)):
        pixels = image[channel].copy()
        pixels[pixels == 0] = float("nan")
        axes[row, channel].imshow(pixels, norm=colours, origin="lower", cmap="inferno")
        axes[row, channel].set(facecolor="black", xticks=[], yticks=[])
    axes[0, channel].set_title(name)
axes[0, 0].set_ylabel("original")
axes[1, 0].set_ylabel("rebuilt")
plt.show()
