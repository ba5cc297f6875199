"""
Fine-tune on your own events
============================

A tagger that was trained on one detector meets another, with more pile-up and more noise. It still
ranks jets well, but its probabilities are wrong, and it says itself that it does not know such
jets. This notebook trains it further on a few hundred of them.
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay

import calovision as cv

# %%
# Another detector
# ----------------
#
# Three times the pile-up, three times the noise. Events of your own come by ``cv.from_images``,
# ``cv.from_particles`` or ``cv.convert``.

usual = cv.simulate.jets(400, seed=103)
mine = cv.simulate.jets(1200, seed=104, pileup=50, noise=3)
train, test = mine.split(train=0.7, test=0.3, seed=1)
for name, jets in (("usual", usual), ("mine", mine)):
    print(f"{name:6} hits in track, ECAL, HCAL: {jets.counts().mean(0).round(1)}")
mine.plot(0, beside=usual)

# %%
# More training
# -------------
#
# Three passes over the new jets, at a fifth of the first learning rate. The training begins with
# the weights of the old model, which stays as it is.

shipped = cv.pretrained("jet-tagger")
tuned = cv.fine_tune(shipped, train, epochs=3, quiet=True)
results = {
    "shipped, usual jets": shipped.evaluate(usual),
    "shipped, my jets": shipped.evaluate(test),
    "fine-tuned, my jets": tuned.evaluate(test),
}
for name, found in results.items():
    auc, error, unlike = (found[key] for key in ("auc", "ece", "out_of_distribution"))
    print(f"{name:20} AUC {auc.value:.3f} ± {auc.error:.3f}, ", end="")
    print(f"calibration error {error.value:.3f}, out of distribution {unlike.value:.0%}")

# %%
# Of jets with a probability of 0.7, seven in ten should be quark jets: on the diagonal.

figure, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
for name, model in (("shipped", shipped), ("fine-tuned", tuned)):
    probability = model.predict(test).probability
    CalibrationDisplay.from_predictions(test.label, probability, n_bins=5, name=name, ax=ax)
ax.set(xlabel="probability of a quark", ylabel="share of quarks")
plt.show()

# %%
# From here
# ---------
#
# Grid, layers and units of the events must be those of the model; others are refused in one line.
# ``tuned.save("runs/mine")`` keeps the model. On the command line: ``calovision train
# --pretrained jet-tagger --data mine --out runs/mine``, or ``--from RUN``.
