"""Sets: determinism, balance, resuming, bad arguments."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.errors import InputError
from calovision.events.store import EventStore
from calovision.simulation import driver
from calovision.simulation.chunks import Chunk, chunks_of
from calovision.simulation.driver import CHUNK, simulate_jets
from calovision.simulation.jets import simulate_chunk


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "CHUNK", 12)


def shards(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.rglob("*") if p.is_file()}


@given(events=st.integers(1, 20_000), seed=st.integers(0, 2**63))
@settings(deadline=None)
def test_chunks_are_balanced_and_seeds_differ(events: int, seed: int) -> None:
    chunks = chunks_of(events, seed, CHUNK)
    assert sum(sum(c.of_classes) for c in chunks) == events
    assert sum(int(np.subtract(*c.of_classes)) for c in chunks) == events % 2
    assert len({c.seed for c in chunks}) == len(chunks)
    ids = [(c.first, c.first + c.events) for c in chunks]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ids))


@pytest.mark.usefixtures("small_chunks")
def test_workers_do_not_change_the_bytes(tmp_path: Path) -> None:
    one = simulate_jets(tmp_path / "one", 31, 5)
    two = simulate_jets(tmp_path / "two", 31, 5, workers=2)
    assert shards(tmp_path / "one") == shards(tmp_path / "two")
    assert one.hash == two.hash
    events = one.load()
    assert np.bincount(events.label).tolist() == [16, 15]
    first, counts = np.unique(events.columns["event_id"], return_counts=True)
    assert counts.max() == 2
    for number in first[counts == 2]:  # two jets of one collision: of one kind, back to back
        pair = events.columns["event_id"] == number
        assert len(set(events.label[pair])) == 1
        turn = abs(np.subtract(*events.columns["phi"][pair]))
        assert min(turn, 2 * np.pi - turn) > 2
    other = simulate_jets(tmp_path / "other", 12, seed=6).load()
    assert not np.array_equal(events.columns["pt"][:12], other.columns["pt"])


@pytest.mark.usefixtures("small_chunks")
def test_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(chunk: Chunk, *options: object) -> object:
        made.append(chunk.index)
        return simulate_chunk(chunk, *options)

    def interrupt(done: int, found: bool) -> None:
        if done and not found:
            raise KeyboardInterrupt

    monkeypatch.setattr(driver, "simulate_chunk", counted)
    with pytest.raises(KeyboardInterrupt):
        simulate_jets(tmp_path / "set", 24, 5, progress=interrupt)
    with pytest.raises(InputError):
        EventStore.open(tmp_path / "set")
    reports = []
    whole = simulate_jets(
        tmp_path / "set", 24, 5, progress=lambda n, found: reports.append((n, found))
    )
    assert made == [0, 1]
    assert reports == [(12, True), (12, False)]
    np.testing.assert_array_equal(
        whole.load().value, simulate_jets(tmp_path / "again", 24, 5).load().value
    )


@pytest.mark.usefixtures("small_chunks")
def test_particles_are_kept_on_request(tmp_path: Path) -> None:
    events = simulate_jets(tmp_path, 14, 9, particles=True).load()
    assert events.particles is not None
    inside = events.particles.where(events.particles.member)
    first = inside.offsets[:-1]
    pt, eta, phi, e = (getattr(inside, k).astype(float) for k in ("pt", "eta", "phi", "energy"))
    parts = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), e]
    px, py, pz, e = np.add.reduceat(parts, first, axis=1)
    assert np.hypot(px, py) == pytest.approx(events.columns["gen_pt"], rel=1e-4)
    mass2 = e**2 - px**2 - py**2 - pz**2
    assert mass2 == pytest.approx(events.columns["gen_m0"] ** 2, rel=2e-2, abs=1)


def test_bad_arguments_are_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    for arguments in (
        {"path": tmp_path / "a", "events": 0, "seed": 1},
        {"path": tmp_path / "a", "events": -5, "seed": 1},
        {"path": tmp_path / "a", "events": 5, "seed": -1},
        {"path": tmp_path / "a", "events": 5, "seed": 1, "workers": 0},
        {"path": tmp_path / "a", "events": 5, "seed": 1, "time_limit": 0.0},
        {"path": blocked / "below", "events": 5, "seed": 1},
    ):
        with pytest.raises(InputError) as error:
            simulate_jets(**arguments)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "a" / "manifest.json").exists()


def test_finished_set_is_not_replaced(tmp_path: Path) -> None:
    simulate_jets(tmp_path, 2, 1)
    with pytest.raises(InputError, match="already"):
        simulate_jets(tmp_path, 2, 1)
    assert len(simulate_jets(tmp_path, 4, 1, overwrite=True)) == 4
