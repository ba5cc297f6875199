"""Energies adjusted to shapes that were asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from plain_shapes import axes, shapes

from calovision.events.events import Events
from calovision.models.generators.splitting.moment_matching import TOLERANCE, MomentTargets, adjust

LEAST = np.array([0.2, 0.05, 0.3])  #: GeV


def wanted(events: Events) -> MomentTargets:
    """Shapes and axes that the events have."""
    about = axes(events)
    return MomentTargets(shapes(events, about), about)


def energies(events: Events, gev: np.ndarray) -> Events:
    """The events with other energies."""
    units = np.array([c.gev_per_unit * c.block**2 for c in events.geometry.channels])
    return replace(events, value=(gev / units[events.channel]).astype(np.float32))


def spoiled(events: Events, much: float) -> tuple[Events, np.ndarray]:
    """Events above the thresholds, and with energies that are wrong by a factor at random."""
    rng = np.random.default_rng(2)
    true = energies(events, events.energy + LEAST[events.channel])
    wrong = events.energy * np.exp(rng.normal(0, much, len(events.energy)))
    return true, wrong.astype(np.float64)


def adjusted(events: Events, excess: np.ndarray, aims: MomentTargets) -> np.ndarray:
    """Energies above threshold after adjusting, GeV."""
    found, geometry = excess.copy(), events.geometry
    index = events.owner * 3 + events.channel
    ends = np.cumsum(np.bincount(index, minlength=3 * len(events))).reshape(-1, 3)
    places = (geometry.eta(events.cell), geometry.phi(events.cell))
    adjust(found, ends, *(x.astype(np.float64) for x in places), LEAST, aims)
    return found


def away(events: Events, gev: np.ndarray, aims: MomentTargets) -> np.ndarray:
    """``(n, 2, 6)`` what is missing, in tolerances; HCAL has too few hits."""
    lit = (events.counts() > 3)[..., None]
    found = shapes(energies(events, gev), aims.axes)
    return (((found - aims.shapes) * lit) / TOLERANCE)[:, :2]


def test_energies_get_the_shape_and_channels_keep_what_they_have(toy_jets: Events) -> None:
    true, wrong = spoiled(toy_jets, 0.1)
    least, asked = LEAST[true.channel], wanted(true)
    found = adjusted(true, wrong, asked)
    before, after = (np.abs(away(true, x + least, asked)) for x in (wrong, found))
    assert np.quantile(before, 0.9) > 2
    assert np.quantile(after, 0.9) < 0.5
    index = true.owner * 3 + true.channel
    sums = [np.bincount(index, x) for x in (wrong, found)]
    np.testing.assert_allclose(sums[1], sums[0], rtol=1e-9)
    assert (found >= 0).all()


def test_what_has_its_shape_stays_as_it_is(toy_jets: Events) -> None:
    true, _ = spoiled(toy_jets, 0.0)
    excess = true.energy - LEAST[true.channel]
    found = adjusted(true, excess, wanted(true))
    np.testing.assert_allclose(found, excess, rtol=1e-4, atol=1e-6)


def test_what_cannot_have_the_shape_is_not_changed_much(toy_jets: Events) -> None:
    true, wrong = spoiled(toy_jets, 0.0)
    asked = wanted(true)
    turned = MomentTargets(asked.shapes[::-1].copy(), asked.axes)  # shapes of quite other jets
    found = adjusted(true, wrong, turned)
    assert np.isfinite(found).all()
    changed = np.log(found[wrong > 0] / wrong[wrong > 0])
    assert 0.01 < changed.std() < 1.0
    alone = (np.bincount(true.owner * 3 + true.channel) == 1)[true.owner * 3 + true.channel]
    np.testing.assert_allclose(found[alone], wrong[alone])
