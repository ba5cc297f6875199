"""How much of a Gaussian latent code is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.metrics.value import Floats, same_length

ACTIVE_VARIANCE = 0.01  #: threshold of arXiv:1509.00519


def active_units(mean: NDArray[np.floating], threshold: float = ACTIVE_VARIANCE) -> int:
    """Number of latent dimensions whose mean varies between events (arXiv:1509.00519).

    Args:
        mean: ``(n, d)`` posterior means.
        threshold: variance over events above which a dimension counts.
    """
    same_length(mean)
    return int((np.var(mean, axis=0) > threshold).sum())


def kl_bits(mean: NDArray[np.floating], log_variance: NDArray[np.floating]) -> Floats:
    """Mean information per latent dimension, in bits.

    The Kullback-Leibler divergence of the posterior from a standard normal prior, averaged over
    events: ``(mean^2 + var - 1 - log var) / (2 ln 2)``.

    Args:
        mean: ``(n, d)`` posterior means.
        log_variance: ``(n, d)`` natural logarithm of the posterior variances.

    Returns:
        ``(d,)`` bits.
    """
    same_length(mean, log_variance, what="latent means and variances")
    mu, log_var = mean.astype(np.float64), log_variance.astype(np.float64)
    nats = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var)
    bits: Floats = nats.mean(axis=0) / np.log(2)
    return bits
