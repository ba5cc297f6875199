"""
Generate jets
=============

A generator makes jets without simulating collisions: a transformer draws the particles of a jet,
one after another, and the detector of the simulation sees them. This notebook asks the one that
comes with the package for gluon jets of a certain pt, and measures how far they are from simulated
ones.
"""

import matplotlib.pyplot as plt
import numpy as np

import calovision as cv

# %%
# Jets on request
# ---------------

generator = cv.pretrained("jet-generator")
made = generator.generate(400, label="gluon", pt=(100, 140), seed=1)
print(f"{len(made)} jets of {made.pt.min():.1f} to {made.pt.max():.1f} GeV")
made.plot([0, 1, 2])

# %%
# Simulated jets that meet the same condition; half of them stand aside as "more of the truth".

jets = cv.simulate.jets(2400, seed=106, particles=True)
truth = jets.select("label == gluon and pt > 100 and pt < 140")
print(f"{len(truth)} simulated gluon jets")

# %%
# Are they alike?
# ---------------

true, drawn = cv.observables(truth), cv.observables(made)
figure, axes = plt.subplots(1, 4, figsize=(12, 3), layout="constrained")
for ax, name in zip(axes, ("n_track", "n_hit_ecal", "girth_ecal", "mass"), strict=True):
    edges = np.linspace(*np.quantile(true[name], [0, 0.99]), 21)
    for found, kind in ((true, "simulated"), (drawn, "generated")):
        ax.hist(found[name], edges, histtype="step", density=True, label=kind)
    ax.set(xlabel=f"{name} {true.units[name]}", yticks=[])
axes[0].legend()
plt.show()

# %%
# In numbers: distances, and whether boosted trees can tell generated from simulated jets (an AUC
# of 0.5: they cannot). The floor is what two halves of the truth reach. A metric of one's own is a
# function of two sets.


def mean_mass(truth, made):
    """Difference of the mean jet masses, GeV."""
    return abs(truth["m0"].mean() - made["m0"].mean())


metrics = ["w1_n_track", "w1_n_hit_ecal", "w1_girth_ecal", "fpd", "classifier_auc", mean_mass]
found = cv.compare(truth, made, metrics=metrics, quiet=True)
found

# %%
found.plot()

# %%
# Training one
# ------------
#
# It learns from the particles that the set keeps. Settings make it small, and three passes over a
# thousand jets are few: trees see it.

small = {"width": 16, "layers": 1, "heads": 2, "components": 2, "batch": 50}
toy = cv.train("jet-generator", jets, "particles", epochs=3, quiet=True, **small)
naive = toy.generate(400, label="gluon", pt=(100, 140), seed=1)
for name, events in (("toy", naive), ("shipped", made)):
    auc = cv.compare(truth, events, metrics=["classifier_auc"], quiet=True)["classifier_auc"]
    print(f"{name:8} AUC of trees {auc.value:.3f} ± {auc.error:.3f}")

# %%
# From here
# ---------
#
# ``generator.generate(20_000, out="made")`` writes a set on disk, ``cv.view(made)`` shows events
# layer by layer. ``calovision study jet-generation --scale quick --out generation`` trains ours and
# the published diffusion model and has both judged by three classifiers.
