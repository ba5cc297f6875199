"""Sets of crops: determinism, balance, resuming, time limits, empty events, bad arguments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.store import EventStore
from calovision.simulation.chunks import Chunk, chunks_of
from calovision.simulation.egamma import driver
from calovision.simulation.egamma.driver import simulate_egamma, without_deposit
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.particles import PT, Particles, Showers


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(driver.CHUNK, "fast", 12)


def files(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.iterdir()}


@pytest.mark.usefixtures("small_chunks")
def test_workers_do_not_change_the_bytes(tmp_path: Path) -> None:
    one = simulate_egamma(tmp_path / "one", 31, 5)
    two = simulate_egamma(tmp_path / "two", 31, 5, workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert one.hash == two.hash
    events = one.load()
    assert np.bincount(events.label).tolist() == [16, 15]
    assert events.columns["event_id"].tolist() == list(range(31))
    truth = events.columns
    np.testing.assert_allclose(truth["energy"], PT * np.cosh(truth["eta"]), rtol=1e-5)
    assert (np.abs(truth["charge"]) == events.label).all()
    again = cv.simulate.egamma(31, seed=5, quiet=True)
    np.testing.assert_array_equal(again.load().value, events.value)
    other = simulate_egamma(tmp_path / "other", 31, 6)
    assert not np.array_equal(other.columns["eta"], truth["eta"])


@pytest.mark.usefixtures("small_chunks")
def test_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    product = driver._simulate

    def counted(chunk: Chunk, time_limit: float, engine: str) -> bytes:
        made.append(chunk.index)
        return product(chunk, time_limit, engine)

    def interrupt(done: int, found: bool) -> None:
        if done and not found:
            raise KeyboardInterrupt

    monkeypatch.setattr(driver, "_simulate", counted)
    with pytest.raises(KeyboardInterrupt):
        simulate_egamma(tmp_path / "set", 24, 5, progress=interrupt)
    with pytest.raises(InputError):
        EventStore.open(tmp_path / "set")
    whole = simulate_egamma(tmp_path / "set", 24, 5)
    assert made == [0, 1]
    np.testing.assert_array_equal(
        whole.load().value, cv.simulate.egamma(24, seed=5, quiet=True).load().value
    )


class _Broken:
    """An engine whose every third particle leaves nothing."""

    def check(self) -> None: ...

    def prepare(self) -> None: ...

    def provenance(self) -> dict[str, object]:
        return {}

    def showers(self, particles: Particles, seed: int, time_limit: float) -> Showers:
        made = Fast().showers(particles, seed, time_limit)
        made.crops[::3] = 0
        made.deposit[::3] = 0
        return made


def test_events_without_deposit_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(driver.ENGINES, "fast", _Broken())
    store = simulate_egamma(tmp_path, 9, 1)
    assert len(store) == 9
    assert without_deposit(store) == 3
    assert (store.load().n_hits == 0).sum() == 3


def test_slow_chunk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chunk 0 is not done after its 0 s"):
        simulate_egamma(tmp_path, 3, 1, time_limit=0.0)


def test_chunks_are_balanced() -> None:
    chunks = chunks_of(2501, 3, driver.CHUNK["fast"])
    assert [c.events for c in chunks] == [1000, 1000, 501]
    assert [c.of_classes for c in chunks] == [(500, 500), (500, 500), (251, 250)]
    assert len({c.seed for c in chunks}) == 3


def test_bad_arguments_are_one_line(tmp_path: Path) -> None:
    for arguments in (
        {"events": 0, "seed": 1},
        {"events": 5, "seed": -1},
        {"events": 5, "seed": 1, "workers": 0},
        {"events": 5, "seed": 1, "engine": "geant5"},
    ):
        with pytest.raises(InputError) as error:
            simulate_egamma(tmp_path / "set", **arguments)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "set").exists()
