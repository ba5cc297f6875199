"""What events in memory and on disk offer alike."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events, concatenate
from calovision.events.on_disk import EventSelection
from calovision.events.store import EventStore, save, write_set


@pytest.fixture
def store(toy_jets: Events, tmp_path: Path) -> EventStore:
    return save(toy_jets, tmp_path / "jets", provenance={"source": "toys"})


@pytest.fixture(params=["memory", "disk", "selection"])
def jets(request: pytest.FixtureRequest, toy_jets: Events, store: EventStore) -> EventSet:
    """The toy jets, in three places."""
    every = np.arange(len(toy_jets))
    return {"memory": toy_jets, "disk": store, "selection": EventSelection(store, every)}[
        request.param
    ]


def same(one: EventSet, other: EventSet) -> bool:
    a, b = one.load(), other.load()
    arrays = ("offsets", "cell", "code", "value")
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in arrays) and all(
        np.array_equal(a.columns[k], b.columns[k]) for k in a.columns | b.columns
    )


def test_columns_are_attributes_and_items(jets: EventSet, toy_jets: Events) -> None:
    np.testing.assert_array_equal(jets.pt, toy_jets.columns["pt"])
    np.testing.assert_array_equal(jets["gen_pt"], toy_jets.columns["gen_pt"])
    np.testing.assert_array_equal(jets.label, toy_jets.columns["label"])
    assert {"pt", "gen_pt", "select"} <= set(dir(jets))
    assert not hasattr(jets, "nothing")
    with pytest.raises(InputError, match=r"'nothing'; the columns are label, pt, m0"):
        _ = jets["nothing"]


def test_hits_are_those_of_the_hits_and_not_of_the_jet(jets: EventSet, toy_jets: Events) -> None:
    assert len(jets.eta) == len(jets.phi) == len(jets.energy) == len(toy_jets.cell)
    assert len(jets["eta"]) == len(toy_jets)
    middle = (125 - 1) / 2
    np.testing.assert_allclose(jets.eta, (toy_jets.cell // 125 - middle) * 0.0174, rtol=1e-6)


def test_events_are_selected_alike(jets: EventSet, toy_jets: Events) -> None:
    hard = np.flatnonzero(toy_jets.columns["pt"] > 100)
    assert 0 < len(hard) < len(toy_jets)
    assert same(jets[jets.pt > 100], toy_jets[hard])
    chosen = jets.select("pt > 100 and label == quark")
    assert same(chosen, toy_jets[hard[toy_jets.label[hard] == 1]])
    assert same(chosen.select("pt > 120"), toy_jets.select("pt > 120 and label == quark"))
    assert isinstance(chosen, Events) == isinstance(jets, Events)
    with pytest.raises(InputError, match=r"mask of shape \(3,\) for 64 events"):
        _ = jets[np.array([True, False, True])]


def test_parts_share_no_collision_and_no_copy(jets: EventSet) -> None:
    train, test = jets.split(train=0.75, test=0.25, seed=3)
    assert abs(len(train) - 48) <= 3
    assert len(train) + len(test) == 64
    assert not set(train["event_id"]) & set(test["event_id"])
    again = jets.split(train=0.75, test=0.25, seed=3)
    assert same(again.test, test)
    assert not same(jets.split(train=0.75, test=0.25, seed=4).test, test)
    with pytest.raises(InputError, match="no parts"):
        jets.split()


def test_copies_of_an_event_stay_in_one_part(toy_jets: Events) -> None:
    columns = {k: v for k, v in toy_jets.columns.items() if k != "event_id"}
    twice = concatenate([toy_jets, toy_jets])
    twice.columns = {k: np.concatenate([v, v]) for k, v in columns.items()}
    train, test = twice.split(train=0.5, test=0.5)
    assert len(train) + len(test) == 128
    assert not set(train.pt.tolist()) & set(test.pt.tolist())


def test_summaries_are_short_and_name_what_there_is(jets: EventSet) -> None:
    shown = repr(jets)
    assert shown.count("\n") < 25
    for word in ("64 events", "track (GeV)", "hcal (GeV, 5 x 5 pixels)", "gluon", "quark", "pt"):
        assert word in shown
    assert jets._repr_html_().count("<tr>") > 10
    assert "<script" not in jets._repr_html_()


def test_they_survive_pickling_and_copying(jets: EventSet) -> None:
    assert same(pickle.loads(pickle.dumps(jets)), jets)
    assert same(copy.deepcopy(jets), jets)


def test_the_hash_tells_the_events(toy_jets: Events, store: EventStore) -> None:
    assert toy_jets.hash == copy.deepcopy(toy_jets).hash
    assert toy_jets[1:].hash != toy_jets.hash
    other = copy.deepcopy(toy_jets)
    other.columns["pt"][5] += 1
    assert other.hash != toy_jets.hash
    first, second = store.select("pt > 100"), store.select("pt > 101")
    assert first.hash == store.select("pt > 100").hash != second.hash


def test_sets_are_written_one_after_the_other(
    toy_jets: Events, toy_crops: Events, store: EventStore, tmp_path: Path
) -> None:
    made = write_set([store.select("pt > 100"), toy_jets], tmp_path / "both", provenance={})
    assert same(made, concatenate([toy_jets.select("pt > 100"), toy_jets]))
    with pytest.raises(InputError, match="differ in geometry"):
        write_set([toy_jets, toy_crops], tmp_path / "mixed", provenance={})
    with pytest.raises(InputError, match="no event sets"):
        write_set([], tmp_path / "none", provenance={})


def test_a_column_on_disk_is_never_changed(store: EventStore) -> None:
    jets = store.select("pt > 0")
    before = jets.column("pt").copy()
    for read in (jets.pt, jets["pt"], jets.columns["pt"], jets.label, store.pt):
        with pytest.raises(ValueError, match="read-only"):
            read[:] = 0
    np.testing.assert_array_equal(jets.pt, before)


def test_numbers_of_hits_are_not_changed(jets: EventSet) -> None:
    for name in ("energy", "eta", "phi", "channel"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(jets, name)[0] = 1


def test_columns_are_replaced_and_not_set(jets: EventSet, toy_jets: Events) -> None:
    for name in ("pt", "score", "label", "energy"):
        with pytest.raises(AttributeError):
            setattr(jets, name, np.zeros(64))
    with pytest.raises(AttributeError, match=r"events.with_columns\(pt=...\) gives"):
        jets.pt = jets.pt * 2
    np.testing.assert_array_equal(jets.pt, toy_jets.columns["pt"])
    made = jets.with_columns(pt=jets.pt * 2, score=np.arange(64))
    np.testing.assert_array_equal(made.pt, 2 * toy_jets.columns["pt"])
    assert made.score.tolist() == list(range(64))
    np.testing.assert_array_equal(made.value, toy_jets.value)
    assert list(made.columns) == [*toy_jets.columns, "score"]
    for wrong, told in (
        ({"pt": [1.0]}, "pt has 1 rows"),
        ({"offsets": np.zeros(64)}, "called 'offsets'"),
        ({"score": ["a"] * 64}, "expected are numbers"),
    ):
        with pytest.raises(InputError, match=told):
            jets.with_columns(**wrong)


def test_columns_have_a_row_an_event(toy_jets: Events) -> None:
    with pytest.raises(InputError, match=r"'pt' has shape \(3,\) for 64 events"):
        replace(toy_jets, columns={"pt": np.ones(3)})


def test_events_are_equal_if_all_is(toy_jets: Events, toy_crops: Events) -> None:
    assert toy_jets == copy.deepcopy(toy_jets)
    assert toy_jets != toy_jets[1:]
    assert toy_jets != toy_jets.with_columns(pt=toy_jets.pt + 1)
    assert toy_jets != toy_crops
    assert toy_jets != 1
    columns = dict(toy_jets.columns)
    columns["other"] = columns.pop("pt")
    assert toy_jets != replace(toy_jets, columns=columns)


def test_offsets_divide_the_hits_among_the_events(jets: EventSet, toy_jets: Events) -> None:
    np.testing.assert_array_equal(jets.offsets, toy_jets.offsets)
    assert jets.energy[jets.offsets[3] : jets.offsets[4]].size == toy_jets.n_hits[3]
