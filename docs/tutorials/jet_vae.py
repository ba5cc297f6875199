"""
Compress jets with a VAE
========================

The image of a jet in tracker, ECAL and HCAL has 46,875 pixels, nearly all of them empty. A
variational autoencoder squeezes it into a short code and draws it again. How much of the jet is in
the code? This notebook looks at pictures, energies, and what the code knows of the jet's origin.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import calovision as cv

# %%
# From jets to codes and back
# ---------------------------
#
# The model that comes with the package was trained on 20,000 jets; it has seen none of these.

jets = cv.simulate.jets(700, seed=105)
model = cv.pretrained("jet-vae")
rebuilt = model.reconstruct(jets, seed=1)
print(f"{jets.n_hits.mean():.0f} hits a jet, {rebuilt.latent.shape[1]} numbers in its code")

# %%
# Two jets, and beside each what is drawn from its code:

jets.plot([0, 1], beside=rebuilt.events)

# %%
# Which hits come back?
# ---------------------
#
# The code holds the energy of every layer, but not every soft hit: of those, some are drawn in
# another pixel. The share of pixels that are lit again, by their energy:

true, drawn = jets[:200].to_dense(), rebuilt.events[:200].to_dense()
figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
for layer, name in enumerate(jets.geometry.channel_names):
    lit = true[:, layer] > 0
    energy, again = true[:, layer][lit], drawn[:, layer][lit] > 0
    edges = np.geomspace(*np.quantile(energy, [0.01, 0.99]), 13)
    share = np.histogram(energy[again], edges)[0] / np.histogram(energy, edges)[0]
    ax.stairs(share, edges, baseline=None, label=name)
    print(f"{name:6} {again.mean():.1%} of the pixels, sum of energy", end=" ")
    print(f"{np.corrcoef(true[:, layer].sum((1, 2)), drawn[:, layer].sum((1, 2)))[0, 1]:.4f}")
ax.set(xscale="log", xlabel="energy of the pixel, GeV", ylabel="share that is lit again")
ax.legend()
plt.show()

# %%
# What is in the code?
# --------------------
#
# Jets with more hits need more bits, until the code is full at some 320 of them. And though nobody
# told the model of quarks and gluons, a straight cut through its codes tells them apart.

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
shown = ax.scatter(jets.n_hits, rebuilt.bits / 1000, c=jets.pt, s=5)
ax.set(xlabel="hits", ylabel="information in the code, kbit")
figure.colorbar(shown, label="pt, GeV")
plt.show()

half = len(jets) // 2
probe = make_pipeline(StandardScaler(), LogisticRegression(C=1e-4))
probe.fit(rebuilt.latent[:half], jets.label[:half])
score = probe.predict_proba(rebuilt.latent[half:])[:, 1]
print(f"quark or gluon, from the code alone: AUC {roc_auc_score(jets.label[half:], score):.2f}")

# %%
# Training one
# ------------
#
# Settings make this one small; some seconds and some hundred jets are far too little, and it shows.

small = {"points": 64, "code": 16, "width": 16, "batch": 40}
toy = cv.train("jet-vae", jets[:500], epochs=3, quiet=True, **small)
unseen = jets[500:]
unseen.plot(0, beside=toy.reconstruct(unseen).events)

# %%
# From here
# ---------
#
# ``model.evaluate(jets).table()`` measures some ninety quantities with errors and floors.
# ``calovision study jet-vae --scale quick --out demo`` trains ours and the published VAE on 4,000
# jets and writes a report.
