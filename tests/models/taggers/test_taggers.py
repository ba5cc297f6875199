"""Every tagger goes through the trainer, its run directory and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models import MODELS
from calovision.models.classify import score
from calovision.models.config import load_config
from calovision.models.load import load_tagger
from calovision.models.train import train

#: of models that are slow or large as published
SMALL = {"particle-transformer": {"width": 16, "hits": 20}, "particlenet": {"hits": 20}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(60, 8), tmp_path_factory.mktemp("data") / "jets", provenance={})


@pytest.mark.parametrize("model", MODELS["jet-tagger"])
def test_a_trained_tagger_is_loaded_as_it_was(
    store: EventStore, tmp_path: Path, model: str
) -> None:
    settings = {"epochs": 1, "batch": 20, "validation": 0.2} | SMALL.get(model, {})
    config = load_config("jet-tagger", model, overrides=settings)
    run = train(config, store, tmp_path / "run", quiet=True)
    first, second = (score(load_tagger(run), store, quiet=True) for _ in range(2))
    assert np.array_equal(first.probability, second.probability)
    assert first.probability.std() > 0
    assert run.rows()[-1]["step"] == run.budget()["steps"] == 2
