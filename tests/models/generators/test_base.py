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
from calovision.models.generators.splitting.sampling import sample_global_features
from calovision.models.generators.splitting.task import CascadeTask
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


@pytest.mark.parametrize("reject", ["no", None, 0])
def test_rejection_is_wanted_or_not(reject: Any) -> None:
    with pytest.raises(InputError, match="give True or False"):
        Request(reject=reject)


def test_ranges_without_columns() -> None:
    with pytest.raises(InputError, match="ranges are"):
        Request(ranges=(100, 140))  # type: ignore[arg-type]


def test_labels_and_limits_from_arrays() -> None:
    asked = Request(np.int8(1), {"pt": np.array([100.0, 140.0])})  # type: ignore[arg-type, dict-item]
    assert asked == Request(1, {"pt": (100, 140)})
    assert type(asked.label) is int


@pytest.fixture(scope="module")
def gluons(toy_jets: Events) -> CascadeTask:
    """An untrained generator that has seen gluon jets alone."""
    some = toy_jets[toy_jets.label == 0]
    small = {"width": 16, "head": 8, "flow": 16, "steps": 2, "select": 0}
    torch.manual_seed(1)
    task = build(load_config("jet-generator", "cascade", overrides=small), some.geometry, some)
    assert isinstance(task, CascadeTask)
    task.chunk = 5  # type: ignore[misc]
    return task.eval()


def test_a_class_that_was_not_seen_is_not_made(gluons: CascadeTask) -> None:
    with pytest.raises(InputError, match="has seen no quark events"):
        generated(gluons, 5, Request(1), seed=1)
    assert (generated(gluons, 5, Request(0), seed=1).label == 0).all()


def test_columns_that_were_not_learned(gluons: CascadeTask) -> None:
    asked = Request(ranges={"eta": (0, 1)})
    for make in (
        lambda: generated(gluons, 5, asked, seed=1),
        lambda: sample_global_features(gluons, asked, 5, np.random.default_rng(1), None),
    ):
        with pytest.raises(InputError, match="has not learned 'eta'") as refused:
            make()
        assert "gen_pt, gen_m0, pt, m0" in refused.value.remedy


@pytest.mark.parametrize(("n", "steps"), [(0, None), (-3, None), (5, 0), (5, -1)])
def test_no_events_and_no_steps(gluons: CascadeTask, n: int, steps: int | None) -> None:
    with pytest.raises(InputError, match="cannot generate"):
        generated(gluons, n, Request(), seed=1, steps=steps)
