"""
Compress jets with a VAE
========================

A variational autoencoder turns a jet's image in tracker, ECAL and HCAL (46,875 pixels, nearly all
of them empty) into a short code, and the code into an image. This notebook trains one on a few
hundred simulated jets, which is far too few, and puts the one that comes with the package beside
it, which was trained on many more. What both are worth is measured in :doc:`the study
</jet-vae>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from calovision.events.store import EventStore
from calovision.metrics.occupancy import occupancy_metrics
from calovision.metrics.response import response_metrics
from calovision.tasks.config import load_config
from calovision.tasks.models import load_autoencoder
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.reconstruct import reconstructions
from calovision.tasks.rundir import RunDir
from calovision.tasks.training import parts_of, train

work = Path(tempfile.mkdtemp())

# %%
# The jets
# --------
#
# Four hundred, made by ``calovision data simulate jets --events 400 --seed 7``. A set is opened
# without reading it; what is asked for is read.

store = EventStore.open("../../examples/jets")
print(f"{len(store)} jets, columns {', '.join(store.columns)}")
print(f"pt of the first: {store.column('pt')[0]:.0f} GeV")
print(f"hits of the first in track, ECAL, HCAL: {store[:1].counts()[0]}")

# %%
# Training
# --------
#
# On the command line this is ``calovision train jet-vae --data jets --out runs/vae --set
# points=64 ...``. The settings make the network small and the training short; without them, the
# preset is that of the study. Jets of one collision stay on one side of the split.

toy = {"points": 64, "code": 16, "width": 16, "epochs": 6, "batch": 40, "test": 0.25}
config = load_config("jet-vae", overrides=toy)
run = train(config, store, work / "vae", quiet=True)
print(f"{run.budget()['parameters']:,} weights, {run.budget()['steps']} steps")

# %%
# Reconstruction
# --------------
#
# Of jets that the training has not seen. The second model is the one that comes with the package.

test = store[parts_of(store, config)["test"]]
models = {"toy": run, "shipped": RunDir(pretrained_run("jet-vae"))}
rebuilt = {
    name: reconstructions(load_autoencoder(found), test, seed=1, quiet=True)[0]
    for name, found in models.items()
}

# %%
# Is it any good?
# ---------------
#
# Mean squared errors of pixels reward empty images. Asked instead: which pixels are lit (F1, 1 is
# perfect), and is a channel's energy right (response, 1 is perfect, and its resolution)?

for name, copies in rebuilt.items():
    found = occupancy_metrics(test, copies, seed=1) | response_metrics(test, copies, seed=1)
    for channel in ("track", "ecal", "hcal"):
        f1, response = found[f"occupancy_f1_{channel}"], found[f"response_{channel}"]
        resolution = found[f"resolution_{channel}"]
        print(
            f"{name:8}{channel:6} F1 {f1.value:.3f} ± {f1.error:.3f},"
            f" response {response.value:.3f}, resolution {resolution.value:.3f}"
        )

# %%
# A jet in the ECAL, GeV per pixel: original, rebuilt by the toy, rebuilt by the shipped model.

figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
for ax, (name, events) in zip(axes, {"original": test, **rebuilt}.items(), strict=True):
    image = events[:1].to_dense()[0, 1]
    lit = np.where(image > 0, image, np.nan)
    ax.imshow(lit, norm=LogNorm(0.05, 20, clip=True), origin="lower", cmap="inferno")
    ax.set(title=name, facecolor="black", xticks=[], yticks=[])
plt.show()

# %%
# From here
# ---------
#
# ``calovision study jet-vae --scale quick --out demo`` trains ours and the published VAE for as
# long as each other on 4,000 jets and writes a report with all metrics, their errors and floors.
