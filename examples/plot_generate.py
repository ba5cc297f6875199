"""
Jets without a simulation
=========================

The generator that comes with the package makes jets on request: here gluon jets of 100 to 140
GeV.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from calovision.events.store import EventStore
from calovision.metrics.observables import observables
from calovision.tasks.generator import generated
from calovision.tasks.models import load_generator
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.request import Request
from calovision.tasks.rundir import RunDir

generator = load_generator(RunDir(pretrained_run("jet-generator")))
gluons = Request(label=0, ranges={"pt": (100.0, 140.0)})
made = generated(generator, 250, gluons, seed=1)
pt = made.columns["pt"]
print(f"{len(made)} jets, labels {np.unique(made.label)}, pt {pt.min():.1f} to {pt.max():.1f} GeV")

# %%
# Beside simulated jets that meet the same condition:

jets = EventStore.open("jets").load()
pt = jets.columns["pt"]
simulated = jets[(jets.label == 0) & (pt > 100) & (pt < 140)]
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for events, name in ((simulated, "simulated"), (made, "generated")):
    found = observables(events)
    for ax, key in zip(axes, ("n_hit_ecal", "girth_ecal"), strict=True):
        ax.hist(found[key], 20, density=True, histtype="step", label=f"{name} ({len(events)})")
axes[0].set(xlabel="ECAL hits", ylabel="jets (normalised)")
axes[1].set(xlabel="girth of the ECAL hits, rad")
axes[0].legend()
plt.show()

# %%
# The first of them, ECAL alone; rows run along eta, columns along phi.

figure, axes = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
for ax, image in zip(axes, made[:4].to_dense()[:, 1], strict=True):
    shown = np.where(image > 0, image, np.nan)
    ax.imshow(shown, norm=LogNorm(0.05, 20, clip=True), origin="lower", cmap="inferno")
    ax.set(facecolor="black", xticks=[], yticks=[])
plt.show()
