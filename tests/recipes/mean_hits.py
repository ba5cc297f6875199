"""The mean number of hits: a stranger's metric, as a whole."""

from __future__ import annotations

from calovision.events.events import Events
from calovision.metrics.groups import GENERATED
from calovision.metrics.value import Definition

DEFINITIONS = {
    "mean_hits": Definition(
        "mean number of hits",
        "Difference of the mean number of hits of an event.",
        GENERATED,
        unit="hits",
        higher_is_better=False,
    ),
}


def mean_hits(truth: Events, made: Events) -> float:
    """Difference of the mean number of hits."""
    return float(abs(truth.n_hits.mean() - made.n_hits.mean()))


COMPARED = {"mean_hits": mean_hits}
