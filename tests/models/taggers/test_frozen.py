"""Fine-tuning of the last layers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models import MODELS
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.taggers.base import TaggerTask, last_layers

CROPS: dict[str, Any] = {"hidden": 16, "batch": 16, "quiet": True}


@pytest.mark.parametrize("model", MODELS["jet-tagger"])
def test_every_tagger_has_last_layers(model: str, toy_jets: Events) -> None:
    made = build(load_config("jet-tagger", model), toy_jets.geometry, toy_jets)
    assert isinstance(made, TaggerTask)
    last, whole = (sum(p.numel() for p in m.parameters()) for m in (made.head, made.network))
    assert 0 < last < 0.4 * whole  # a third of the smallest


def test_the_last_layers_of_plain_modules() -> None:
    first, second = nn.Linear(3, 4), nn.Linear(4, 1)
    assert (
        last_layers(nn.Sequential(nn.Sequential(first, nn.ReLU(), second, nn.Sigmoid()))) is second
    )
    assert last_layers(second) is second


def test_a_frozen_network_keeps_all_but_its_last_layers(tmp_path: Path, toy_crops: Events) -> None:
    first, out = tmp_path / "first", tmp_path / "fine"
    fine: dict[str, Any] = {"epochs": 2, "learning_rate": 0.01, "quiet": True}
    with pytest.warns(UserWarning, match="crop-net"):
        made = cv.train("egamma", toy_crops, out=first, epochs=2, **CROPS)
    with pytest.warns(UserWarning, match="crop-net"):
        cv.fine_tune(made, toy_crops, out=out, frozen=True, **fine)
    before, after = (load_file(run / "model.safetensors") for run in (first, out))
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    learned = {k for k in moved if k.startswith("network.")}
    assert learned == {"network.layers.9.weight", "network.layers.9.bias"}
    assert cv.load_model(out).config["frozen"] is True
    # what is fine-tuned further learns in all its layers
    with pytest.warns(UserWarning, match="crop-net"):
        again = cv.fine_tune(out, toy_crops, out=tmp_path / "more", epochs=1, quiet=True)
    assert again.config["frozen"] is False
    assert not torch.equal(
        load_file(again.path / "model.safetensors")["network.layers.1.weight"],
        after["network.layers.1.weight"],
    )


def test_nothing_learned_cannot_be_frozen(tmp_path: Path, toy_crops: Events) -> None:
    with pytest.raises(InputError, match="learned nothing"):
        cv.train("egamma", toy_crops, out=tmp_path / "run", frozen=True, **CROPS)
    assert not (tmp_path / "run").exists()
