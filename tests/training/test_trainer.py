"""Training on more than fits into memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, StoreWriter
from calovision.models.config import load_config
from calovision.models.train import train

HIT = 7  #: bytes of a hit in memory
TIMES = 3  #: the set is so many times the limit


@contextmanager
def limited(size: float) -> Iterator[None]:
    """Arrays, of NumPy and of Arrow, may take ``size`` bytes together."""
    before = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(before)
    pa.set_memory_pool(counted)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] + counted.max_memory() < size
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    jets, rng = make_jets(300, 1), np.random.default_rng(1)
    writer = StoreWriter(tmp_path_factory.mktemp("large"), jets.geometry, provenance={})
    for index in range(40):
        writer.write(index, jets[rng.integers(0, len(jets), 512)])
    return writer.finish()


def test_a_set_three_times_the_memory(store: EventStore, tmp_path: Path) -> None:
    limit = store.manifest["hits"] * HIT / TIMES
    small = {"width": 8, "heads": 1, "layers": 1, "hits": 4, "truth": 0, "batch": 64}
    settings = {"window": 256, "epochs": 1, "validation": 0.01, "validate_every": 1000}

    def run(name: str, **changed: float) -> None:
        config = load_config("jet-tagger", overrides=small | settings | changed)
        train(config, store, tmp_path / name, quiet=True)

    run("first", events=512)  # loads libraries
    with limited(limit):
        run("windows")
    with pytest.raises(AssertionError, match="max_memory"), limited(limit):
        run("all", window=len(store), epochs=0.01)
