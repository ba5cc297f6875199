"""What a cascade learns from the jets that it makes: the right way round, for every label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.splitting.sampling import sample_global_features
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import build

#: what to ask for in addition takes most of the time, and is not looked at here
SMALL = {"width": 16, "head": 8, "flow": 16, "steps": 2, "offsets": {"events": 20}}


def untrained(events: Events, select: int) -> CascadeTask:
    config = load_config("jet-generator", "cascade", overrides=SMALL | {"select": select})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        task = build(config, events.geometry, events)
    assert isinstance(task, CascadeTask)
    task.chunk = 60  # type: ignore[misc]
    return task.eval()


def inner(events: Events) -> NDArray[np.float64]:
    """``(n,)`` share of the ECAL's energy within 0.2 rad of the middle, which no total tells."""
    energy = events.energy * (events.channel == 1)
    near = events.geometry.radius(events.cell) < 0.2
    inside, whole = (np.bincount(events.owner, e, len(events)) for e in (energy * near, energy))
    return np.asarray(inside / whole)


def test_events_are_selected_towards_the_truth(toy_jets: Events) -> None:
    """Of what a generator makes, the narrower half plays the truth: what is kept is narrower."""
    task = untrained(toy_jets, select=150)
    pool = task.proposed(Request(), 320, np.random.default_rng(5))
    share = inner(pool)
    task.fit_postprocessing(pool[share > np.quantile(share, 0.5)], quiet=True)
    kept = inner(generated(task, 60, Request(), seed=3)).mean()
    every = inner(generated(task, 60, Request(reject=False), seed=3)).mean()
    assert kept > every + 0.01


def test_totals_are_selected_for_their_own_label(make_jets: Callable[..., Events]) -> None:
    """The flow knows no labels yet; jets of label 1 have more hits, of label 0 fewer."""
    jets = make_jets(1200, 3)
    hits = jets.counts()[:, 1]
    jets.columns["label"] = (hits > np.quantile(hits, 0.3)).astype(np.int8)
    task = untrained(jets, select=0)
    task.fit_postprocessing(jets, quiet=True)
    column = len(task.columns) + 3 * 7 + 1  # ECAL hits
    found = {}
    for label in (0, 1):
        rng = np.random.default_rng(label)
        normal, labels = sample_global_features(task, Request(label), 500, rng, None)
        assert (labels == label).all()
        found[label] = normal[:, column].mean()
    assert found[0] < -0.2
    assert found[1] > 0.08
    both, labels = sample_global_features(task, Request(), 500, np.random.default_rng(2), None)
    assert labels.mean() == pytest.approx(jets.label.mean(), abs=0.08)
    assert both[labels == 1, column].mean() > both[labels == 0, column].mean() + 0.4
