"""Several taggers on several sets: which is better where, and whose probabilities still hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.evaluation.evaluate import as_json
from calovision.evaluation.held_out import MIN_EVENTS, unseen
from calovision.events import weighting
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import fingerprints
from calovision.events.labels import both_classes
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.classification import (
    auc_difference,
    checked_weights,
    classification_metrics,
)
from calovision.metrics.definitions import definition
from calovision.metrics.temperature import temperature
from calovision.models.classify import score
from calovision.models.taggers.base import TaggerTask
from calovision.training.run import RunDir


@dataclass(frozen=True)
class Entrant:
    """A tagger that is measured.

    Attributes:
        run: its run.
        task: the tagger.
    """

    run: RunDir
    task: TaggerTask

    @property
    def facts(self) -> dict[str, Any]:
        """On how many events it was trained, and what it began with."""
        content = self.run.describe()
        config, data = content["config"], content["data"]
        began = "nothing"
        if "start" in data:
            began = "frozen weights" if config.get("frozen") else "weights"
        return {
            "kind": config["model"],
            "training_events": int(data["split"]["train"]),
            "began_with": began,
            "seed": config.get("seed"),
        }


def scoreboard(
    entrants: Mapping[str, Entrant],
    sets: Mapping[str, EventSet],
    *,
    seed: int = 1,
    events: int = 20_000,
    quiet: bool = False,
) -> dict[str, Any]:
    """Measure taggers on what none of them has seen of each set.

    Args:
        entrants: by name; differences are those to the first.
        sets: by name.
        seed: of the bootstrap.
        events: at most so many of each set, the first ones.
        quiet: no progress bar.

    Returns:
        ``rows``: ``model``, ``set``, ``events``, the facts of the model and its ``metrics``;
        ``differences``: ``set``, ``a``, ``b``, ``metric``, ``value`` and ``error``, by paired
        bootstrap.

    Raises:
        InputError: a set of another geometry, without both classes, or with too few unseen events.
    """
    rows: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for name, store in sets.items():
        chosen = _unseen_by_all(list(entrants.values()), store)[:events]
        some = weighting.counting(store[chosen])
        label, weights = both_classes(some), some.columns.get(weighting.COLUMN)
        weights = checked_weights(weights, label)
        said: dict[str, NDArray[np.float64]] = {}
        for model, entrant in entrants.items():
            scores = score(entrant.task, some, quiet)
            said[model] = scores.probability
            options: dict[str, Any] = {"seed": seed, "weights": weights}
            metrics = classification_metrics(scores.probability, label, **options)
            metrics["temperature"] = temperature(scores.probability, label, **options)
            unknown = "out_of_distribution"
            metrics[unknown] = mean_metric(scores.out_of_distribution, definition(unknown), weights)
            row = {"model": model, "set": name, "events": len(some)}
            rows.append(row | entrant.facts | {"metrics": as_json(metrics)})
        first = next(iter(entrants))
        for model in list(entrants)[1:]:
            found = auc_difference(said[model], said[first], label, **options)
            row = {"set": name, "a": model, "b": first, "metric": "auc"}
            differences.append(row | {"value": found.value, "error": found.error})
    return {"rows": rows, "differences": differences}


def _unseen_by_all(entrants: Sequence[Entrant], store: EventSet) -> NDArray[np.int64]:
    """Numbers of the events that none was trained or validated on, each once.

    Raises:
        InputError: another geometry, or too few of them.
    """
    new = np.ones(len(store), np.bool_)
    for entrant in entrants:
        entrant.task.check_geometry(store.geometry)
        new &= unseen(entrant.run, store)
    chosen = np.flatnonzero(new)
    chosen = chosen[~fingerprints(store)[chosen].repeated()]
    if len(chosen) < MIN_EVENTS:
        raise InputError(
            f"{store.where} has {len(chosen)} events that no model has seen",
            f"give a set with at least {MIN_EVENTS} others, such as one of another --seed",
        )
    return chosen
