from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.evaluation.ranking import rank
from calovision.events.events import Events, concatenate

Make = Callable[[int, int], Events]


def without_tracks(events: Events, every: int) -> Events:
    """One track in so many stays."""
    return events.keep((events.channel != 0) | (np.arange(len(events.cell)) % every == 0))


def ranked(truth: Events, made: Mapping[str, Events]) -> dict[str, Any]:
    options: dict[str, Any] = {"judge": "challenge-high-level", "seed": 1, "known": {}}
    return rank(truth, made, epochs=20, **options)


def test_the_nearest_generator_has_the_largest_posterior(make_jets: Make) -> None:
    made = {
        "far": without_tracks(make_jets(250, 1), 25),
        "near": without_tracks(make_jets(300, 2), 1),
        "middle": without_tracks(make_jets(250, 3), 5),
    }
    found = ranked(make_jets(200, 4), made)
    assert list(found["metrics"]) == [f"log_posterior_{k}" for k in made] + ["generator_accuracy"]
    value = {k: found["metrics"][f"log_posterior_{k}"]["value"] for k in made}
    assert value["near"] > value["middle"] > value["far"]
    assert value["near"] > np.log(1 / 3)
    accuracy = found["metrics"]["generator_accuracy"]
    assert accuracy["value"] > accuracy["floor"] + 3 * accuracy["error"]
    assert found["made"] == {k: {"events": 250} for k in made}


def test_two_generators_need_a_single_output(make_jets: Make) -> None:
    made = {"near": make_jets(200, 1), "far": without_tracks(make_jets(200, 2), 20)}
    metrics = ranked(make_jets(150, 4), made)["metrics"]
    assert metrics["log_posterior_near"]["value"] > np.log(0.5)
    assert metrics["log_posterior_far"]["value"] < np.log(0.5)


def test_copies_of_true_events_judge_nobody(make_jets: Make) -> None:
    truth, own = make_jets(150, 4), make_jets(200, 2)
    made = {"copy": concatenate([own, truth[:50]]), "far": make_jets(200, 1)}
    assert ranked(truth, made)["truth"]["events"] == 100


def test_what_cannot_be_ranked_is_refused(make_jets: Make, make_crops: Make) -> None:
    jets = make_jets(100, 1)
    with pytest.raises(InputError, match="one set cannot be ranked"):
        ranked(jets, {"one": make_jets(100, 2)})
    with pytest.raises(InputError, match="other images"):
        ranked(jets, {"one": make_jets(100, 2), "two": make_crops(100, 2)})
    with pytest.raises(InputError, match="no judge 'trees'"):
        rank(jets, {}, judge="trees", seed=1, known={})
    with pytest.raises(InputError, match="are too few"):
        ranked(jets, {"one": make_jets(20, 2), "two": make_jets(100, 3)})
