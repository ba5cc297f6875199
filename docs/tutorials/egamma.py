"""
Tell electrons from photons
===========================

Electrons and photons of the same momentum leave nearly the same shower; electrons radiate and bend
on their way, and a photon may turn into a pair. This notebook simulates crops of the calorimeter,
looks at the shape that physicists look at first, and asks when a network does better.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

import calovision as cv

# %%
# The crops
# ---------
#
# 32 x 32 crystals around the hottest one, energy and time, in the schema of the public CMS crops:
# photon 0, electron 1. ``engine="geant4"`` follows every particle instead.

crops = cv.simulate.egamma(1500, seed=107)
crops

# %%
# The mean energies. Electrons radiate on their way through the tracker, and the field spreads
# what they radiate along phi.

crops.mean_image().plot()

# %%
# The shape of a shower
# ---------------------
#
# R9 is the share of the energy in 3 x 3 crystals. Photons that became a pair before the
# calorimeter look like electrons.

shapes = cv.observables(crops)
converted = crops["converted"]
kinds = {
    "photon": (crops.label == 0) & ~converted,
    "converted photon": converted,
    "electron": crops.label == 1,
}
for name, chosen in kinds.items():
    edges = np.linspace(0.5, 1, 26)
    plt.hist(shapes["R9"][chosen], edges, histtype="step", density=True, label=name)
plt.xlabel("R9")
plt.ylabel("crops (normalised)")
plt.legend()
plt.show()

# %%
# A network
# ---------
#
# Trained on two thirds, with settings that make it small; and the one that comes with the package.

train, test = crops.split(train=0.65, test=0.35, seed=1)
small = cv.train("egamma", train, epochs=8, batch=32, hidden=32, quiet=True)
shipped = cv.pretrained("egamma")
for name, model in (("small", small), ("shipped", shipped)):
    auc = model.evaluate(test)["auc"]
    print(f"network, {name:8} AUC {auc.value:.3f} ± {auc.error:.3f}")
print(f"R9 alone          AUC {roc_auc_score(test.label, -cv.observables(test)['R9']):.3f}")

# %%
# Where does it fail? Photons that converted are the hard ones.

probability = shipped.predict(test).probability
for name in ("photon", "converted photon"):
    kind = test["converted"] if name != "photon" else (test.label == 0) & ~test["converted"]
    chosen = kind | (test.label == 1)
    auc = roc_auc_score(test.label[chosen], probability[chosen])
    print(f"electrons against each {name}: AUC {auc:.2f}")
    plt.hist(probability[kind], np.linspace(0, 1, 21), histtype="step", density=True, label=name)
electrons = probability[test.label == 1]
plt.hist(electrons, np.linspace(0, 1, 21), histtype="step", density=True, label="electron")
plt.xlabel("probability of an electron")
plt.ylabel("crops (normalised)")
plt.legend()
plt.show()

# %%
# From here
# ---------
#
# ``calovision study egamma --scale quick --out egamma`` trains ours, the published ResNet-15 and
# boosted trees on the same crops, and shows where each of them fails.
