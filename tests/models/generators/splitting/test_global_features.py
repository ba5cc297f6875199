"""Totals of jets and the normal numbers that they are learned as."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calovision.events.events import Events
from calovision.models.generators.splitting.global_features import (
    GRID,
    QuantileTransformer,
    hits_and_excess,
    learned,
    mirror_signs,
    totals,
)

NONE = np.zeros(3, np.float32)


def test_totals_give_back_hits_and_energies(toy_jets: Events) -> None:
    table = totals(toy_jets, NONE, np.random.default_rng(1))
    assert table.shape == (len(toy_jets), len(learned(toy_jets)) + 27)
    hits, excess = hits_and_excess(table, 3)
    assert np.array_equal(hits, toy_jets.counts())
    np.testing.assert_allclose(excess, toy_jets.sums(), rtol=1e-6, atol=1e-9)


def test_a_dark_channel_has_no_energy_but_a_likely_mean(toy_jets: Events) -> None:
    dark = toy_jets.keep((toy_jets.channel != 2) | (toy_jets.owner > 3))
    table = totals(dark, NONE, np.random.default_rng(1))
    hits, excess = hits_and_excess(table, 3)
    assert (hits[:4, 2] == 0).all()
    assert (excess[:4, 2] == 0).all()
    assert np.isin(table[:4, -1], table[4:, -1]).all()


def test_quantiles_make_normal_numbers_and_lead_back() -> None:
    rng = np.random.default_rng(1)
    table = np.column_stack(
        [rng.exponential(30, 20_000), rng.integers(0, 9, 20_000) + rng.random(20_000)]
    )
    quantiles = QuantileTransformer.of(table)
    normal = quantiles.normal(table)
    assert np.abs(normal.mean(0)).max() < 0.02
    assert np.abs(normal.std(0) - 1).max() < 0.02
    np.testing.assert_allclose(quantiles.values(normal), table, rtol=1e-6, atol=1e-6)
    beyond = quantiles.values(np.full((1, 2), GRID[-1] + 1))
    np.testing.assert_allclose(beyond[0], table.max(0), rtol=1e-6)


def test_equal_values_do_not_break_the_quantiles() -> None:
    table = np.column_stack([np.repeat([1.0, 2.0], 50), np.zeros(100)])
    quantiles = QuantileTransformer.of(table)
    back = quantiles.values(quantiles.normal(table))
    np.testing.assert_allclose(back, table, atol=1e-5)


def test_totals_of_mirrored_images_are_turned(toy_jets: Events) -> None:
    columns = len(learned(toy_jets))
    table = totals(toy_jets, NONE, np.random.default_rng(1))
    factors = mirror_signs(columns, 3)
    for axis, name in ((0, "eta"), (1, "phi")):
        cell = toy_jets.cell.astype(np.int64)
        row, col = cell // 125, cell % 125
        mirrored = (124 - row) * 125 + col if name == "eta" else row * 125 + 124 - col
        other = replace(toy_jets, cell=mirrored.astype(np.uint16))
        there = totals(other, NONE, np.random.default_rng(1))
        np.testing.assert_allclose(there, table * factors[axis], rtol=1e-4, atol=1e-6)
        assert (factors[axis] < 0).sum() == 3


def test_odd_quantiles_know_both_signs_alike() -> None:
    table = np.random.default_rng(1).exponential(1, (5000, 1)) - 0.2
    quantiles = QuantileTransformer.of(table, np.array([True]))
    np.testing.assert_allclose(quantiles.normal(-table), -quantiles.normal(table), atol=1e-5)
