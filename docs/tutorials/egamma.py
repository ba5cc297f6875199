"""
Tell electrons from photons
===========================

Electrons and photons of the same momentum leave nearly the same shower; electrons radiate and
bend on their way, and a photon may turn into a pair. This notebook simulates some hundred crops
of the calorimeter, trains a small network on them, and sets the shower shapes and the network
that comes with the package beside it. What the models reach on many crops is measured in
:doc:`the study </egamma>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import calovision as cv
from calovision.events.store import save
from calovision.metrics.classification import auc_metric
from calovision.metrics.shower_shapes import r9, shape_matrix
from calovision.metrics.two_sample import tree_scores
from calovision.tasks.classify import score
from calovision.tasks.config import load_config
from calovision.tasks.models import load_tagger
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.rundir import RunDir
from calovision.tasks.training import parts_of, train

work = Path(tempfile.mkdtemp())

# %%
# The crops
# ---------
#
# 32 x 32 crystals around the hottest one, energy and time, in the schema of the public CMS crops
# (photon 0, electron 1). ``calovision data simulate egamma --engine geant4`` follows every
# particle instead.

crops = cv.simulate.egamma(events=300, seed=11)
store = save(crops, work / "crops", provenance={"made_by": "tutorial"})
converted = crops.columns["converted"]
print(f"{(crops.label == 0).sum()} photons, {converted.sum()} of them converted")

energy = crops.to_dense()[:, 0]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
groups = {
    "photon": (crops.label == 0) & ~converted,
    "converted photon": converted,
    "electron": crops.label == 1,
}
for ax, (name, chosen) in zip(axes, groups.items(), strict=True):
    ax.imshow(np.log10(energy[chosen].mean(0) + 1e-3), origin="lower", cmap="inferno")
    ax.set(title=f"mean {name}", xlabel="phi", ylabel="eta", xticks=[], yticks=[])
plt.show()

# %%
# Training
# --------
#
# ``calovision train egamma --data crops --out runs/egamma``, made small.

toy = {"hidden": 32, "epochs": 20, "batch": 32, "test": 0.4}
config = load_config("egamma", overrides=toy)
run = train(config, store, work / "run", quiet=True)
print(f"{run.budget()['parameters']:,} weights, {run.budget()['steps']} steps")

# %%
# Four classifiers on the same test crops
# ---------------------------------------
#
# R9, the share of the shower in 3 x 3 crystals, needs no training at all: electrons have less of
# it.

parts = parts_of(store, config)
test = store[parts["test"]]
shapes, _ = shape_matrix(energy)
learned = shapes[parts["train"]], crops.label[parts["train"]]
shipped = load_tagger(RunDir(pretrained_run("egamma")))
scores = {
    "R9 alone": -r9(energy[parts["test"]]),
    "trees on shower shapes": tree_scores(*learned, shapes[parts["test"]], seed=1),
    "network, toy": score(load_tagger(run), test, quiet=True).probability,
    "network, shipped": score(shipped, test, quiet=True).probability,
}
for name, found in scores.items():
    quality = auc_metric(found, test.label, seed=1)
    print(f"{name:24} AUC {quality.value:.3f} ± {quality.error:.3f}")

# %%
# From here
# ---------
#
# ``calovision study egamma --scale quick --out egamma`` trains ours, the published ResNet-15 and
# boosted trees on the same crops, and shows where each of them fails.
