"""Boosted trees on physics observables, for comparison with networks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.training.run import RunDir
from calovision.training.settings import Training
from calovision.utils.files import write_json

TREES = "trees"  #: name of the model
ABOUT = (
    "Boosted decision trees on observables: multiplicity, girth, pTD and more of jets, R9 and "
    "the widths in eta and phi of crops. No network at all."
)
CHUNK_EVENTS = 5000  #: events whose observables are computed at a time


def tree_settings(task: str, overrides: Mapping[str, Any]) -> Training:
    """Settings of boosted trees, which know of a training's only what chooses its events."""
    settings = {"task": task, "model": TREES, "epochs": 1, "batch": 1, "learning_rate": 1}
    return Training.model_validate(settings | dict(overrides))


def table_of(events: Events) -> NDArray[np.float64]:
    """``(n, k)`` observables: of jets, or shower shapes of crops."""
    from calovision.features.observables import observable_matrix
    from calovision.features.shower_shapes import shape_matrix

    if events.geometry.schema == "jets":
        return observable_matrix(events)[0]
    pitch = events.geometry.pitch
    parts = [events[i : i + CHUNK_EVENTS] for i in range(0, len(events), CHUNK_EVENTS)]
    return np.concatenate([shape_matrix(part.to_dense("gev")[:, 0], pitch)[0] for part in parts])


def grow(config: Training, store: EventStore, test: EventStore, out: Path) -> dict[str, Any]:
    """Boosted trees on the same parts of ``store`` as the networks, calibrated as they are.

    Returns:
        ``probability`` ``(n,)`` of class 1 of the test events, ``out_of_distribution`` ``(n,)``,
        and the seconds ``wall_s`` that scoring took.
    """
    from scipy.special import expit, logit

    from calovision.metrics.two_sample import tree_scores
    from calovision.models.taggers.calibration import platt
    from calovision.training.parts import parts_of

    begin = time.perf_counter()
    run = RunDir(out)
    parts = parts_of(store, config)
    data = {"path": str(store.path), "hash": store.hash, "events": len(store)}
    run.start(config, data, resume=True)
    train, held_out = (store[parts[p]] for p in ("train", "validation"))
    table, validation = table_of(train), table_of(held_out)
    before = time.perf_counter()
    tested = table_of(test.load())
    seconds = time.perf_counter() - before
    both, of = np.concatenate([validation, tested]), weighting.of(train)
    found = tree_scores(table, train.label, both, seed=config.seed, weights=of)
    logits = logit(np.clip(found, 1e-6, 1 - 1e-6))
    slope, offset = platt(
        logits[: len(validation)], held_out.label.astype(np.float64), weighting.of(held_out)
    )
    wall = time.perf_counter() - begin - seconds
    budget = {"wall_s": round(wall, 2), "cpu_s": round(wall, 2), "device": "cpu"}
    write_json(run.path / "budget.json", budget)
    probability = expit(slope * logits[len(validation) :] + offset)
    flags = np.zeros(len(test), bool)
    return {"probability": probability, "out_of_distribution": flags, "wall_s": seconds}
