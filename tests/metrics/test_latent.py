from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.metrics.latent import active_units, kl_bits


def test_active_units_are_those_that_vary():
    mean = np.random.default_rng(0).normal(size=(500, 4)) * [1, 0.5, 0.01, 0] + 3
    assert active_units(mean) == 2


def test_kl_agrees_with_torch():
    rng = np.random.default_rng(1)
    mean, log_variance = rng.normal(size=(2, 50, 3))
    posterior = torch.distributions.Normal(
        torch.from_numpy(mean), torch.from_numpy(np.exp(log_variance / 2))
    )
    nats = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    np.testing.assert_allclose(kl_bits(mean, log_variance), nats.mean(0).numpy() / np.log(2))


def test_kl_of_the_prior_is_zero_and_lengths_must_match():
    assert kl_bits(np.zeros((5, 2)), np.zeros((5, 2))).tolist() == [0, 0]
    with pytest.raises(InputError):
        kl_bits(np.zeros((5, 2)), np.zeros((4, 2)))
