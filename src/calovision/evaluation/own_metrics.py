"""Metrics by name, and functions of the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.utils import streams

#: one's own metric: true and judged events to a number or a :class:`Metric`
OwnMetric = Callable[[Events, Events], float | Metric]
Wanted = str | OwnMetric | Sequence[str | OwnMetric]
KNOWN = (
    "fpd, kpd, classifier_auc_strictest, classifier_auc and those of other judges,"
    " tagger_auc_ratio, precision, recall, density, coverage, correlation_rms, correlation_max,"
    " sliced_w1, sliced_ks, p_sliced_w1, p_sliced_ks, events_worth, events_worth_jointly,"
    " weight_spread, memorised, copied and w1_ of every observable"
)
REPLICAS = 20  #: of the bootstrap; one's own function may be slow
_OF_TRAINING = ("memorised", "copied")


def asked(
    wanted: Wanted, is_known: Callable[[str], bool], training: bool
) -> dict[str, OwnMetric | None]:
    """The metrics that are asked for by their names, in order, with the function of one's own.

    Args:
        wanted: a name, a function, or several.
        is_known: whether a name is that of a metric of the package.
        training: whether the training events are at hand.

    Raises:
        InputError: none, an unknown name, a function that has the name of another metric, or one
            that needs the training events.
    """
    several = [wanted] if isinstance(wanted, str) or callable(wanted) else list(wanted)
    if not several:
        raise InputError("no metrics are asked for", "name some, or leave metrics out for all")
    found: dict[str, OwnMetric | None] = {}
    for one in several:
        if isinstance(one, str):
            if not is_known(one):
                raise InputError(f"no metric {one!r}", f"there are {KNOWN}")
            if one in _OF_TRAINING and not training:
                raise InputError(
                    f"{one} tells of the training events", "needs training= (--training)"
                )
            found[one] = None
            continue
        if not callable(one):
            raise InputError(f"{one!r} is no metric", "give names and functions")
        name = name_of(one)
        if name in found or is_known(name):
            raise InputError(
                f"two metrics are called {name!r}", "give every function a name of its own"
            )
        found[name] = one
    return found


def name_of(metric: Any) -> str:
    """Name of a function, of what a partial one completes, or of an object or its class."""
    for attribute in ("__name__", "name"):
        if isinstance(name := getattr(metric, attribute, None), str):
            return name
    return name_of(metric.func) if isinstance(metric, partial) else type(metric).__name__


def measured(
    functions: Mapping[str, OwnMetric], samples: tuple[Events, ...], seed: int
) -> dict[str, Metric]:
    """Metrics of one's own with their floors, and an error by the bootstrap if they tell none.

    Args:
        functions: of true and judged events, by name.
        samples: true events, events to judge, and further true events for the floor.
        seed: of the bootstrap.

    Raises:
        InputError: one gives something that is no finite number; it names the function.
    """
    truth, made, more = samples
    found = {}
    for name, function in functions.items():
        value, floor = function(truth, made), _number(name, function(truth, more))
        if isinstance(value, Metric):
            found[name] = value if value.floor is not None else value.with_floor(floor)
            continue
        drawn = []
        for replica in range(REPLICAS):
            rng = streams.rng(streams.Stream.OWN_METRIC, seed, replica)
            rows = [rng.integers(0, len(s), len(s)) for s in (truth, made)]
            drawn.append(_number(name, function(truth[rows[0]], made[rows[1]])))
        error = float(np.std(drawn, ddof=1))
        known = definition(name, {"higher_is_better": False})
        found[name] = known.measured(_number(name, value), error, floor)
    return found


def _number(name: str, value: Any) -> float:
    number = value.value if isinstance(value, Metric) else value
    try:
        number = math.nan if isinstance(number, str | bytes) else float(number)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        shown = " ".join(repr(number).split())[:60]
        raise InputError(f"the metric {name} gave {shown}", "let it give one finite number")
    return number
