"""Deep learning on particle-physics detector images, from collision to report.

The front door of notebooks and scripts; names load on first use::

    import calovision as cv

    jets = cv.simulate.jets(2000, seed=1)      # Events: hits in GeV, labels, pt, m0
    jets[jets.pt > 100], jets.select("pt > 100 and label == quark")
    jets.plot(0), jets.mean_image().plot(), jets.to_hist("pt", by="label")
    store = cv.save(jets, "jets")              # EventStore: the same, on disk
    train, test = store.split(train=0.8, test=0.2, seed=1)
    cv.compare(train, test)                    # how far apart, beside truth against truth

Sets of events: ``open``, ``load``, ``save``, ``concatenate``, ``merge``, ``split``, ``select``,
``convert``, ``export``, ``fetch``, ``from_images``, ``from_particles``; ``help`` of each is a page.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
