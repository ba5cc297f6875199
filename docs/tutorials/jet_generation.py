"""
Generate jets
=============

A generator makes jets without a simulation: a flow draws a jet's totals, and a cascade of cuts
shares hits and energy among ever smaller cells. This notebook trains a small one on 100 jets and
judges it beside the one that comes with the package. The toy gives itself away; how far the
other's jets are from the simulation is measured in :doc:`the study </jet-generation>`.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.metrics.observables import observable_matrix, observable_units, observables
from calovision.metrics.two_sample import classifier_auc
from calovision.metrics.wasserstein import w1_observables
from calovision.tasks.config import load_config
from calovision.tasks.generator import generated
from calovision.tasks.models import load_generator
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.request import Request
from calovision.tasks.rundir import RunDir
from calovision.tasks.training import train

work = Path(tempfile.mkdtemp())

# %%
# Training
# --------
#
# ``calovision train jet-generator --data jets --out runs/generator``, made small.

store = EventStore.open("../../examples/jets")
toy = {"width": 16, "head": 8, "flow": 32, "events": 100, "epochs": 4, "batch": 25}
toy |= {"select": 0}  # keep all that it makes
run = train(load_config("jet-generator", overrides=toy), store, work / "generator", quiet=True)
print(f"{run.budget()['parameters']:,} weights, {run.budget()['steps']} steps")

# %%
# New jets, on request
# --------------------
#
# Both models are asked for jets of both classes of 80 to 160 GeV. Totals are drawn until they
# meet the condition, so that every jet does.

runs = {"toy": run, "shipped": RunDir(pretrained_run("jet-generator"))}
models = {name: load_generator(found) for name, found in runs.items()}
request = Request(ranges={"pt": (80.0, 160.0)})
made = {name: generated(model, 200, request, seed=1) for name, model in models.items()}
pt = made["shipped"].columns["pt"]
print(f"{len(pt)} jets, pt {pt.min():.1f} to {pt.max():.1f} GeV")

# %%
# How far are they from the simulation?
# -------------------------------------
#
# The Wasserstein-1 distance of an observable, in its unit. Two halves of the simulated jets
# differ as well, by chance: that is the floor, and nothing can be expected to be better.

pt = store.column("pt")
alike = store[np.flatnonzero((pt > 80) & (pt < 160))]
true, others = alike[::2], alike[1::2]
sets = {"floor": others, **made}
units = observable_units(true)


def few(events: Events) -> dict[str, np.ndarray]:
    """Some observables of every event."""
    shown = ("n_track", "n_hit_ecal", "sum_e_ecal", "girth_ecal")
    return {k: v for k, v in observables(events).items() if k in shown}


for name, events in sets.items():
    found = w1_observables(few(true), few(events), units=units, seed=1)
    told = (f"{k.removeprefix('w1_')} {m.value:.3g} {m.unit}".strip() for k, m in found.items())
    print(f"{name:8} {', '.join(told)}")

# %%
# One number for all observables together: can boosted trees tell the jets from simulated ones? An
# AUC of 0.5 means that they cannot. On so few jets the trees are not sharp; the study has 20,000
# of each.

for name, events in sets.items():
    matrices = observable_matrix(true)[0], observable_matrix(events)[0]
    found = classifier_auc(*matrices, paired=False, seed=1, folds=2)
    print(f"{name:8} AUC of trees {found.value:.3f} ± {found.error:.3f}")

# %%
# Energy in the ECAL, jet by jet:

edges = np.linspace(0, 200, 26)
for name, events in {"simulated": true, **made}.items():
    plt.hist(events.sums()[:, 1], edges, histtype="step", density=True, label=name)
plt.xlabel("ECAL energy, GeV")
plt.ylabel("jets (normalised)")
plt.legend()
plt.show()

# %%
# From here
# ---------
#
# ``calovision generate --pretrained --events 20000 --out made`` makes a set, ``calovision compare
# jets made`` judges it, and ``calovision study jet-generation --scale quick --out generation``
# trains ours and the published diffusion model and reports on both.
