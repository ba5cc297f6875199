"""Deep learning on particle-physics detector images, from collision to report.

One import is enough for notebooks and scripts; names load on first use, and ``help`` of each is a
page, such as ``help(cv.train)``::

    import calovision as cv

Events, in memory (``Events``) or on disk (``EventStore``): energies in GeV, angles in rad::

    jets = cv.simulate.jets(2000, seed=1)      # or simulate.egamma, simulate.digits
    jets.label, jets.pt, jets["gen_pt"]        # per event; jets.energy, .eta, .phi: per hit
    jets[jets.pt > 100], jets.select("pt > 100 and label == quark")
    train, test = jets.split(train=0.8, test=0.2, seed=1)
    jets.plot(0), jets.mean_image().plot(), jets.to_hist("pt", by="label")
    jets.to_dense(), jets.to_awkward(), jets.to_pandas(), jets.to_torch(), jets.to_pyg()
    jets.dataset("hits")                       # for a DataLoader of one's own
    cv.observables(jets).table()               # track multiplicity, girth, shower shapes, ...

    open load save                             a set on disk, a public file
    convert fetch export                       public files to sets and back
    from_images from_particles                 one's own arrays, HepMC, ROOT
    concatenate merge split select             sets made of sets
    calibrate                                  the detector, to published numbers
    JET_IMAGES EGAMMA_CROPS Geometry Channel   grids, layers and units

Models::

    model = cv.train("jet-tagger", train)      # jet-vae, jet-generator, egamma, symmetry
    model = cv.train(cv.models.Tagger(module, inputs="dense"), train)    # any torch.nn.Module
    model = cv.fine_tune(cv.pretrained("jet-tagger"), train, epochs=3)
    model = cv.load_model("runs/tagger")       # a Model; model.save, .export, .to("cuda")
    model.predict(test)                        # Scores: .probability, .logit, .plot_roc
    model.reconstruct(test)                    # a VAE's Reconstruction: .events, .latent, .bits
    model.compress(test, "jets.cv")            # Compressed: bits; model.decompress("jets.cv")
    model.generate(1000, label="gluon", pt=(100, 140))
    model.discover(cv.simulate.digits())       # a Symmetry: .generators, .plot_orbit()

What it is worth: ``Results`` of metrics with errors, units and truth-against-truth floors::

    found = model.evaluate(test)               # events that it was trained on are left out
    found = cv.compare(truth, made)            # metrics= takes names and functions
    found["fpd"].value, .error, .floor         # a Metric
    found.table(), found.plot(), found.to_json()
    cv.rank(truth, {"a": made, "b": other})    # which of several is nearest to the truth
    cv.scoreboard(taggers, sets)               # a Scoreboard: several taggers on several sets
    cv.study("jet-tagging", out="tagging")     # ours beside the published one, with a report
    cv.report(["runs/tagger"], out="report.html"), cv.view(jets, out="display.html")

Bad input raises ``InputError``, one line that says what to do. The command ``calovision`` does the
same from a shell.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
