"""
Electron or photon?
===================

Simulated crops of the electromagnetic calorimeter, the shower shape that physicists look at
first, and the classifier that comes with the package.
"""

import matplotlib.pyplot as plt
import numpy as np

import calovision as cv
from calovision.metrics.classification import auc, auc_metric
from calovision.metrics.shower_shapes import r9
from calovision.tasks.classify import score
from calovision.tasks.models import load_tagger
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.rundir import RunDir

crops = cv.simulate.egamma(events=500, seed=7)
energy = crops.to_dense()[:, 0]  # (500, 32, 32) GeV
shape = r9(energy)
print(f"AUC of R9 alone: {auc(-shape, crops.label):.3f}")

# %%
# A photon that has become a pair before the calorimeter looks like an electron. The classifier
# does better on the others.

classifier = load_tagger(RunDir(pretrained_run("egamma")))
probability = score(classifier, crops, quiet=True).probability
converted = crops.columns["converted"]
electron = crops.label == 1
for name, photons in (("all", ~electron), ("not converted", ~electron & ~converted)):
    chosen = electron | photons
    quality = auc_metric(probability[chosen], crops.label[chosen], seed=1)
    print(f"AUC, photons {name}: {quality.value:.3f} ± {quality.error:.3f}")

# %%
# R9 is the share of the shower in 3 x 3 crystals.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
groups = {
    "photon": ~electron & ~converted,
    "converted": ~electron & converted,
    "electron": electron,
}
for name, chosen in groups.items():
    left.hist(shape[chosen], np.linspace(0.6, 1, 25), histtype="step", density=True, label=name)
    right.hist(probability[chosen], np.linspace(0, 1, 21), histtype="step", density=True)
left.set(xlabel="R9", ylabel="crops (normalised)")
right.set(xlabel="probability of an electron")
left.legend()
plt.show()
