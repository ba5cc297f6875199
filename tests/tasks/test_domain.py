from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from calovision.events.events import Events
from calovision.tasks.domain import Domain, domain_features


def test_features_are_the_logs_of_hits_sums_and_peaks(toy_jets: Events) -> None:
    table = np.expm1(domain_features(toy_jets)[3])
    one = toy_jets[3]
    for c in range(3):
        energy = one.energy[one.channel == c]
        expected = [len(energy), energy.sum(), energy.max(initial=0)]
        assert np.allclose(table[c::3], expected, rtol=1e-4)


def test_distance_of_a_gaussian_is_in_standard_deviations() -> None:
    rng = np.random.default_rng(1)
    mix = np.array([[2.0, 0.0], [1.5, 0.5]])
    domain = Domain(2)
    domain.fit((rng.normal(size=(50_000, 2)) @ mix.T + 3).astype(np.float32))
    away = torch.tensor(mix @ np.array([0.0, 5.0]) + 3, dtype=torch.float32)
    assert torch.allclose(domain(away[None]), torch.tensor([5.0]), rtol=0.03)


def test_harder_jets_are_foreign_and_like_ones_are_not(
    make_jets: Callable[[int, int], Events],
) -> None:
    train, same = make_jets(2000, 1), make_jets(1000, 2)
    domain = Domain(9)
    domain.fit(domain_features(train))
    assert domain.foreign(domain_features(train)).mean() <= 0.0011
    assert domain.foreign(domain_features(same)).mean() < 0.01
    hard = replace(same, value=same.value * 5)
    assert domain.foreign(domain_features(hard)).mean() > 0.95
