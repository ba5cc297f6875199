"""
Quark or gluon?
===============

The tagger that comes with the package gives every jet the probability that a quark started it.
"""

import matplotlib.pyplot as plt
import numpy as np

import calovision as cv

jets = cv.simulate.jets(500, seed=21)
model = cv.pretrained("jet-tagger")
scores = model.predict(jets)
model.evaluate(jets)

# %%
# The scores of both classes:

for label, name in enumerate(("gluon", "quark")):
    chosen = scores.probability[jets.label == label]
    plt.hist(chosen, np.linspace(0, 1, 21), histtype="step", label=name)
plt.xlabel("probability of a quark")
plt.ylabel("jets")
plt.legend()
plt.show()
