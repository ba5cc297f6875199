"""
Quark or gluon?
===============

The tagger that comes with the package gives every jet the calibrated probability that a quark
started it, and says which jets are unlike those that it was trained on.
"""

import matplotlib.pyplot as plt
import numpy as np

from calovision.events.store import EventStore
from calovision.metrics.classification import auc_metric, roc_curve
from calovision.tasks.classify import score
from calovision.tasks.models import load_tagger
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.rundir import RunDir

tagger = load_tagger(RunDir(pretrained_run("jet-tagger")))
jets = EventStore.open("jets").load()
scores = score(tagger, jets, quiet=True)
quality = auc_metric(scores.probability, jets.label, seed=1)
print(f"{len(jets)} jets, AUC {quality.value:.3f} ± {quality.error:.3f}")

# %%
# Jets with ten times the energy are nothing that the tagger knows. It says so.

harder = jets[:100]
harder.value = harder.value * np.float32(10)
print(f"unlike the training jets: {scores.out_of_distribution.sum()} of {len(jets)}")
unlike = score(tagger, harder, quiet=True).out_of_distribution
print(f"with ten times the energy: {unlike.sum()} of 100")

# %%
# Scores of both classes, and what a cut on them keeps.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
edges = np.linspace(0, 1, 21)
for label, name in enumerate(("gluon", "quark")):
    left.hist(scores.probability[jets.label == label], edges, alpha=0.5, label=name)
left.set(xlabel="probability of a quark", ylabel="jets")
left.legend()
gluons, quarks, _ = roc_curve(scores.probability, jets.label)
right.plot(quarks, gluons)
right.plot([0, 1], [0, 1], color="grey", linestyle=":")
right.set(xlabel="quarks kept", ylabel="gluons kept")
plt.show()
