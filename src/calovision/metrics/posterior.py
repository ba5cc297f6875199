"""The posterior of several generators: which of them would have made the true events?

A classifier learns which generator made an event, from generated events alone. The mean, over true
events, of the logarithm of the probability that it gives to a generator ranks them: the nearest one
has the largest (arXiv:2410.21611).
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from calovision.errors import InputError
from calovision.metrics.bootstrap import Floats, checked_tables, mean_metric
from calovision.metrics.groups import GENERATED
from calovision.metrics.value import Definition, Metric

DEFINITIONS = {
    "log_posterior_CHANNEL": Definition(  # the name of a generator stands where a channel's does
        "mean log posterior",
        "A network learns which of several generators made an event; this is the mean logarithm of "
        "the probability that it gives the generator for true events.",
        GENERATED,
        ratio=False,
        good="The largest of all: that generator is nearest to the truth. If all are alike, each "
        "has minus the logarithm of their number.",
        source="arXiv:2410.21611",
    ),
    "generator_accuracy": Definition(
        "generators told apart",
        "Share of unseen generated events whose generator the network finds.",
        GENERATED,
        ratio=False,
        good="Above one over the number of generators, else the posteriors say nothing.",
        source="arXiv:2410.21611",
    ),
}


def log_posteriors(
    posterior: ArrayLike, names: Sequence[str], weights: Floats | None = None
) -> dict[str, Metric]:
    """Mean log posterior of every generator, with the standard error of the mean.

    Args:
        posterior: ``(n, k)`` logarithms of the probabilities of the generators for true events.
        names: of the ``k`` generators.
        weights: ``(n,)`` of the events.

    Raises:
        InputError: values that are not finite, no events, or other numbers of generators.
    """
    (table,) = checked_tables(1, true=posterior)
    if table.shape[1] != len(names):
        raise InputError(f"{table.shape[1]} posteriors of {len(names)} generators", "give equals")
    about = DEFINITIONS["log_posterior_CHANNEL"]
    return {
        f"log_posterior_{name}": mean_metric(column, about, weights)
        for name, column in zip(names, table.T, strict=True)
    }
