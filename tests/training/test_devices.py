"""Every model on a GPU, pretended: what it computes there is what it computes on the CPU."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import calovision as cv
from calovision.deploy.graphs import graphs
from calovision.errors import InputError
from calovision.evaluation.challenge import JUDGED
from calovision.evaluation.compare import compare
from calovision.evaluation.network_judges import LEARNING, cells, hits
from calovision.evaluation.samples import Samples
from calovision.evaluation.symmetry.measures import measure
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models import MODELS
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.hits_vae import HitsVAETask
from calovision.models.config import load_config
from calovision.models.generators.base import GeneratorTask, Request
from calovision.models.generators.hits.task import HitsTask
from calovision.models.load import build, load_task
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.runs import train as train_symmetry
from calovision.models.symmetry.settings import load_settings
from calovision.models.taggers.base import TaggerTask
from calovision.models.train import train
from calovision.networks.mixed_precision import rounded_products
from calovision.studies.bench.rows import bench
from calovision.training.devices import to_device
from calovision.training.run import RunDir
from calovision.training.task import Batch, Task
from pretended_gpu import ANSWERS, GPU, OnGPU, OwnGenerator, PretendedGPU, needed, with_gpus

CPU = torch.device("cpu")
BATCH = 8
QUICKLY = replace(LEARNING, shares=(1,), most_passes=1)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with one GPU."""
    for name, answer in ANSWERS.items():
        monkeypatch.setattr(name, answer)
    with PretendedGPU():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(80, 5), tmp_path_factory.mktemp("data") / "jets", provenance={})


@needed
def test_tensors_on_two_devices_do_not_go_together(gpu: None) -> None:
    there, here = torch.ones(3, device=GPU), torch.ones(3)
    assert (there + 1).device == GPU
    assert float((there * torch.tensor(2.0)).sum()) == 6
    for mixed in (lambda: there + here, lambda: torch.cat([there, here])):
        with pytest.raises(RuntimeError, match="on the GPU and on the CPU"):
            mixed()
    with pytest.raises(RuntimeError, match="random numbers of another device"):
        torch.rand(3, generator=OwnGenerator(), device=GPU)
    with pytest.raises((TypeError, RuntimeError), match="numpy"):
        there.numpy()


def close(found: Tensor, expected: Tensor) -> None:
    """Equal but for rounding, which counts in units of the largest number."""
    size = float(expected.detach().abs().max().clamp(min=1e-6))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * size)


def stepped(task: Task, batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Losses of a step, gradients, and losses of a look after it."""
    random = OwnGenerator(device).manual_seed(1)
    optimiser = torch.optim.AdamW(task.train().parameters(), 1e-3, fused=True)
    torch.manual_seed(2)
    parts = task.loss(to_device(batch, device), random)
    parts["loss"].backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
    optimiser.step()
    with torch.no_grad():
        looked = task.eval().loss(to_device(batch, device), random)
    slopes = {k: x.grad for k, x in task.named_parameters() if x.grad is not None}
    return parts | {f"look {k}": v for k, v in looked.items()} | slopes


def predicted(task: Task, dataset: Any, device: torch.device) -> list[Any]:
    """What a task makes of events."""
    chosen = np.arange(4)
    if isinstance(task, TaggerTask):
        task.calibrate(dataset)
        logits = task.logits(dataset)
        return [logits, task.probabilities(logits)]
    task.calibrate(dataset)
    made: list[Any] = []
    if isinstance(task, AutoencoderTask):
        events, means = task.reconstruct(dataset, chosen, OwnGenerator(device).manual_seed(3))
        made = [means]
        if isinstance(task, HitsVAETask):  # rounding makes another hit of one that is drawn
            return [*made, len(events)]
    else:
        assert isinstance(task, GeneratorTask)
        events = task.sample(Request(), 0, 1, None)
        if task.oversamples:  # a detector makes another image of a particle that is rounded
            return [events.counts().mean(0), events["gen_pt"].mean(), events["m0"].mean()]
    return [*made, events.offsets, events.cell, events.value]


@needed
@pytest.mark.parametrize(("name", "model"), [(t, m) for t in MODELS for m in MODELS[t]])
def test_a_step_and_what_comes_of_it(
    name: str,
    model: str,
    toy_jets: Events,
    toy_crops: Events,
    reference: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    events = (toy_crops if name == "egamma" else toy_jets)[:24]
    if model in reference.OF_PARTICLES:
        events = cv.simulate.jets(24, seed=5, particles=True, quiet=True).load()
    config = load_config(name, model, overrides=reference.SMALL[name, model])
    torch.manual_seed(1)
    here = build(config, events.geometry, events)
    if isinstance(here, HitsTask):
        here.chunk = 30  # type: ignore[misc]
    there, chosen = copy.deepcopy(here), np.arange(BATCH)
    dataset = here.dataset(events)
    expected = stepped(here, here.training_batch(dataset, chosen, 0), CPU)
    made = predicted(here, dataset, CPU)
    written = [g.expected(events[:5]) for g in graphs(here)]
    with PretendedGPU():
        there.place(GPU)
        assert all(isinstance(x, OnGPU) for x in (*there.parameters(), *there.buffers()))
        dataset = there.dataset(events)
        found = stepped(there, there.training_batch(dataset, chosen, 0), GPU)
        assert found.keys() == expected.keys()
        for key, value in found.items():
            assert value.device == GPU
            close(value.cpu(), expected[key])
        for a, b in zip(predicted(there, dataset, GPU), made, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
        for graph, known in zip(graphs(there), written, strict=True):
            for key, array in graph.expected(events[:5]).items():
                np.testing.assert_allclose(array, known[key], rtol=1e-3, atol=1e-3)


#: of each kind one, with noise, an average of the weights, and what is fitted at last
TRAINED = [
    ("jet-tagger", "particle-transformer"),
    ("jet-vae", "point"),
    ("jet-generator", "baseline"),
]


@needed
@pytest.mark.parametrize(("name", "model"), TRAINED)
def test_a_run_moves_between_devices(
    name: str,
    model: str,
    store: EventStore,
    reference: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = reference.SMALL[name, model] | {"batch": 16, "validate_every": 2}

    def trained(out: str, device: str, epochs: int, **how: bool) -> RunDir:
        config = load_config(name, model, overrides=small | {"device": device, "epochs": epochs})
        return train(config, store, tmp_path / out, quiet=True, **how)

    whole = trained("whole", "cpu", 1)
    assert whole.budget()["device"] == "cpu"
    assert whole.budget()["memory_mb"] > 100
    with monkeypatch.context() as patch:
        for answer in ANSWERS:
            patch.setattr(answer, ANSWERS[answer])
        with PretendedGPU():
            there = trained("there", "auto", 1)
            assert load_task(there).device == GPU
    spent = there.budget()
    assert (spent["device"], spent["memory_mb"]) == ("cuda:0 (a pretended one)", 123.0)
    assert there.describe()["config"]["device"] == "auto"
    for row, known in zip(there.rows(), whole.rows(), strict=True):
        assert row.keys() == known.keys()
        for key in ("val_loss", "train_loss"):
            assert row[key] == pytest.approx(known[key], rel=1e-3)
    assert 0 < spent["data_wait"] < 1
    assert all(type(x) is Tensor for x in load_file(there.weights).values())
    assert load_task(there, "cpu").device == CPU
    # Begun on a GPU, it goes on on the CPU as if it had been there.
    for run in (whole, there):
        trained(run.path.name, "cpu", 2, resume=True)
    assert there.describe()["config"]["device"] == "cpu"
    assert there.budget()["device"] == "cpu"
    assert there.rows()[-1]["step"] == whole.rows()[-1]["step"] == 8
    assert there.rows()[-1]["val_loss"] == pytest.approx(whole.rows()[-1]["val_loss"], rel=1e-2)


def test_another_device_alone_is_not_another_run(store: EventStore, tmp_path: Path) -> None:
    small = {"width": 16, "hits": 8, "epochs": 1}
    run = train(
        load_config("jet-tagger", overrides=small | {"device": "cpu"}), store, tmp_path / "r"
    )
    before = run.weights.stat().st_mtime_ns
    config = load_config("jet-tagger", overrides=small)
    assert config.device == "auto"
    train(config, store, run.path, resume=True)
    assert run.weights.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another configuration: width"):
        train(config.model_copy(update={"width": 32}), store, run.path, resume=True)


@needed
def test_scores_are_the_same_on_both(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config("jet-tagger", overrides={"width": 16, "hits": 8, "epochs": 1})
    run = train(config, store, tmp_path / "r", quiet=True).path
    here = cv.load_model(run, device="cpu").predict(store, out=tmp_path / "a.csv")
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    with PretendedGPU():
        there = cv.load_model(run, device="cuda:0").predict(store, out=tmp_path / "b.csv")
    np.testing.assert_allclose(there.probability, here.probability, rtol=1e-5)
    assert (there.out_of_distribution == here.out_of_distribution).all()


@needed
@pytest.mark.parametrize(
    "judge",
    [partial(j, learning=QUICKLY) for j in (cells, hits)]
    + [partial(j, epochs=1) for j in JUDGED.values()],
)
def test_the_networks_among_the_judges_learn_on_both(
    make_jets: Callable[[int, int], Events], monkeypatch: pytest.MonkeyPatch, judge: Any
) -> None:
    jets, others = make_jets(60, 1), make_jets(60, 2)
    samples = Samples((jets, others), (np.zeros((60, 1)),) * 2, ("none",))
    here = judge(samples, 1, 1, "cpu").auc
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    with PretendedGPU():
        there = judge(samples, 1, 1, "cuda:0").auc
    assert there.value == pytest.approx(here.value, abs=1e-3)


#: whatever runs a network, each before it looks at anything else
VERBS: dict[str, Callable[[Path, Any, str], object]] = {
    "classify": lambda run, store, name: cv.load_model(run, device=name).predict(
        store, out=run / "a.csv"
    ),
    "reconstruct": lambda run, store, name: (
        cv.load_model(run, device=name).reconstruct(store, out=run / "a").events
    ),
    "generate": lambda run, store, name: cv.load_model(run, device=name).generate(1, out=run / "a"),
    "evaluate": lambda run, store, name: cv.load_model(run, device=name).evaluate(store).content,
    "export": lambda run, store, name: cv.load_model(run, device=name).export(run / "a.onnx"),
    "compare": lambda run, store, name: compare(store, store, seed=1, device=name),
    "discover": lambda run, store, name: discover(run, store, device=name),
    "measure": lambda run, store, name: measure(store, store, device=name),
    "bench": lambda run, store, name: bench(device=name),
    "load": lambda run, store, name: load_task(RunDir(run), name),
}


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_refuse_a_device_that_is_not_there(
    verb: str, store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if verb == "export":
        pytest.importorskip("onnxscript")
    with_gpus(monkeypatch, 1)
    with pytest.raises(InputError, match="there is no GPU 7"):
        VERBS[verb](tmp_path, store, "cuda:7")
    assert list(tmp_path.iterdir()) == []


@needed
@pytest.mark.parametrize("model", ["isometry", "baseline"])
def test_symmetries_are_found_on_both(
    model: str, reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: ImageData = reference.digits(tmp_path / "digits")
    small = {**reference.SEARCH[model], "oracle_steps": 3}
    small |= {"vae_steps": 3} if model == "isometry" else {"epochs": 0.5}
    latents = (5, 2) if model == "isometry" else (5,)

    def found(out: str) -> list[dict[str, Any]]:
        train_symmetry(load_settings(model, overrides=small), data, tmp_path / out, quiet=True)
        flows = [discover(tmp_path / out, data, latent=d, quiet=True) for d in latents]
        assert all(next(f.vae.parameters()).device == CPU for f in flows)
        return [f.vae.state_dict() | {"evidence": f.about.get("evidence")} for f in flows]

    here = found("here")
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    with PretendedGPU():
        there = found("there")
    budget = json.loads((tmp_path / "there" / "budget.json").read_text())
    assert (budget["device"], budget["memory_mb"]) == ("cuda:0 (a pretended one)", 123.0)
    for a, b in zip(here, there, strict=True):
        of_a, of_b = (x.pop("evidence") or {} for x in (a, b))
        errors = (x.pop("errors", {}) for x in (of_a, of_b))
        assert next(errors) == pytest.approx(next(errors), rel=0.1)
        assert of_a == pytest.approx(of_b, rel=1e-2)
        for key in a:
            close(b[key], a[key])


def test_a_gpu_whose_memory_is_full_is_one_line(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"width": 16, "hits": 8, "epochs": 1, "batch": 20, "device": "cpu"}
    run = train(load_config("jet-tagger", overrides=small), store, tmp_path / "r", quiet=True)

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")

    monkeypatch.setattr("calovision.models.taggers.transformer.TransformerTask.loss", full)
    with pytest.raises(InputError, match="is full; ask for a smaller batch: --set batch=10"):
        train(load_config("jet-tagger", overrides=small), store, tmp_path / "s", quiet=True)
    monkeypatch.setattr("calovision.models.taggers.transformer.TransformerTask.logits", full)
    with pytest.raises(InputError, match="is full; take a larger GPU, or give --device cpu"):
        cv.load_model(run.path).predict(store, out=tmp_path / "a.csv")


def test_products_are_rounded_on_a_gpu_alone_and_where_asked_for() -> None:
    assert torch.get_float32_matmul_precision() == "highest"
    for device, enabled, expected in ((GPU, True, "high"), (GPU, False, "highest")):
        with rounded_products(device, enabled):
            assert torch.get_float32_matmul_precision() == expected
    with rounded_products(CPU, True):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "highest"


def test_what_needs_double_precision_refuses_the_gpu_of_a_mac(toy_jets: Events) -> None:
    config = load_config("jet-tagger", "particlenet-lite")
    task = build(config, toy_jets.geometry, toy_jets)
    with pytest.raises(InputError, match="needs double precision, which device mps does not have"):
        task.place(torch.device("mps"))
