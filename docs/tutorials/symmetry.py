"""
Find a symmetry
===============

A digit may be turned without ceasing to be that digit. Is that written in the latent space of a
VAE that has never been told of angles? The search looks for a motion of latent points along which
images move rigidly while a classifier sees no change. This notebook follows what it finds.
"""

import matplotlib.pyplot as plt
import numpy as np

import calovision as cv

# %%
# The digits
# ----------
#
# Real 1s and 2s. Training turns them by any angle; a fifth is kept from it in any orientation.

digits = cv.simulate.digits((1, 2))
digits

# %%
# A flow
# ------
#
# The model that comes with the package has a latent space of five dimensions. The search in it
# gives one generator: a vector field, whose flow turns digits that it has never seen.

model = cv.pretrained("symmetry")
found = model.discover(digits)
print(f"{len(found.generators)} generator: {found.verdict}")
found.plot_orbit()

# %%
# By how much, and how evenly? Every image along the flow is compared with the true digit, turned
# by all angles.

measured = found.evaluate()
for digit in (1, 2):
    for name, what in (("cover", "covered angle"), ("r2", "evenness"), ("fidelity", "fidelity")):
        metric = measured[f"{name}_{digit}_d5"]
        print(f"digit {digit}: {what:14} {metric.value:7.3f} ± {metric.error:.3f} {metric.unit}")

# %%
# The difference from the first image, along two turns. It comes back to (nearly) nothing after one
# turn, for a 1 after half of one: it looks the same upside down.

times = np.linspace(0, 4 * np.pi, 49)
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for digit in (1, 2):
    chosen = digits.images[digits.test & (digits.label == digit)][:20]
    orbit = found.orbit(chosen, times)
    change = np.square(orbit - orbit[:, :1]).mean((2, 3)).mean(0)
    ax.plot(times / (2 * np.pi), change, label=f"digit {digit}")
ax.set(xlabel="time along the flow, turns", ylabel="mean squared change")
ax.legend()
plt.show()

# %%
# Nothing where there is nothing
# ------------------------------
#
# A VAE that was trained for some seconds draws no digits yet. The search should find no symmetry
# there, rather than some.

few = {"vae_steps": 60, "oracle_steps": 50, "points": 200, "components": 20}
toy = cv.train("symmetry", digits, batch=64, refine_steps=30, quiet=True, **few)
print(toy.discover(digits, quiet=True).verdict)

# %%
# From here
# ---------
#
# ``cv.train("symmetry", digits)`` without those settings takes some minutes. ``calovision study
# symmetry --scale quick --out symmetry`` sets the published search beside it.
