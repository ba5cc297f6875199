from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calovision.events.events import Events
from calovision.features.jet_shapes import WINDOW_CORE
from calovision.models.taggers.out_of_distribution import Domain, domain_features


def test_features_are_the_logs_of_hits_sums_and_peaks(toy_jets: Events) -> None:
    table = np.expm1(domain_features(toy_jets)[3])
    one = toy_jets[3]
    for c in range(3):
        energy = one.energy[one.channel == c]
        expected = [len(energy), energy.sum(), energy.max(initial=0)]
        assert np.allclose(table[c:9:3], expected, rtol=1e-4)


def test_core_energy_is_that_around_the_centre(toy_jets: Events) -> None:
    one = toy_jets[3]
    expected = one.energy[one.geometry.radius(one.cell) < WINDOW_CORE].sum()
    assert np.isclose(np.expm1(domain_features(toy_jets)[3, 9]), expected, rtol=1e-4)


def test_limits_leave_out_the_stated_share() -> None:
    rng = np.random.default_rng(1)
    domain = Domain(4)
    table = rng.normal(size=(400_000, 4)).astype(np.float32)
    domain.fit(table)
    assert 0.8e-3 < domain.out_of_distribution(table).mean() < 1.01e-3
    for far in (-6.0, 6.0):
        assert domain.out_of_distribution(np.array([[0, far, 0, 0]], np.float32)).all()


def test_harder_jets_are_out_of_distribution_and_like_ones_are_not(
    make_jets: Callable[[int, int], Events],
) -> None:
    train, same = make_jets(2000, 1), make_jets(1000, 2)
    domain = Domain(10)
    domain.fit(domain_features(train))
    assert domain.out_of_distribution(domain_features(train)).mean() <= 0.011
    assert domain.out_of_distribution(domain_features(same)).mean() < 0.01
    hard = replace(same, value=same.value * 5)
    assert domain.out_of_distribution(domain_features(hard)).mean() > 0.95
