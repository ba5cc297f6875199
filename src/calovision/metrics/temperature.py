"""How far probabilities would have to be drawn together, or apart, to be right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import logit

from calovision.metrics.bootstrap import Floats, bootstrap
from calovision.metrics.classification import check, checked_weights
from calovision.metrics.groups import CLASSIFICATION
from calovision.metrics.value import Definition, Metric

_REPLICAS = 40  #: each takes a minimisation
_RANGE = (-4.0, 4.0)  #: of its logarithm
_EDGE = 1e-7  #: probabilities are kept so far from 0 and 1
DEFINITIONS = {
    "temperature": Definition(
        "temperature",
        "By what the log odds of the probabilities have to be divided to give these events their "
        "highest likelihood.",
        CLASSIFICATION,
        good="1 for calibrated probabilities, more where they are too sure of themselves, less "
        "where they are too timid.",
        source="arXiv:1706.04599",
    )
}


def temperature(
    probabilities: ArrayLike, labels: ArrayLike, *, seed: int, weights: ArrayLike | None = None
) -> Metric:
    """The temperature of probabilities, with its bootstrap error.

    Args:
        probabilities: ``(n,)`` probability of class 1.
        labels: ``(n,)`` 0 or 1.
        seed: of the bootstrap.
        weights: ``(n,)`` event weights.

    Raises:
        InputError: probabilities, labels or weights that do not fit.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> p = rng.random(20_000)
        >>> label = rng.random(20_000) < p
        >>> sure = 1 / (1 + (1 / p - 1) ** 2)  # log odds twice as large
        >>> round(temperature(sure, label, seed=1).value, 1)
        2.0
    """
    probability, label = check(probabilities, labels)
    weight = checked_weights(weights, label)
    odds = logit(np.clip(probability, _EDGE, 1 - _EDGE))

    def best(of: Floats | None) -> float:
        w = np.ones(len(odds)) if of is None else of

        def loss(log_t: float) -> float:
            z = odds * np.exp(-log_t)
            return float(w @ (np.logaddexp(0, z) - label * z))

        found = minimize_scalar(loss, bounds=_RANGE, method="bounded", options={"xatol": 1e-4})
        return float(np.exp(found.x))

    error = bootstrap(best, len(odds), seed, _REPLICAS, weight)
    return DEFINITIONS["temperature"].measured(best(weight), float(error))
