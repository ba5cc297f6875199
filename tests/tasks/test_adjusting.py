"""Energies adjusted to shapes that were asked for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from calovision.events.events import Events
from calovision.tasks import adjusting, settling
from calovision.tasks.adjusting import LARGE, TOLERANCE, Aims, adjust
from calovision.tasks.totals import BY_ENERGY, CORE, aims, learned, totals

LEAST = np.array([0.2, 0.05, 0.3])  #: GeV


def wanted(events: Events) -> Aims:
    """Shapes and axes that the events have."""
    table = totals(events, np.zeros(3, np.float32), np.random.default_rng(1))
    asked = aims(table, len(learned(events)), np.zeros(3, np.float32), events.geometry)
    return Aims(asked[:, :-2].reshape(len(events), -1, BY_ENERGY), asked[:, -2:])


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


def adjusted(events: Events, excess: np.ndarray, aims: Aims) -> np.ndarray:
    """Energies above threshold after adjusting, GeV."""
    found, geometry = excess.copy(), events.geometry
    index = events.owner * 3 + events.channel
    ends = np.cumsum(np.bincount(index, minlength=3 * len(events))).reshape(-1, 3)
    places = (geometry.eta(events.cell), geometry.phi(events.cell))
    adjust(found, ends, *(x.astype(np.float64) for x in places), LEAST, aims)
    return found


def away(events: Events, gev: np.ndarray, aims: Aims) -> np.ndarray:
    """``(n, 2, BY_ENERGY)`` what is missing, in tolerances; HCAL has too few hits."""
    lit = (events.counts() > 3)[..., None]
    found = wanted(energies(events, gev)).shapes
    return (((found - aims.shapes) * lit) / TOLERANCE)[:, :2]


def test_energies_get_the_shape_and_channels_keep_what_they_have(
    toy_jets: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adjusting, "LARGE", 10 * LARGE)  # as far as it takes
    true, wrong = spoiled(toy_jets, 0.4)
    least, asked = LEAST[true.channel], wanted(true)
    found = adjusted(true, wrong, asked)
    before, after = (np.abs(away(true, x + least, asked)) for x in (wrong, found))
    assert np.quantile(before, 0.9) > 5
    assert np.quantile(after, 0.9) < 1
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
    turned = Aims(asked.shapes[::-1].copy(), asked.axes)  # shapes of quite other jets
    found = adjusted(true, wrong, turned)
    assert np.isfinite(found).all()
    changed = np.log(found[wrong > 0] / wrong[wrong > 0])
    assert 0.01 < changed.std() < 1.0
    alone = (np.bincount(true.owner * 3 + true.channel) == 1)[true.owner * 3 + true.channel]
    np.testing.assert_allclose(found[alone], wrong[alone])


def test_what_is_left_undone_on_average_is_asked_for_in_addition(
    toy_jets: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cores are made too weak, and adjusting alone goes only part of the way."""
    monkeypatch.setattr(adjusting, "LARGE", LARGE / 6)
    true, wrong = spoiled(toy_jets, 0.05)
    weak = toy_jets.geometry.radius(true.cell) < CORE
    wrong *= np.where(weak, 0.7, 1.0)
    asked = wanted(energies(true, wrong / np.where(weak, 0.7, 1.0) + LEAST[true.channel]))
    task = SimpleNamespace(
        leads=torch.zeros(3, BY_ENERGY, dtype=torch.float64), quantiles=Mock(), config=None
    )

    def grown(*_: object) -> Events:
        found = adjusted(true, wrong, asked.ahead(task.leads.numpy()))
        return energies(true, found + LEAST[true.channel])

    monkeypatch.setattr(settling, "grown", grown)
    monkeypatch.setattr(settling, "shapes_of", lambda *_: asked)

    def lacking() -> float:
        missing = (asked.shapes - wanted(grown()).shapes)[:, :2].mean(0) / TOLERANCE
        return float(np.abs(missing).mean())

    before, none = lacking(), np.zeros(0)
    settling.what_to_ask_for(task, none, none, np.random.default_rng(1))  # type: ignore[arg-type]
    assert before > 0.5
    assert lacking() < 0.5 * before
