"""
Your own network
================

Have you a network of your own? Any ``torch.nn.Module`` can be trained on our jets, and is then
calibrated, measured and exported as ours are. This notebook compares two strangers, a small CNN on
images and a graph network of PyTorch Geometric, with our tagger: on the same jets, with errors.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch_geometric.nn import SAGEConv, global_add_pool

import calovision as cv

jets = cv.simulate.jets(1200, seed=102)
train, test = jets.split(train=0.65, test=0.35, seed=1)

# %%
# A network on images
# -------------------
#
# It takes ``(n, 3, 125, 125)`` energies in GeV a pixel (track, ECAL, HCAL) and gives one logit a
# jet: above 0 for a quark. Inputs come as they are measured: scaling them is the network's affair.


class Images(nn.Sequential):
    """Towers of 5 x 5 pixels, two convolutions, a mean over the image."""

    def __init__(self):
        first = nn.AvgPool2d(5), nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2)
        then = nn.Conv2d(16, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        super().__init__(*first, *then, nn.Linear(32, 1))

    def forward(self, images):
        return super().forward(torch.log1p(25 * images))


# %%
# A network on graphs
# -------------------
#
# A node is a pixel that has a signal, with one number a layer in ``x`` and its eta and phi from the
# axis in ``pos``; edges join it to its nearest neighbours.


class Graph(nn.Module):
    """Two convolutions along the edges, a sum over the nodes near the jet's axis."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.out = SAGEConv(5, 32), SAGEConv(32, 32), nn.Linear(32, 1)

    def forward(self, jets):
        near = torch.exp(-10 * jets.pos.square().sum(1, keepdim=True))
        nodes = torch.cat([torch.log1p(100 * jets.x), jets.pos], dim=1)
        nodes = self.first(nodes, jets.edge_index).relu()
        nodes = self.second(nodes, jets.edge_index).relu()
        return self.out(global_add_pool(near * nodes, jets.batch) / 30)


# %%
# Trained alike
# -------------
#
# Third comes our transformer, made small: the same jets, the same passes over them, the same test.

torch.manual_seed(1)  # of the strangers' first weights
common = {"epochs": 5, "batch": 64, "learning_rate": 5e-3, "quiet": True}
models = {
    "CNN": cv.train(cv.models.Tagger(Images(), inputs="dense"), train, **common),
    "graphs": cv.train(cv.models.Tagger(Graph(), inputs="graph", neighbours=4), train, **common),
    "ours": cv.train("jet-tagger", train, hits=64, width=32, layers=1, **common),
    "ours, shipped": cv.pretrained("jet-tagger"),
}
results = {name: model.evaluate(test) for name, model in models.items()}

figure, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
for name, found in results.items():
    auc, weights = found["auc"], models[name].budget["parameters"]
    print(f"{name:14} AUC {auc.value:.3f} ± {auc.error:.3f}, {weights:,} weights")
    ax.errorbar(auc.value, name, xerr=auc.error, fmt="o", capsize=3)
ax.set(xlabel="area under the ROC curve", xlim=(0.5, 0.9))
ax.invert_yaxis()
plt.show()

# %%
# All that is measured of one of them:

results["CNN"]

# %%
# From here
# ---------
#
# ``models["CNN"].save("runs/cnn")`` keeps it; ``cv.load_model("runs/cnn", module=Images())`` brings
# it back; ``.export("cnn.onnx")`` is for ONNX Runtime. Networks on hits take ``inputs="hits"``,
# autoencoders are ``cv.models.Autoencoder(module)``. For a loop of your own,
# ``jets.dataset("dense")`` is a data set for PyTorch's ``DataLoader``.
