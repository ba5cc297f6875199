"""Energy response: reconstructed over true energy, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calovision.events import weighting
from calovision.events.weighting import quantiles
from calovision.metrics.bootstrap import Floats, bootstrap_sums, event_weights, summed
from calovision.metrics.groups import RESPONSE
from calovision.metrics.pairs import check_pair
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from calovision.events.events import Events

#: half the central 68.27 % interval equals one standard deviation of a Gaussian
CENTRAL = (0.15866, 0.84134)
_MEAN = Definition(
    "energy response", "Mean of reconstructed over true energy.", RESPONSE, target=1.0, ratio=False
)
_SPREAD = Definition(
    "energy resolution",
    "Standard deviation of that ratio over jets.",
    RESPONSE,
    higher_is_better=False,
)
_WIDTH = Definition(
    "energy resolution, central 68 %",
    "The same, blind to rare outliers.",
    RESPONSE,
    higher_is_better=False,
)
DEFINITIONS = {
    "response[_CHANNEL]": _MEAN,
    "resolution[_CHANNEL]": _SPREAD,
    "resolution68[_CHANNEL]": _WIDTH,
}


def responses(true: Events, rec: Events) -> list[Floats]:
    """Ratio of summed energies, reconstructed over true, of the events with true energy > 0.

    Args:
        true: ``n`` original events.
        rec: ``n`` reconstructions in the same order.

    Returns:
        Per channel the ratios ``(m,)``, pure numbers, ``m <= n``.

    Raises:
        InputError: the sets do not match.
    """
    check_pair(true, rec)
    before, after = true.sums(), rec.sums()
    return [
        after[before[:, c] > 0, c] / before[before[:, c] > 0, c] for c in range(before.shape[1])
    ]


def _weights(true: Events) -> list[Floats | None]:
    """Per channel the weights of the events that have a response there."""
    weight, before = weighting.of(true, signed=True), true.sums()
    return [None if weight is None else weight[x > 0] for x in before.T]


def _mean_and_spread(total: Floats) -> Floats:
    """Mean and standard deviation from the sums of 1, x and x^2."""
    mean = total[1] / total[0]
    return np.array([mean, np.sqrt(np.maximum(total[2] / total[0] - mean**2, 0))])


def half_width(ratio: Floats, weights: Floats | None = None) -> float:
    """Half the width of the central 68.27 % of the ratios ``(m,)``: tails do not count."""
    low, high = quantiles(ratio, CENTRAL, weights)
    return float(high - low) / 2


def response_metrics(true: Events, rec: Events, *, seed: int) -> dict[str, Metric]:
    """Response and resolution of the summed energy per channel.

    ``response`` is the mean ratio (1 is perfect), ``resolution`` its standard deviation over
    events, ``resolution68`` half the central 68 % interval (robust against events of little
    energy, whose ratio is large by accident). Each has a bootstrap error over events. Channels
    without any energy are left out. Events count by their column ``weight``, of either sign.

    Args:
        true: ``n`` original events.
        rec: ``n`` reconstructions in the same order.
        seed: seed of the bootstrap.

    Returns:
        ``response_{channel}``, ``resolution_{channel}``, ``resolution68_{channel}``.
    """
    found = {}
    every = zip(true.geometry.channel_names, responses(true, rec), _weights(true), strict=True)
    for channel, ratio, weight in every:
        if not len(ratio) or (weight is not None and weight.sum() <= 0):
            continue
        # powers of (x - 1) keep the standard deviation of a near-perfect response accurate
        powers = np.stack([np.ones_like(ratio), ratio - 1, (ratio - 1) ** 2], axis=1)
        mean, spread = _mean_and_spread(summed(powers, weight))
        mean_error, spread_error = bootstrap_sums(powers, _mean_and_spread, seed, weights=weight)
        widths = [half_width(ratio, drawn) for drawn in event_weights(len(ratio), seed, 50, weight)]
        found[f"response_{channel}"] = _MEAN.measured(1 + mean, mean_error)
        found[f"resolution_{channel}"] = _SPREAD.measured(spread, spread_error)
        found[f"resolution68_{channel}"] = _WIDTH.measured(
            half_width(ratio, weight), np.std(widths, ddof=1)
        )
    return found
