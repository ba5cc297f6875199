"""Results that people read, and one's own metrics."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.fingerprints import fingerprints
from calovision.events.training_fingerprints import TRAINING, write_index
from calovision.metrics.value import Metric

METRICS = {
    "auc": Metric(0.8, 0.01).to_dict(),
    "fpd": Metric(0.004, 0.001, floor=0.002, higher_is_better=False).to_dict(),
    "w1_m0": Metric(1.25, 0.3, "GeV", floor=0.5, higher_is_better=False).to_dict(),
}


def mean_hits(truth: Events, made: Events) -> float:
    """Difference of the mean number of hits."""
    return float(abs(truth.n_hits.mean() - made.n_hits.mean()))


def test_values_errors_units_and_floors(tmp_path: Path) -> None:
    found = cv.Results({"metrics": METRICS, "seed": 3})
    assert (found["w1_m0"].value, found["w1_m0"].unit, found["w1_m0"].floor) == (1.25, "GeV", 0.5)
    assert list(found) == ["auc", "fpd", "w1_m0"]
    with pytest.raises(KeyError, match="there are auc, fpd"):
        _ = found["nothing"]
    lines = repr(found).splitlines()
    assert len(lines) == 4
    assert "1.25 ± 0.30" in lines[3]
    assert "GeV" in lines[3]
    assert found.table()._repr_html_().count("<tr>") == 4
    assert json.loads(found.to_json(tmp_path / "r.json")) == {"metrics": METRICS, "seed": 3}
    assert cv.Results.read(tmp_path / "r.json")["fpd"].floor == 0.002
    with pytest.raises(InputError, match="no results in"):
        cv.Results.read(tmp_path)


def test_the_figure_shows_ratios_to_floors_and_aucs() -> None:
    above, below = cv.Results({"metrics": METRICS}).plot().axes
    assert [float(x) for x in above.lines[0].get_xdata()] == pytest.approx([2.0, 2.5])
    assert [float(x) for x in below.lines[0].get_xdata()] == pytest.approx([0.8])


def test_metrics_of_ones_own(make_crops: Callable[..., Events]) -> None:
    truth, made, more = (make_crops(120, seed) for seed in (1, 2, 3))
    names = ["w1_n_hit_energy", mean_hits]
    found = cv.compare(truth, made, floor=more, metrics=names, quiet=True)
    assert list(found) == ["w1_n_hit_energy", "mean_hits"]
    assert found["mean_hits"].value == mean_hits(truth, made)
    assert found["mean_hits"].floor == mean_hits(truth, more)
    # of two samples of 120, each with the spread of the numbers of hits
    expected = np.sqrt((truth.n_hits.var() + made.n_hits.var()) / 120)
    assert 0.2 * expected < found["mean_hits"].error < 3 * expected
    assert found.content["seed"] == 1
    with pytest.raises(InputError, match="no metric 'nothing'; there are"):
        cv.compare(truth, made, floor=more, metrics=["nothing"], quiet=True)


def test_ones_own_metric_sees_the_events_that_are_compared(
    make_crops: Callable[..., Events], tmp_path: Path
) -> None:
    truth, made, more = (make_crops(400, seed) for seed in (1, 2, 3))
    seen: list[tuple[Events, Events]] = []

    def counted(one: Events, other: Events) -> float:
        seen.append((one, other))
        return 0.0

    found = cv.compare(
        truth, made, floor=more, training=truth[:60], label="photon", metrics=[counted], quiet=True
    )
    assert found.content["left_out"]["training"] == (truth[:60].label == 0).sum()
    for one, other in seen:
        assert (one.label == 0).all()
        assert (other.label == 0).all()
        assert len(one) == len(other) == found.content["a"]["compared"]
    assert not {e.hash for e, _ in seen[:1]} & {truth.hash}


def test_training_events_of_a_generated_set_are_left_out_of_its_parts_too(
    make_jets: Callable[..., Events], tmp_path: Path
) -> None:
    truth, made = make_jets(400, 1), cv.save(make_jets(200, 2), tmp_path / "made")
    write_index(made.path / TRAINING, fingerprints(truth[:50]).index())
    part = cv.select(made, "pt > 0", tmp_path / "part")
    halves = cv.split(part, tmp_path / "halves", one=0.9)
    both = cv.merge([halves["one"], cv.save(make_jets(30, 5), tmp_path / "own")], tmp_path / "both")
    for judged in (made, made.path, part, halves["one"], both, both.select("pt > 0")):
        found = cv.compare(truth, judged, metrics=["w1_n_hit_ecal"], quiet=True)
        assert found.content["left_out"]["training"] == 50


class Difference:
    """A metric that is an object, as those of other packages are."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None:
            self.name = name

    def __call__(self, truth: Events, made: Events) -> float:
        return abs(float(truth.energy.sum() - made.energy.sum()))


def fpd(truth: Events, made: Events) -> float:
    return 0.0


def memorised_by(truth: Events, made: Events, times: int) -> float:
    return times * mean_hits(truth, made)


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ([lambda a, b: 1.0, lambda a, b: 2.0], "two metrics are called '<lambda>'"),
        ([fpd], "two metrics are called 'fpd'"),
        ([mean_hits, "fpd", mean_hits], "two metrics are called 'mean_hits'"),
        ([Difference(), Difference()], "two metrics are called 'Difference'"),
        ([], "no metrics are asked for"),
        ([3], "3 is no metric"),
        ("nothing", "no metric 'nothing'; there are fpd"),
        (["memorised"], r"memorised tells of the training events; needs training="),
    ],
)
def test_metrics_that_cannot_be_told_apart_or_measured_are_refused(
    metrics: list[object], told: str, toy_crops: Events
) -> None:
    with pytest.raises(InputError, match=told):
        cv.compare(toy_crops, toy_crops, metrics=metrics, quiet=True)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def three(make_crops: Callable[..., Events]) -> dict[str, Events]:
    return {name: make_crops(120, i) for i, name in enumerate(("truth", "made", "floor"))}


def test_metrics_have_the_names_of_what_computes_them(three: dict[str, Events]) -> None:
    own = [Difference(), Difference("mine"), functools.partial(memorised_by, times=2)]
    found = cv.compare(**three, metrics=own, quiet=True)
    assert list(found) == ["Difference", "mine", "memorised_by"]
    assert found["memorised_by"].value == 2 * mean_hits(three["truth"], three["made"])
    for alone in ("w1_n_hit_energy", mean_hits):
        assert len(cv.compare(**three, metrics=alone, quiet=True)) == 1


@pytest.mark.parametrize("result", [None, "0.5", float("nan"), np.ones(3), [1.0]])
def test_a_metric_that_is_no_number_is_named(result: object, three: dict[str, Events]) -> None:
    def mine(truth: Events, made: Events) -> object:
        return result

    with pytest.raises(InputError, match=r"the metric mine gave .*; let it give one finite number"):
        cv.compare(**three, metrics=mine, quiet=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("events", [-5, 0, 2.5, "a", True])
def test_numbers_of_events_count(events: object, toy_crops: Events) -> None:
    with pytest.raises(InputError, match="events is"):
        cv.compare(toy_crops, toy_crops, events=events, quiet=True)  # type: ignore[arg-type]


def test_nothing_is_not_plotted() -> None:
    with pytest.raises(InputError, match="no results to plot"):
        cv.Results({"metrics": {}}).plot()
