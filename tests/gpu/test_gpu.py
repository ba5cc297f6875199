"""Everything once on a real GPU: ``make test-gpu``. Without one, all of this is skipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.evaluation.network_judges import LEARNING, cells, hits
from calovision.evaluation.samples import Samples
from calovision.evaluation.symmetry.measures import measure
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models import MODELS
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.config import load_config
from calovision.models.generators.base import GeneratorTask
from calovision.models.load import load_task
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.runs import train as train_symmetry
from calovision.models.symmetry.settings import load_settings
from calovision.models.taggers.base import TaggerTask
from calovision.models.train import train
from calovision.studies.bench.models import measured
from calovision.training.batches import ValidationBatches
from calovision.training.devices import to_device
from calovision.training.run import RunDir

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(scope="module")
def sets(
    tmp_path_factory: pytest.TempPathFactory,
    make_jets: Callable[[int, int], Events],
    make_crops: Callable[[int, int], Events],
) -> dict[str, EventStore]:
    folder = tmp_path_factory.mktemp("sets")
    jets, crops = make_jets(400, 5), make_crops(600, 5)
    found = {"jets": save(jets, folder / "jets", provenance={})}
    found["unseen"] = save(make_jets(300, 6), folder / "unseen", provenance={})
    kept = cv.simulate.jets(400, seed=5, particles=True, quiet=True).load()
    found["particles"] = save(kept, folder / "particles", provenance={})
    return found | {"crops": save(crops, folder / "crops", provenance={})}


@pytest.mark.parametrize(("name", "model"), [(t, m) for t in MODELS for m in MODELS[t]])
def test_train_use_move_and_export(
    name: str, model: str, sets: dict[str, EventStore], reference: ModuleType, tmp_path: Path
) -> None:
    kind = "particles" if model in reference.OF_PARTICLES else "jets"
    store = sets["crops" if name == "egamma" else kind]
    small = reference.SMALL[name, model] | {"batch": 16, "epochs": 0.5, "validate_every": 5}
    config = load_config(name, model, overrides=small | {"device": "cuda"})
    run = train(config, store, tmp_path / "run", quiet=True)
    spent = run.budget()
    assert spent["device"].startswith("cuda:0 (")
    assert spent["memory_mb"] > 0
    assert np.isfinite([row["val_loss"] for row in run.rows()]).all()
    here = load_task(run, "cpu")
    number, batch = ValidationBatches(here, here.dataset(store[:50]))[0]
    assert number == 0
    # The loss that one sees where it was trained is the loss that the other sees.
    losses = []
    for device in (CPU, GPU):
        task = here.place(device)
        noise = torch.Generator(device).manual_seed(1)
        with torch.no_grad():
            losses.append(float(task.loss(to_device(batch, device), noise)["loss"]))
    exact = isinstance(here, TaggerTask)  # others draw noise, which every device has of its own
    assert losses[1] == pytest.approx(losses[0], rel=1e-2 if exact else 0.3)
    if isinstance(here, TaggerTask):
        found = [
            cv.load_model(run.path, device=d).predict(store, out=tmp_path / f"{d}.csv").probability
            for d in ("cpu", "cuda")
        ]
        np.testing.assert_allclose(
            found[1], found[0], atol=2e-2 if small_precision(config) else 1e-3
        )
    if isinstance(here, AutoencoderTask):
        made = [
            cv.load_model(run.path, device=d).reconstruct(store, out=tmp_path / d).events
            for d in ("cpu", "cuda")
        ]
        codes = [np.load(tmp_path / d / "latent.npy") for d in ("cpu", "cuda")]
        np.testing.assert_allclose(codes[1], codes[0], rtol=1e-2, atol=1e-2)
        assert made[0].load().counts().sum() == pytest.approx(
            made[1].load().counts().sum(), rel=0.1
        )
    if isinstance(here, GeneratorTask):
        first = cv.load_model(run.path).generate(20, out=tmp_path / "a")
        again = cv.load_model(run.path).generate(20, out=tmp_path / "b")
        assert len(first) == 20
        assert first.hash == again.hash
    longer = config.model_copy(update={"device": "cpu", "epochs": 1.0})
    assert train(longer, store, run.path, resume=True, quiet=True).budget()["device"] == "cpu"


def small_precision(config: object) -> bool:
    return bool(getattr(config, "bfloat16", False))


def test_half_precision_trains(sets: dict[str, EventStore], tmp_path: Path) -> None:
    for model in ("particlenet-lite", "resnet15"):
        small = {"batch": 16, "epochs": 0.2, "device": "cuda", "bfloat16": True}
        config = load_config("jet-tagger", model, overrides=small)
        run = train(config, sets["jets"], tmp_path / model, quiet=True)
        assert np.isfinite(run.rows()[-1]["val_loss"])


def test_evaluate_and_export(sets: dict[str, EventStore], tmp_path: Path) -> None:
    small = {"width": 16, "hits": 20, "epochs": 1, "device": "cuda"}
    run = train(
        load_config("jet-tagger", overrides=small), sets["jets"], tmp_path / "r", quiet=True
    )
    there = cv.load_model(run.path, device="cuda").evaluate(sets["unseen"], judges="trees").content
    here = cv.load_model(run.path, device="cpu").evaluate(sets["unseen"], judges="trees").content
    assert there["metrics"]["auc"]["value"] == pytest.approx(
        here["metrics"]["auc"]["value"], abs=1e-3
    )
    pytest.importorskip("onnxscript")
    (file,) = cv.load_model(run.path, device="cuda").export(tmp_path / "m.onnx")
    assert file.difference < 1e-3


@pytest.mark.parametrize("model", ["isometry", "baseline"])
def test_symmetries(model: str, reference: ModuleType, tmp_path: Path) -> None:
    data = reference.digits(tmp_path / "digits")
    settings = load_settings(model, overrides=reference.SEARCH[model] | {"device": "cuda"})
    run: RunDir = train_symmetry(settings, data, tmp_path / "run", quiet=True)
    assert run.budget()["device"].startswith("cuda:0 (")
    flows = discover(run.path, data, device="cuda", quiet=True)
    there, here = (measure(flows, data, device=d)[0] for d in ("cuda", "cpu"))
    assert there.keys() == here.keys()


@pytest.mark.parametrize("judge", [cells, hits])
def test_the_networks_among_the_judges(sets: dict[str, EventStore], judge: Any) -> None:
    jets = sets["jets"].load()
    samples = Samples((jets[:200], jets[200:400]), (np.zeros((200, 1)),) * 2, ("none",))
    learning = replace(LEARNING, shares=(1,), most_passes=1)
    there, here = (judge(samples, 1, 1, str(d), learning).auc for d in (GPU, CPU))
    assert there.value == pytest.approx(here.value, abs=0.05)


def test_a_gpu_hardly_waits_for_batches(sets: dict[str, EventStore]) -> None:
    found = measured("jet-tagger-particle-transformer", GPU, sets["jets"].load(), "", 50, 10, 1)
    assert float(found["data_wait"]) < 0.05


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one GPU")
def test_two_gpus(sets: dict[str, EventStore], tmp_path: Path) -> None:
    small = {"width": 16, "hits": 20, "epochs": 1, "device": "cuda", "processes": 2, "batch": 16}
    run = train(
        load_config("jet-tagger", overrides=small), sets["jets"], tmp_path / "r", quiet=True
    )
    assert np.isfinite(run.rows()[-1]["val_loss"])
