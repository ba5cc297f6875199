"""
Jets without a simulation
=========================

The generator that comes with the package makes jets on request: here gluon jets of 100 to 140
GeV.
"""

import matplotlib.pyplot as plt

import calovision as cv

made = cv.pretrained("jet-generator").generate(100, label="gluon", pt=(100, 140), seed=1)
made.plot([0, 1, 2])

# %%
# Beside simulated jets that meet the same condition:

jets = cv.simulate.jets(800, seed=23).select("label == gluon and pt > 100 and pt < 140")
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for events, kind in ((jets, "simulated"), (made, "generated")):
    found = cv.observables(events)
    for ax, name in zip(axes, ("n_hit_ecal", "girth_ecal"), strict=True):
        ax.hist(found[name], 20, density=True, histtype="step", label=kind)
        ax.set(xlabel=f"{name} {found.units[name]}", yticks=[])
axes[0].legend()
plt.show()
