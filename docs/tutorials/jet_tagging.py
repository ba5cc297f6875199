"""
Tag quark and gluon jets
========================

Gluons radiate more than quarks: their jets have more particles, spread wider. How well can the two
be told apart in the images of a detector? This notebook simulates jets, looks at the observables
that physicists know, and compares three taggers: boosted trees on observables, a small transformer
trained here, and the one that comes with the package.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay, roc_auc_score

import calovision as cv

# %%
# The jets
# --------
#
# Pythia collisions with pile-up, seen by a tracker, an ECAL and an HCAL: three layers of 125 x 125
# pixels around the axis of each jet. The two jets of one collision stay in one part of the split.

jets = cv.simulate.jets(1000, seed=101)
train, test = jets.split(train=0.6, test=0.4, seed=1)
jets.mean_image().plot()

# %%
# What separates them? Each observable has a value a jet, a unit, and a mean for each class.

found = cv.observables(jets)
figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for ax, name in zip(axes, ("n_track", "girth_track", "ptd_track"), strict=True):
    edges = np.linspace(*np.quantile(found[name], [0.01, 0.99]), 21)
    for label, kind in enumerate(("gluon", "quark")):
        ax.hist(found[name][jets.label == label], edges, histtype="step", label=kind)
    ax.set(xlabel=f"{name} {found.units[name]}", ylabel="jets")
axes[0].legend()
plt.show()

# %%
# Three taggers
# -------------
#
# Settings keep the transformer small, since there are few jets; without them it is the one of our
# studies. What it says becomes a probability on jets that are set aside for that.

small = {"hits": 64, "width": 32, "layers": 1, "batch": 64}
tagger = cv.train("jet-tagger", train, epochs=6, learning_rate=3e-3, quiet=True, **small)


def table(events):
    return np.column_stack(list(cv.observables(events).values()))


trees = HistGradientBoostingClassifier(max_iter=60, random_state=1)
trees.fit(table(train), train.label)
shipped = cv.pretrained("jet-tagger").predict(test)
scores = {
    "trees on observables": trees.predict_proba(table(test))[:, 1],
    "transformer, 600 jets": tagger.predict(test).probability,
    "transformer, shipped": shipped.probability,
}

# %%
# Compared on the same jets, with errors from drawing the test jets again and again:

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
rows = np.random.default_rng(1).integers(0, len(test), (100, len(test)))
for name, score in scores.items():
    error = np.std([roc_auc_score(test.label[r], score[r]) for r in rows])
    print(f"{name:22} AUC {roc_auc_score(test.label, score):.3f} ± {error:.3f}")
    RocCurveDisplay.from_predictions(test.label, score, name=name, ax=ax)
ax.set(xlabel="gluons kept", ylabel="quarks kept")
plt.show()

# %%
# Can the score be trusted?
# -------------------------
#
# Of jets with a score of 0.7, seven in ten should be quark jets. And jets unlike those of the
# training should be told: here those whose energies are ten times too high.

shown = CalibrationDisplay.from_predictions(test.label, shipped.probability, n_bins=5)
shown.ax_.set(xlabel="probability of a quark", ylabel="share of quarks")
plt.show()
harder = cv.from_images(10 * test.to_dense(), label=test.label)
unlike = cv.pretrained("jet-tagger").predict(harder).out_of_distribution.mean()
print(f"unlike the training: {shipped.out_of_distribution.mean():.0%} of the test jets,")
print(f"{unlike:.0%} of those with ten times the energy")

# %%
# From here
# ---------
#
# ``tagger.save("runs/tagger")`` keeps the model, ``tagger.export("tagger.onnx")`` makes it a file
# for ONNX Runtime. ``calovision study jet-tagging --scale quick --out tagging`` compares nine
# taggers on the same jets, under noise, dead cells and another tune.
