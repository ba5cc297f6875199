from __future__ import annotations

import pytest

from calovision.simulation import jets
from calovision.simulation.chunks import Chunk
from calovision.simulation.generator import DijetGenerator
from calovision.studies.bench import making


def test_the_steps_of_a_chunk_are_clocked(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def tick() -> float:
        nonlocal now
        now += 1.0
        return now

    monkeypatch.setattr(making, "cpu", tick)
    collide, detect = DijetGenerator.collide, jets.detect
    ms, used = making._steps(Chunk(0, 1, 0, 2))
    assert list(ms) == ["start", "pythia", "jets", "detector", "rest"]
    batches = ms["pythia"] / 500  # a tick each, shared by two jets
    assert used >= batches >= 2
    assert (ms["start"], ms["jets"], ms["detector"]) == (500, 500 * batches, 500 * batches)
    assert ms["rest"] > 0
    assert (DijetGenerator.collide, jets.detect) == (collide, detect)
