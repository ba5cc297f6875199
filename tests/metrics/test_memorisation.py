from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import concatenate
from calovision.metrics.memorisation import copies, memorised, nearest_distance


def normal(n, seed, k=6):
    return np.random.default_rng(seed).normal(size=(n, k)) * np.arange(1, k + 1)


def test_new_true_events_are_as_near_as_held_out_ones():
    metric = memorised(normal(4000, 1), normal(3000, 2), normal(4000, 3), seed=1, quantile=0.05)
    assert metric.floor == 0.05
    assert not metric.higher_is_better
    # two binomials: of the share itself and of the threshold
    assert metric.error == pytest.approx(np.sqrt(2 * 0.05 * 0.95 / 4000), rel=0.25)
    assert abs(metric.value - 0.05) < 4 * metric.error


def test_planted_neighbours_are_found():
    training, fresh = normal(3000, 2), normal(1000, 1)
    fresh[:100] = training[:100] * 1.001
    metric = memorised(fresh, training, normal(2000, 3), seed=1)
    assert metric.value == pytest.approx(0.11, abs=0.02)
    assert metric.value > metric.floor + 5 * metric.error


def test_the_scale_of_an_observable_and_constant_ones_do_not_matter():
    sets = [normal(500, i) for i in (1, 2, 3)]
    stretched = [np.column_stack([x * [1, 1e3, 1, 1e-3, 1, 1] + 5, np.ones(500)]) for x in sets]
    plain = memorised(*sets, seed=1, quantile=0.2)
    assert plain.value == memorised(*stretched, seed=1, quantile=0.2).value
    assert plain.value > 0


def test_far_events_are_not_memorised_and_the_error_is_not_zero():
    metric = memorised(normal(500, 1) + 100, normal(500, 2), normal(500, 3), seed=1)
    assert metric.value == 0
    assert metric.error >= 1 / 500


def test_nearest_distance_is_the_smallest_of_all():
    a, b = normal(40, 1), normal(70, 2)
    every = np.linalg.norm(a[:, None] - b[None], axis=2)
    assert nearest_distance(a, b) == pytest.approx(every.min(axis=1))
    assert (nearest_distance(b[:5], b) == 0).all()


@pytest.mark.parametrize("bad", [normal(49, 1), normal(60, 1, k=5), np.full((60, 6), np.inf)])
def test_bad_samples_are_refused(bad):
    with pytest.raises(InputError):
        memorised(bad, normal(60, 1), normal(60, 2), seed=1)


def test_planted_copies_are_counted_even_reordered_and_rounded(make_jets):
    training, new = make_jets(300, 1), make_jets(60, 2)
    assert copies(new, training) == 0
    planted = concatenate([training[[5, 250]], new, training[[17]]])
    assert copies(planted, training) == 3
    noise = np.random.default_rng(1).normal(1, 1e-7, len(planted.value))
    rounded = replace(planted, value=(planted.value * noise).astype(np.float32))
    assert copies(rounded, training) >= 2
    order = np.concatenate(
        [np.arange(s, e)[::-1] for s, e in zip(planted.offsets, planted.offsets[1:], strict=False)]
    )
    turned = replace(
        planted, cell=planted.cell[order], code=planted.code[order], value=planted.value[order]
    )
    assert copies(turned, training) == 3


def test_another_cell_channel_or_energy_is_no_copy(toy_jets):
    same = toy_jets[:20]
    assert copies(same, toy_jets) == 20
    first = same.offsets[:-1]
    for change in (
        {"cell": same.cell ^ np.isin(np.arange(len(same.cell)), first)},
        {"code": same.code ^ np.isin(np.arange(len(same.code)), first)},
        {"value": same.value * np.where(np.isin(np.arange(len(same.value)), first), 1.02, 1)},
    ):
        assert copies(replace(same, **change), toy_jets) == 0


def test_events_without_hits_are_no_copies(toy_jets, blank):
    assert copies(blank, blank) == 0
    assert copies(blank, toy_jets) == 0
