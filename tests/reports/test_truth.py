"""Particles before the detector in the event display."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

import calovision as cv
from calovision.events.events import Events
from calovision.reports.truth import CHARGED, truth
from calovision.reports.view import Shown, page

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def jets() -> Events:
    return cv.simulate.jets(40, seed=31, pileup=0, particles=True, quiet=True).load()


def test_charged_particles_point_at_their_tracks(jets: Events) -> None:
    found = truth(jets)
    assert found is not None
    lit = jets.to_dense()[:, 0] > 0
    owner = np.repeat(np.arange(len(jets)), np.diff(found.offsets))
    pitch = jets.geometry.pitch
    row, col = (
        np.floor(x / p + n / 2).astype(int)
        for x, p, n in zip((found.eta, found.phi), pitch, lit.shape[1:], strict=True)
    )
    mine = (found.kind == CHARGED) & (found.pt > 2)
    assert mine.sum() > 100
    # tracks are found with an efficiency of 93 %
    assert lit[owner[mine], row[mine], col[mine]].mean() > 0.85
    hardest = [found.pt[a:b] for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    assert all(np.all(np.diff(pt) <= 0) for pt in hardest)


def test_sets_without_particles_have_none(toy_jets: Events) -> None:
    assert truth(toy_jets) is None


def test_they_are_drawn_on_request(jets: Events, show_page: Callable[..., Page]) -> None:
    shown = show_page(page("jets", [Shown("simulated", jets[:2])]))
    canvas = shown.locator("canvas.view").first
    picture = "canvas => canvas.toDataURL()"
    before = canvas.evaluate(picture)
    shown.get_by_label("particles").check()
    assert canvas.evaluate(picture) != before
    shown.get_by_label("particles").uncheck()
    assert canvas.evaluate(picture) == before


def test_without_particles_there_is_no_such_choice(
    toy_jets: Events, show_page: Callable[..., Page]
) -> None:
    shown = show_page(page("jets", [Shown("toys", toy_jets[:2])]))
    assert shown.locator("#has-truth").is_hidden()
