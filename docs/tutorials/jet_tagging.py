"""
Tag quark and gluon jets
========================

A gluon's jet has somewhat more particles than a quark's, spread somewhat wider. This notebook
trains a small transformer on the hits of some 250 jets, sets it beside boosted trees on
observables, and both beside the tagger that comes with the package. So few jets train nothing
well: how the models compare is measured in :doc:`the study </jet-tagging>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from calovision.events.store import EventStore
from calovision.metrics.classification import auc_metric, classification_metrics, roc_curve
from calovision.metrics.observables import observable_matrix, observables
from calovision.metrics.two_sample import tree_scores
from calovision.tasks.classify import score
from calovision.tasks.config import load_config
from calovision.tasks.models import load_tagger
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.rundir import RunDir
from calovision.tasks.training import parts_of, train

work = Path(tempfile.mkdtemp())

# %%
# The jets
# --------
#
# Labels are those of the public CMS set: gluon 0, quark 1. What separates them, in the mean:

store = EventStore.open("../../examples/jets")
jets = store.load()
for name, values in observables(jets).items():
    if name in ("n_track", "n_hit_ecal", "girth_ecal", "ptd_track"):
        gluon, quark = values[jets.label == 0].mean(), values[jets.label == 1].mean()
        print(f"{name:12} gluon {gluon:8.3f}  quark {quark:8.3f}")

# %%
# Training
# --------
#
# ``calovision train jet-tagger --data jets --out runs/tagger`` with settings that make it small.
# The scores are made probabilities on the validation jets; the test jets are for nothing but the
# test.

toy = {"hits": 40, "width": 16, "layers": 1, "epochs": 12, "batch": 32, "test": 0.3}
config = load_config("jet-tagger", overrides=toy)
run = train(config, store, work / "tagger", quiet=True)
print(f"{run.budget()['parameters']:,} weights, {run.budget()['steps']} steps")

# %%
# Three taggers on the same test jets
# -----------------------------------

parts = parts_of(store, config)
test = store[parts["test"]]
matrix, _ = observable_matrix(jets)
learned = matrix[parts["train"]], jets.label[parts["train"]]
scores = {
    "transformer, toy": score(load_tagger(run), test, quiet=True).probability,
    "trees on observables": tree_scores(*learned, matrix[parts["test"]], seed=1),
}
shipped = load_tagger(RunDir(pretrained_run("jet-tagger")))
scores["transformer, shipped"] = score(shipped, test, quiet=True).probability
for name, found in scores.items():
    quality = auc_metric(found, test.label, seed=1)
    print(f"{name:22} AUC {quality.value:.3f} ± {quality.error:.3f}")

# %%
# The errors are bootstraps over the test jets, of which there are few: read nothing into
# differences smaller than they are.

for name, found in scores.items():
    background, signal, _ = roc_curve(found, test.label)
    plt.plot(signal, background, label=name)
plt.plot([0, 1], [0, 1], color="grey", linestyle=":")
plt.xlabel("quarks kept")
plt.ylabel("gluons kept")
plt.legend()
plt.show()

# %%
# Can the score be read as a probability?
# ---------------------------------------
#
# The expected calibration error says how far it is from the share of quarks, on average.

found = classification_metrics(scores["transformer, shipped"], test.label, seed=1)
for name in ("auc", "accuracy", "rejection_50", "ece"):
    print(f"{name:14} {found[name].value:.3f} ± {found[name].error:.3f}")

# %%
# From here
# ---------
#
# ``calovision study jet-tagging --scale quick --out tagging`` compares nine taggers on the same
# jets, under noise, dead cells and another tune, and shows what drives the score.
