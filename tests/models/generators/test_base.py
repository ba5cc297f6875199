"""What may be asked of a generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.hits.task import HitsTask
from calovision.models.load import build


@pytest.mark.parametrize("label", [7, -1, 2, "quark", "1", 1.0, 0.5, math.nan, True, (0,)])
def test_labels_that_no_event_has(label: Any) -> None:
    with pytest.raises(InputError, match="no events have the label") as refused:
        Request(label)
    assert refused.value.remedy == "give 0 (gluon) or 1 (quark)"


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ((140, 100), "no pt is between 140 and 100 GeV"),
        ((100, 100), "no pt is between 100 and 100 GeV"),
        ((math.nan, 100), "pt cannot be between nan and 100"),
        ((100, math.nan), "pt cannot be between 100 and nan"),
        ((100, math.inf), "pt cannot be between 100 and inf"),
        ((-math.inf, 100), "pt cannot be between -inf and 100"),
        ((-50, 100), "no pt is below 0 GeV, but -50 is asked for"),
        ((-50, -20), "no pt is below 0 GeV, but -50 is asked for"),
        (("low", "high"), "pt cannot be between 'low' and 'high'"),
        ((), r"the range of pt is \(\)"),
        ((1, 2, 3), r"the range of pt is \(1, 2, 3\)"),
        (100, "the range of pt is 100"),
        (None, "the range of pt is None"),
    ],
)
def test_ranges_that_are_none(limits: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Request(ranges={"pt": limits})


def test_ranges_without_columns() -> None:
    with pytest.raises(InputError, match="ranges are"):
        Request(ranges=(100, 140))  # type: ignore[arg-type]


def test_labels_and_limits_from_arrays() -> None:
    asked = Request(np.int8(1), {"pt": np.array([100.0, 140.0])})  # type: ignore[arg-type, dict-item]
    assert asked == Request(1, {"pt": (100, 140)})
    assert type(asked.label) is int


@pytest.fixture(scope="module")
def gluons(toy_jets: Events) -> HitsTask:
    """An untrained generator that has seen gluon jets alone."""
    some = toy_jets[toy_jets.label == 0]
    small = {"width": 16, "layers": 1, "heads": 2, "companion_width": 8, "jet_width": 16}
    torch.manual_seed(1)
    task = build(load_config("jet-generator", "hits", overrides=small), some.geometry, some)
    assert isinstance(task, HitsTask)
    task.chunk = 5  # type: ignore[misc]
    return task.eval()


def test_a_class_that_was_not_seen_is_not_made(gluons: HitsTask) -> None:
    with pytest.raises(InputError, match="has seen no quark events"):
        generated(gluons, 5, Request(1), seed=1)
    assert (generated(gluons, 5, Request(0), seed=1).label == 0).all()


def test_columns_that_were_not_learned(gluons: HitsTask) -> None:
    with pytest.raises(InputError, match="has not learned 'eta'") as refused:
        generated(gluons, 5, Request(ranges={"eta": (0, 1)}), seed=1)
    assert "gen_pt, gen_m0, pt, m0" in refused.value.remedy


@pytest.mark.parametrize(("n", "steps"), [(0, None), (-3, None), (5, 0), (5, -1)])
def test_no_events_and_no_steps(gluons: HitsTask, n: int, steps: int | None) -> None:
    with pytest.raises(InputError, match="cannot generate"):
        generated(gluons, n, Request(), seed=1, steps=steps)
