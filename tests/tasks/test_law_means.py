"""Means and variances of laws against the laws themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.networks.laws import COUNT, ENERGY, count_log_prob
from calovision.networks.splitter import energy_sample
from calovision.tasks.law_means import count_parts, energy_parts


def test_means_and_variances_are_those_of_the_laws() -> None:
    generator, many = torch.Generator().manual_seed(1), 60_000
    for high, exact in ((1, True), (4, True), (30, False)):
        law = 0.5 * torch.randn(1, COUNT, generator=generator)
        limits = np.array([[0, high]], np.float32)
        whole = np.full((1, 1, 2), 30, np.float32)
        counts = torch.arange(high + 1).float()
        given = law.expand(high + 1, -1), counts, torch.zeros(high + 1), counts * 0 + high
        chance = count_log_prob(*given).exp().double().numpy()
        part = np.arange(high + 1) / 30
        mean = (chance * part).sum()
        variance = (chance * (part - mean) ** 2).sum()
        found = count_parts(0, np.array([0]), law.numpy(), limits, whole)[0]
        assert found[0] == pytest.approx(mean, abs=1e-6 if exact else 0.05)
        assert found[1] == pytest.approx(variance, rel=1e-3 if exact else 0.4)
    law = 0.7 * torch.randn(1, ENERGY, generator=generator)
    drawn = energy_sample(law.expand(many, -1), torch.rand(many, 2, generator=generator)).double()
    first = np.full((1, 1, 2), 3, np.float32)
    found = energy_parts(0, np.array([0]), law.numpy(), whole, first)[0]
    assert found[0] == pytest.approx(float(drawn.mean()), abs=0.02)
    assert found[1] == pytest.approx(float(drawn.var()), rel=0.25)
    nothing = energy_parts(0, np.empty(0, np.int64), law.numpy(), whole, whole)
    assert nothing.tolist() == [[1.0, 0.0]]
