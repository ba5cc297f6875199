"""
Electron or photon?
===================

The shower shape that physicists look at first, and the classifier that comes with the package.
"""

import matplotlib.pyplot as plt

import calovision as cv

crops = cv.simulate.egamma(600, seed=24)
shapes = cv.observables(crops)
probability = cv.pretrained("egamma").predict(crops).probability
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for label, name in enumerate(("photon", "electron")):
    chosen = crops.label == label
    axes[0].hist(shapes["R9"][chosen], 25, range=(0.5, 1), histtype="step", label=name)
    axes[1].hist(probability[chosen], 20, range=(0, 1), histtype="step")
axes[0].set(xlabel="R9, share of the energy in 3 x 3 crystals", ylabel="crops")
axes[1].set(xlabel="probability of an electron")
axes[0].legend()
plt.show()
