from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.definitions import definition
from calovision.metrics.posterior import log_posteriors


def test_means_with_errors_and_weights() -> None:
    posterior = np.log([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
    found = log_posteriors(posterior, ["a", "b", "my_set"])
    assert found["log_posterior_a"].value == pytest.approx(np.log(0.125) / 2)
    assert found["log_posterior_a"].error == pytest.approx(np.log(2) / 2)
    assert found["log_posterior_my_set"].error == 0
    weighted = log_posteriors(posterior, ["a", "b", "c"], np.array([1.0, 0.0]))
    assert weighted["log_posterior_a"].value == pytest.approx(np.log(0.5))
    assert definition("log_posterior_my_set").label == "my_set: mean log posterior"


def test_other_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="3 posteriors of 2 generators"):
        log_posteriors(np.zeros((4, 3)), ["a", "b"])
    with pytest.raises(InputError, match="NaN"):
        log_posteriors(np.full((4, 2), np.nan), ["a", "b"])
