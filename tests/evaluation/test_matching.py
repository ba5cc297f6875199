from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.evaluation.compare import compare, spectra
from calovision.evaluation.matching import checked, chosen, differences
from calovision.evaluation.samples import draw
from calovision.events.events import Events, concatenate

Make = Callable[[int, int], Events]
QUICK: dict[str, Any] = {"seed": 1, "judges": "trees"}


@pytest.fixture(scope="module")
def jets(make_jets: Make) -> Events:
    return make_jets(1000, 31)


@pytest.fixture(scope="module")
def others(make_jets: Make) -> Events:
    return make_jets(1000, 32)


def with_columns(events: Events, **columns: np.ndarray) -> Events:
    return replace(events, columns=events.columns | columns)


def test_like_sets_are_told_nothing(jets: Events, others: Events) -> None:
    assert differences({"A": jets, "B": others}) == []
    assert differences({"A": jets, "B": others[:150]}) == []


def test_classes_that_differ_are_told(jets: Events, others: Events) -> None:
    gluons = others[others.label == 0]
    (told,) = differences({"A": jets, "B": gluons})
    share = f"{jets.label.mean():.0%}"
    assert told.startswith(f"{share} of A and 0% of B are quarks")
    assert "--label gluon|quark" in told
    # Weights bring the mixture back.
    quark = others.label == 1
    mixed = with_columns(others, weight=np.where(quark, 0.2, 1.0))
    assert "quarks" in differences({"A": with_columns(jets, weight=np.ones(1000)), "B": mixed})[0]
    fewer = others[np.flatnonzero(~quark | (np.arange(1000) % 3 == 0))]
    weight = np.where(fewer.label == 1, 3.0, 1.0)
    weighted = with_columns(fewer, weight=weight)
    assert differences({"A": with_columns(jets, weight=np.ones(1000)), "B": weighted}) == []


@pytest.mark.parametrize("turned", [False, True])
def test_ranges_that_differ_are_told(jets: Events, others: Events, turned: bool) -> None:
    pt = others.columns["pt"]
    narrow = others[(pt > 100) & (pt < 140)]
    sets = {"A": narrow, "B": jets} if turned else {"A": jets, "B": narrow}
    told = [x for x in differences(sets) if x.startswith("pt is")]
    assert len(told) == 1
    assert "--pt LOW HIGH" in told[0]
    shifted = with_columns(others, pt=pt, m0=others.columns["m0"] + 40)
    (told,) = differences({"A": jets, "B": shifted})
    assert told.startswith("m0 is")


def test_columns_of_one_set_alone_are_told(jets: Events, others: Events) -> None:
    bare = replace(others, columns={"label": others.label, "m0": others.columns["m0"]})
    assert differences({"A": jets, "B": bare}) == ["only A has a column pt, B has none"]
    weighted = with_columns(bare, weight=np.ones(1000))
    assert "only B has a column weight, A has none" in differences({"A": jets, "B": weighted})


def test_other_labels_are_told_and_have_no_classes(jets: Events, others: Events) -> None:
    three = with_columns(others, label=np.arange(1000) % 3)
    (told,) = differences({"A": jets, "B": three})
    assert told.startswith("the labels of B are 0 (334 events), 1 (333 events), 2 (333")
    samples = draw(jets, three, None, 1)
    assert not samples.have_classes(50)


def test_events_of_one_class_and_range_are_compared(make_crops: Make, jets: Events) -> None:
    crops, others, more = (make_crops(260, seed) for seed in (1, 2, 3))
    result = compare(crops, others, floor=more, label="photon", limit=105, **QUICK)
    assert result["a"]["events"] == 105
    assert result["warnings"] == []
    assert result["classes"] == {}
    kept = chosen({"A": jets}, "quark", (100, 120))["A"]
    pt = jets.columns["pt"]
    wanted = jets[(jets.label == 1) & (pt >= 100) & (pt <= 120)]
    np.testing.assert_array_equal(kept.columns["event_id"], wanted.columns["event_id"])


def test_what_cannot_be_chosen_is_refused(jets: Events, make_crops: Make) -> None:
    for label, pt, words in (
        ("photon", None, "no class 'photon'; choose gluon or quark"),
        (None, (120, 100), "no pt is between 120 and 100 GeV"),
        (None, (9000, 9001), "A has no event"),
    ):
        with pytest.raises(InputError, match=words):
            chosen({"A": jets}, label, pt)
    with pytest.raises(InputError, match="B has no column pt; leave --pt out"):
        chosen({"A": jets, "B": make_crops(5, 1)}, None, (90, 120))


@pytest.mark.parametrize("place", ["A", "B", "--floor", "--training"])
def test_numbers_that_are_not_finite_are_named(jets: Events, others: Events, place: str) -> None:
    pt = jets.columns["pt"].copy()
    pt[[17, 400]] = np.nan
    bad = with_columns(jets, pt=pt)
    names = dict(
        zip(("A", "B", "--floor", "--training"), (jets, others, others, others), strict=True)
    )
    sets = names | {place: bad}
    with pytest.raises(InputError, match=rf"pt of {place}: 2 of 1000 values .* nan of event 17"):
        compare(
            *[sets[k] for k in "AB"], floor=sets["--floor"], training=sets["--training"], seed=1
        )


def test_hits_that_are_not_finite_are_named(make_crops: Make) -> None:
    crops = make_crops(300, 1)
    crops.value[crops.channel == 1] = np.inf
    with pytest.raises(InputError, match=r"time hits of B: .* not finite, first inf of event 0"):
        checked({"A": make_crops(300, 2), "B": crops})


def test_negative_weights_are_named(jets: Events, others: Events) -> None:
    weight = np.ones(1000)
    weight[[8, 9]] = -0.5
    with pytest.raises(
        InputError, match=r"B: 2 event weights are negative, the first is -0.5 of e"
    ):
        compare(jets, with_columns(others, weight=weight), seed=1)


def test_weighted_sets_are_compared_as_repeated_ones(make_jets: Make) -> None:
    truth, made, more = make_jets(100, 40), make_jets(100, 41), make_jets(100, 42)
    count = np.where(np.argsort(np.argsort(made.columns["pt"])) < 50, 1, 9)
    weighted = with_columns(made, weight=0.3 * count)
    repeated = made[np.repeat(np.arange(100), count)]
    large = [e[np.tile(np.arange(100), 5)] for e in (truth, more)]
    found = spectra(draw(truth, weighted, more, 1), 1)
    plain = spectra(draw(truth, made, more, 1), 1)
    for name, metric in spectra(draw(large[0], repeated, large[1], 1), 1).items():
        assert found[name].value == pytest.approx(metric.value, rel=1e-5), name
        assert found[name].floor == plain[name].floor
    assert found["w1_column_pt"].value > 3 * plain["w1_column_pt"].value


def test_equal_weights_change_nothing_and_events_without_count_for_nothing(
    make_crops: Make,
) -> None:
    truth, made, more = (
        with_columns(make_crops(110, seed), label=np.zeros(110, np.int8)) for seed in (1, 2, 3)
    )
    plain = compare(truth, made, floor=more, **QUICK)
    equal = with_columns(made, weight=np.full(110, 0.3))
    assert compare(truth, equal, floor=more, **QUICK)["metrics"] == plain["metrics"]
    nothing = with_columns(make_crops(100, 43), weight=np.zeros(100))
    kept = checked({"A": truth, "B": concatenate([equal, nothing])})["B"]
    np.testing.assert_array_equal(kept.value, equal.value)
    heavy = with_columns(made, weight=np.where(made.sums()[:, 0] > 50, 9.0, 1.0))
    other = compare(truth, heavy, floor=more, **QUICK)["metrics"]
    same = {k for k, m in other.items() if m["value"] == plain["metrics"][k]["value"]}
    # a share of true events, and shares that are 0 with any weights
    assert same <= {"coverage", "weight_low", "weight_high"}


def test_a_column_of_one_number_is_not_compared(make_jets: Make) -> None:
    sets = [with_columns(make_jets(100, seed), pt=np.zeros(100)) for seed in (1, 2, 3)]
    assert "column_pt" not in draw(*sets, 1).names
    sets[1] = with_columns(sets[1], pt=np.full(100, 50.0))
    assert "column_pt" in draw(*sets, 1).names


@pytest.mark.parametrize("shift", [-39.0, 400.0])
@pytest.mark.parametrize("turned", [False, True])
def test_events_beyond_the_other_range_on_one_side_are_told(
    jets: Events, others: Events, shift: float, turned: bool
) -> None:
    beyond = np.where(np.arange(1000) % 12 == 0, shift, 0)
    pt = np.where(beyond < 0, 1.0, others.columns["pt"] + beyond)
    sets = {"A": jets, "B": with_columns(others, pt=pt)}
    if turned:
        sets = {"A": sets["B"], "B": sets["A"]}
    assert [x[:5] for x in differences(sets)] == ["pt is"]
