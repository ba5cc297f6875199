"""What is given where something else is wanted: one line that tells what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.dataset import EventBatches
from calovision.events.digits import DigitSet
from calovision.events.events import Events

ARRAY = np.zeros((2, 3))
PHOTON = {"pt": [[90.0]], "eta": [[0.1]], "phi": [[0.2]], "pdg_id": [[22]]}


@pytest.fixture(scope="module")
def digits() -> DigitSet:
    label = np.repeat([3, 7], 5)
    images = np.zeros((10, 28, 28), np.uint8)
    return DigitSet(images, label, np.arange(10) % 5 == 0, {"source": "toys", "seed": 1})


#: what is called with something that is no event set
WANT_EVENTS: dict[str, Callable[[Any, Path], Any]] = {
    "save": lambda thing, out: cv.save(thing, out),
    "compare": lambda thing, out: cv.compare(thing, thing, quiet=True),
    "view": lambda thing, out: cv.view(thing, out=out / "v.html"),
    "open": lambda thing, out: cv.open(thing),
    "load": lambda thing, out: cv.load(thing),
    "select": lambda thing, out: cv.select(thing, "pt > 0", out),
    "split": lambda thing, out: cv.split(thing, out, a=0.5),
    "export": lambda thing, out: cv.export(thing, out / "e.h5"),
    "merge": lambda thing, out: cv.merge([thing], out),
    "convert": lambda thing, out: cv.convert([thing], out, quiet=True),
}


@pytest.mark.parametrize("verb", WANT_EVENTS)
def test_what_is_no_event_set_is_one_line(
    verb: str, toy_crops: Events, digits: DigitSet, tmp_path: Path
) -> None:
    for thing in (5, None, ARRAY, [1, 2], "", b"mine", digits, [toy_crops, toy_crops]):
        with pytest.raises(InputError) as caught:
            WANT_EVENTS[verb](thing, tmp_path)
        assert "\n" not in str(caught.value)
        assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_the_remedy_fits_what_is_given(toy_crops: Events, digits: DigitSet, tmp_path: Path) -> None:
    for thing, remedy in (
        (ARRAY, "cv.from_images makes events of arrays"),
        ([toy_crops, toy_crops], "cv.concatenate joins several sets"),
        (digits, r"use digits.save\(FOLDER\)"),
    ):
        with pytest.raises(InputError, match=remedy):
            cv.save(thing, tmp_path / "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("sets", ["mine", Path("mine"), 5])
def test_merge_takes_a_list(sets: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no list of event sets"):
        cv.merge(sets, tmp_path / "out")


def test_merge_does_not_take_events_for_a_list(toy_crops: Events, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no list of event sets"):
        cv.merge(toy_crops, tmp_path / "out")  # type: ignore[arg-type]


def test_sets_are_saved_from_their_folder_too(toy_crops: Events, tmp_path: Path) -> None:
    cv.save(toy_crops, tmp_path / "a")
    assert cv.save(tmp_path / "a", str(tmp_path / "b")).load() == toy_crops
    for out in ("", None, 5):
        with pytest.raises(InputError, match="the folder to write is"):
            cv.save(toy_crops, out)  # type: ignore[arg-type]


NUMBERS: dict[str, Callable[[Events, Any], Any]] = {
    "jets": lambda events, n: cv.simulate.jets(n, quiet=True),
    "egamma": lambda events, n: cv.simulate.egamma(n, quiet=True),
    "workers": lambda events, n: cv.simulate.egamma(4, workers=n, quiet=True),
    "view": lambda events, n: cv.view(events, events=n),
    "bins": lambda events, n: events.to_hist("label", bins=n),
    "batch": lambda events, n: events.dataset("hits", batch=n),
    "neighbours": lambda events, n: events.to_pyg(n),
    "compare": lambda events, n: cv.compare(events, events, events=n),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_numbers_are_whole_and_positive(what: str, toy_crops: Events) -> None:
    for number in (-3, 0, 2.5, "a", float("nan"), [1], True):
        with pytest.raises(InputError, match=r" is .*; give .*or more"):
            NUMBERS[what](toy_crops, number)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: cv.simulate.jets(2, seed=1.5),
        lambda e: cv.simulate.egamma(2, seed=-1),
        lambda e: cv.simulate.jets(2, pt_hat=100),
        lambda e: cv.simulate.jets(2, pt_hat=("a", "b")),
        lambda e: cv.simulate.jets(2, pileup="a"),
        lambda e: cv.simulate.jets(2, noise=float("nan")),
        lambda e: cv.simulate.egamma(2, time_limit=0),
        lambda e: cv.simulate.egamma(2, engine="x"),
        lambda e: cv.simulate.digits(1),
        lambda e: cv.simulate.digits("ab"),
        lambda e: cv.compare(e, e, seed="a"),
        lambda e: cv.compare(e[:0], e),
        lambda e: cv.view(e, first=-1),
        lambda e: e.plot("a"),
        lambda e: e.plot([]),
        lambda e: e.plot(1.5),
        lambda e: e[:0].plot(0),
        lambda e: e.select(lambda x: x),
        lambda e: cv.from_particles(PHOTON, unit="TeV"),
        lambda e: cv.from_particles(PHOTON, rows="x"),
        lambda e: cv.from_particles(PHOTON, seed=1.5),
        lambda e: cv.from_particles(PHOTON, min_pt="a"),
        lambda e: cv.from_particles(PHOTON, invisible=["a"]),
        lambda e: cv.from_particles({}),
        lambda e: cv.from_particles([]),
        lambda e: cv.from_particles({"pt": [[object()]]}),
        lambda e: cv.Geometry("mine", 4, 4, (cv.Channel("ecal"),), schema="mine"),
        lambda e: cv.report([e]),
        lambda e: cv.report(e),
    ],
)
def test_what_makes_no_sense_is_one_line(
    call: Callable[[Events], Any], toy_crops: Events, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError) as caught:
        call(toy_crops)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # no bar for what cannot be done


def test_a_number_that_is_whole_counts(toy_crops: Events, tmp_path: Path) -> None:
    assert len(cv.simulate.egamma(4e0, seed=np.int64(1), quiet=True)) == 4  # type: ignore[arg-type]
    cv.save(toy_crops, tmp_path / "a")
    assert len(cv.load(tmp_path / "a", limit=3)) == 3
    for limit in (-1, 1.5, "a"):
        with pytest.raises(InputError, match="limit is"):
            cv.load(tmp_path / "a", limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", [None, 1.5, [0.5], {"a"}, [None], [[0, 1]]])
def test_events_are_not_chosen_by_anything(index: Any, toy_crops: Events, tmp_path: Path) -> None:
    store = cv.save(toy_crops, tmp_path / "a")
    for events in (toy_crops, store, store.select("label == photon")):
        with pytest.raises(TypeError, match="events are chosen by whole numbers, a slice, a mask"):
            _ = events[index]
        with pytest.raises(IndexError, match="there is no event 64 of"):
            _ = events[64]
        assert len(events[[]]) == len(events[:0]) == 0


@pytest.mark.parametrize("verb", ["view", "report"])
def test_pages_are_files_in_folders(verb: str, toy_crops: Events, tmp_path: Path) -> None:
    run = partial(cv.view, toy_crops) if verb == "view" else partial(cv.report, tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        run(out=tmp_path / "no" / "r.html")
    with pytest.raises(InputError, match="is a folder; give an HTML file"):
        run(out=tmp_path)


def test_classes_go_by_name_and_number(make_crops: Callable[..., Events]) -> None:
    one, two = make_crops(500, 1), make_crops(250, 2)
    found = [
        cv.compare(one, two, label=label, metrics="w1_n_hit_energy", quiet=True).content["metrics"]
        for label in ("electron", 1, "photon")
    ]
    assert found[0] == found[1] != found[2]
    for label in (2, True, "gluon"):
        with pytest.raises(InputError, match="images have no class"):
            cv.compare(one, two, label=label, metrics="fpd", quiet=True)


def test_particles_in_arrays_have_no_file_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        cv.from_particles(PHOTON | {"pt": [[np.nan]]}, rows="jets", quiet=True)
    assert str(caught.value).startswith("pt is nan GeV for particle 0 of row 0")
    seen = cv.from_particles(PHOTON, rows="jets", pileup=0, label="quark", quiet=True)
    named = PHOTON | {"pdg": PHOTON["pdg_id"]}
    del named["pdg_id"]
    assert cv.from_particles(named, rows="jets", pileup=0, label=1, quiet=True) == seen
    assert seen.label.tolist() == [1]


def test_what_is_made_is_shown_on_one_screen(toy_jets: Events, digits: DigitSet) -> None:
    shown: dict[Any, str] = {
        "digits": "10 digits of 28 x 28 pixels, of toys",
        "mean": "gluon of",
        "by number": "64 events of memory",
        "batches": "of 64 events of memory",
    }
    batches = toy_jets.dataset("hits", batch=8)
    assert isinstance(batches, EventBatches)
    things = (digits, toy_jets.mean_image(), toy_jets.dataset("dense"), batches)
    for thing, words in zip(things, shown.values(), strict=True):
        assert words in repr(thing)
        assert len(repr(thing)) < 400
    assert "3: 5, of which 1 are for testing" in repr(digits)
    assert digits._repr_html_().count("<tr>") == 3
    assert len(digits.plot(4).axes) == 8
    empty = DigitSet(digits.images[:0], digits.label[:0], digits.test[:0], {})
    with pytest.raises(InputError, match="the set is empty"):
        empty.plot()


def test_one_other_set_of_the_seed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALOVISION_CACHE", str(tmp_path / "cache"))
    made = partial(cv.simulate.egamma, 2, seed=77, quiet=True)
    made(out=tmp_path / "a")
    with pytest.warns(UserWarning, match="a holds 2 events of the same seed, 77: the new set"):
        made(out=tmp_path / "b")
    with pytest.warns(UserWarning, match=r"77 \(and 1 more sets do\)") as told:
        made(out=tmp_path / "c")
    assert len(told) == 1
    with pytest.raises(InputError, match="no engine 'x'"):  # and no warning, which fails a test
        cv.simulate.egamma(2, seed=77, engine="x", out=tmp_path / "d", quiet=True)  # type: ignore[call-overload]


def test_shares_are_numbers_and_parts_have_names(toy_crops: Events, tmp_path: Path) -> None:
    store = cv.save(toy_crops, tmp_path / "a")
    for shares in ({"train": np.nan}, {"train": "0.5"}, {"a/b": 0.5}, {"_x": 0.5}, {"": 0.5}):
        for call in (partial(cv.split, toy_crops, tmp_path / "out"), store.split):
            with pytest.raises(InputError):
                call(**shares)
    with pytest.raises(InputError, match="the seed is"):
        toy_crops.split(train=0.5, seed=1.5)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_weights_count_or_are_refused(toy_crops: Events) -> None:
    weight = np.arange(64.0)
    weighted = toy_crops.with_columns(weight=weight)
    mean = weighted.mean_image().images["photon"]
    mine = toy_crops.label == 0
    wanted = np.average(toy_crops.to_dense()[mine], axis=0, weights=weight[mine])
    np.testing.assert_allclose(mean, wanted, rtol=1e-5, atol=1e-9)
    weighted.columns["weight"][3] = np.nan
    for call in (lambda: weighted.to_hist("label"), weighted.mean_image):
        with pytest.raises(InputError, match="1 event weights are not finite"):
            call()
