"""Quick starts of Pythia, and what replaces its own tests of events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from calovision.simulation import generator, pythia
from calovision.simulation.generator import DijetGenerator
from calovision.simulation.pythia import QUARK, CentralPair, dijets, quiet, start_pythia
from calovision.utils import cache


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Empty cache folders, the first of which is in use."""
    paths = [tmp_path / "a folder", tmp_path / "b"]
    monkeypatch.setattr(cache, "folder", lambda: paths[0])
    pythia._folder.cache_clear()
    yield paths
    pythia._folder.cache_clear()


def test_prepared_integrals_are_the_same_everywhere(folders: list[Path]) -> None:
    with quiet():
        made = [pythia.integrals(dijets())]
        first = made[0].read_bytes()
        assert pythia.integrals(dijets()) == made[0]
        made[0].unlink()
        assert pythia.integrals(dijets()).read_bytes() == first
    assert [p.name for p in folders[0].iterdir()] == [made[0].name]


def test_cache_that_cannot_be_written_changes_no_jets(folders: list[Path]) -> None:
    one = DijetGenerator(4, 0.5).generate(QUARK, 3)
    folders[1].write_text("not a folder")
    folders[0] = folders[1]
    pythia._folder.cache_clear()
    with pytest.warns(UserWarning, match="CALOVISION_CACHE"):
        other = DijetGenerator(4, 0.5).generate(QUARK, 3)
    np.testing.assert_array_equal(one.particles.pt, other.particles.pt)


def test_event_tests_and_shared_files_change_no_event() -> None:
    hook = CentralPair()
    hook.wanted = QUARK
    with quiet():
        read = "MultipartonInteractions:reuseInit = 2"
        checked = start_pythia((*dijets(), read), 9, hook, pythia.integrals(dijets()))
    quick = DijetGenerator(9, 0.5)
    there = generator.Record.read(checked.nextBatch(10)).particles()
    np.testing.assert_array_equal(there.pt, quick.generate(QUARK, 10).particles.pt)


def test_collisions_that_lose_energy_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(DijetGenerator(5, 0.5).generate(QUARK, 4)) > 0
    monkeypatch.setattr(generator, "ENERGY", 8002.0)
    assert len(DijetGenerator(5, 0.5).generate(QUARK, 4)) == 0
