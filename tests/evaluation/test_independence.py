"""What compare leaves out of the truth, with numbers planted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from calovision.cli.app import app
from calovision.errors import InputError
from calovision.evaluation.independence import independent, left_out_lines
from calovision.evaluation.samples import draw
from calovision.events import Events, concatenate, save
from calovision.events.fingerprints import fingerprints
from calovision.events.training_fingerprints import TRAINING, write_index

Make = Callable[[int, int], Events]
NONE = {"training": 0, "judged": 0, "repeated": 0, "same_origin": 0}


def test_independent_sets_stay_as_they_are(make_jets: Make) -> None:
    a, b, floor = (make_jets(120, seed) for seed in (1, 2, 3))
    truth = independent(a, b, floor, make_jets(50, 4), None, 100)
    assert truth.a is a
    assert truth.floor is floor
    assert truth.left_out == NONE
    assert left_out_lines(truth.left_out) == []


def test_every_kind_is_left_out_of_the_truth_and_counted(make_jets: Make) -> None:
    fresh, more, training, b = (make_jets(120, seed) for seed in (1, 2, 3, 4))
    known = fingerprints(training[20:30]).index()
    a = concatenate([b[:7], fresh, training[:5], training[20:23], fresh[:2]])
    floor = concatenate([more, training[10:14], b[50:51], fresh[60:63]])
    truth = independent(a, b, floor, training[:20], known, 100)
    assert np.array_equal(truth.a.cell, fresh.cell)
    assert truth.floor is not None
    assert np.array_equal(truth.floor.cell, more.cell)
    expected = {"training": 5 + 3 + 4, "judged": 7 + 1, "repeated": 2 + 3}
    assert truth.left_out == expected | {"same_origin": 0}
    assert [line.split()[0] for line in left_out_lines(truth.left_out)] == ["12", "8", "5"]


def test_the_same_jets_in_another_detector_are_told(make_jets: Make) -> None:
    a = make_jets(220, 1)
    b = replace(a[:30], value=a[:30].value * np.float32(1.1))
    truth = independent(a, concatenate([b, make_jets(90, 2)]), None, None, None, 100)
    assert truth.a is a
    assert truth.left_out == NONE | {"same_origin": 30}
    assert "30 events to judge show the same" in left_out_lines(truth.left_out)[0]


def test_halves_of_the_truth_share_no_jet(make_jets: Make) -> None:
    jets = make_jets(150, 1)
    noisy = replace(jets, value=jets.value * np.float32(1.1))
    noisy.columns = jets.columns | {"event_id": jets.columns["event_id"] + 10_000}
    samples = draw(concatenate([jets, noisy]), make_jets(150, 2), None, 1)
    first, _, second = (set(e.columns["gen_pt"].tolist()) for e in samples.events)
    assert not first & second


def test_sets_generated_alike_are_not_compared(make_jets: Make, tmp_path: Path) -> None:
    a, b = (save(make_jets(250, 5), tmp_path / name, provenance={}).path for name in "ab")
    done = CliRunner().invoke(app, ["compare", str(a), str(b)])
    assert isinstance(done.exception, InputError)
    assert "250 are among the events to judge" in str(done.exception)


@pytest.mark.parametrize("given", [True, False])
def test_training_events_among_the_truth(make_jets: Make, tmp_path: Path, given: bool) -> None:
    training = make_jets(60, 3)
    truth = concatenate([make_jets(210, 1), training[:40]])
    a = save(truth, tmp_path / "a", provenance={}).path
    b = save(make_jets(120, 2), tmp_path / "b", provenance={}).path
    words = ["compare", str(a), str(b), "--json", "--judges", "trees,patterns"]
    if given:
        words += ["--training", str(save(training, tmp_path / "t", provenance={}).path)]
    else:  # as 'generate' leaves it
        write_index(b / TRAINING, fingerprints(training).index())
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    result = json.loads(done.stdout)
    assert result["left_out"] == NONE | {"training": 40}
    assert 104 <= result["a"]["compared"] <= 105  # a half, without dividing a collision
    assert "40 true events are left out: B's generator was trained" in done.stderr
