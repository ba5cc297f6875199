from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from calovision import models
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.studies.bench.material import Material
from calovision.studies.bench.models import MODELS, measured
from calovision.studies.bench.rows import ROWS, bench
from calovision.studies.bench.table import markdown, models_text


def test_every_model_has_a_row_beside_the_published_one() -> None:
    assert set(MODELS.values()) == {(t, m) for t in models.MODELS for m in models.MODELS[t]}
    assert not MODELS.keys() & ROWS.keys()
    tasks = [task for task, _ in MODELS.values()]
    for task in set(tasks):
        last = [pair for pair in MODELS.values() if pair[0] == task][-1]
        assert last == (task, "baseline")


@pytest.mark.parametrize(
    "name", ["jet-tagger-particlenet-lite", "jet-vae-point", "egamma-crop-net"]
)
def test_speeds_of_a_model(name: str, toy_jets: Events, toy_crops: Events) -> None:
    events = toy_crops if name.startswith("egamma") else toy_jets
    found = measured(name, torch.device("cpu"), events, "", steps=2, made=4, seed=1)
    assert found["device"] == "cpu"
    assert found["batch"] == 64
    assert 0 < float(found["data_wait"]) < 1
    assert float(found["steps_per_s"]) > 0
    assert float(found["events_per_s"]) > 0
    assert float(found["memory_mb"]) > 100


def test_the_bench_measures_models_in_processes_of_their_own(
    tmp_path: Path, make_jets: Callable[[int, int], Events], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Material, "jets", make_jets(60, 1))
    out = tmp_path / "bench.json"
    name = "jet-tagger-particlenet-lite"
    content = bench(out, only=[name], size="quick", device="cpu", quiet=True)
    assert content == json.loads(out.read_text())
    assert content["rows"] == {}
    assert list(content["models"]) == [name]
    assert list(content["models"][name]) == ["cpu"]
    line = models_text(content["models"])
    assert line.startswith(name)
    assert "waiting for data" in line
    assert f"| {name} | cpu | 60 |" in markdown(content)
    with pytest.raises(InputError, match="there is no row 'jet-vae-points'"):
        bench(out, only=["jet-vae-points"], size="quick", quiet=True)
    with pytest.raises(InputError, match="there is no device 'gpu'"):
        bench(out, only=[name], size="quick", device="gpu", quiet=True)
