"""Exported models say what the models say, from hits or images to results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.deploy import export as exporting
from calovision.deploy.export import METADATA, TOLERANCE, compared, differences, written
from calovision.deploy.graphs import graphs
from calovision.deploy.trial_events import trial_events
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.classify import score
from calovision.models.config import load_config
from calovision.models.generators.hits.network import HIGHEST
from calovision.models.generators.hits.numbers import COUNTS
from calovision.models.generators.hits.sampling import sample_objects
from calovision.models.generators.hits.task import HitsTask
from calovision.models.load import build, load_tagger
from calovision.models.train import train
from calovision.training.onnx_graph import Graph
from calovision.training.run import RunDir
from calovision.training.task import Task

SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("jet-tagger", "particle-transformer"): {"width": 16, "hits": 20, "layers": 1},
    ("jet-tagger", "particlenet"): {"hits": 20},
    ("jet-tagger", "particlenet-lite"): {"hits": 20},
    ("jet-tagger", "resnet15"): {},
    ("jet-tagger", "baseline"): {"k": 3},
    ("jet-tagger", "graphsage-xy"): {"k": 3},
    ("egamma", "baseline"): {},
    ("egamma", "crop-net"): {"hidden": 16},
    ("jet-vae", "point"): {"points": 64, "width": 16, "code": 32},
    ("jet-vae", "baseline"): {"latent": 8},
    ("jet-generator", "baseline"): {"widths": [8, 16], "steps": 20},
    ("jet-generator", "hits"): {
        **{"width": 16, "layers": 1, "heads": 2, "companion_width": 8, "jet_width": 16},
        "bfloat16": False,
    },
}
EXAMPLES = Path(__file__).parents[2] / "examples"
#: converted in the tests; of the others, what is converted is compared, which takes no time
CONVERTED = [("jet-vae", "point", "decoder"), ("jet-generator", "hits", "object")]


def fresh(task: str, model: str, jets: Events) -> Task:
    torch.manual_seed(0)
    settings = SMALL[task, model]
    made = build(load_config(task, model, overrides=settings), jets.geometry, jets)
    for part in made.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            # Untouched statistics would hide a normalisation that is left out.
            part.running_mean.uniform_(-0.1, 0.1)  # type: ignore[union-attr]
            part.running_var.uniform_(0.8, 1.2)  # type: ignore[union-attr]
    return made


@pytest.mark.parametrize(("task", "model"), SMALL)
def test_a_graph_of_tensors_computes_what_the_task_computes(
    task: str, model: str, toy_jets: Events, toy_crops: Events
) -> None:
    toys = toy_crops if task == "egamma" else toy_jets
    made = fresh(task, model, toys)
    if hasattr(made, "slope"):
        made.slope.fill_(1.7)
        made.offset.fill_(-0.3)
    for graph in graphs(made):
        for events in (toys[:8], trial_events(toys.geometry, 3)):
            given = graph.prepared(events)
            assert list(given) == list(graph.inputs)
            with torch.no_grad():
                found = graph.module.eval()(*(torch.from_numpy(v) for v in given.values()))
            found = found if isinstance(found, tuple) else (found,)
            arrays = {k: v.numpy() for k, v in zip(graph.outputs, found, strict=True)}
            assert differences(arrays, graph.expected(events), len(events)).max() < TOLERANCE


@pytest.mark.parametrize(("task", "model", "part"), CONVERTED)
def test_onnx_runtime_computes_it_too(task: str, model: str, part: str, toy_jets: Events) -> None:
    pytest.importorskip("onnxscript")
    graph = next(g for g in graphs(fresh(task, model, toy_jets)) if g.part == part)
    payload = written(graph, toy_jets, {})
    difference, undecided = compared(graph, payload, toy_jets[:9])
    assert difference < TOLERANCE
    assert undecided == 0
    runtime = pytest.importorskip("onnxruntime").InferenceSession(payload)
    given = graph.prepared(toy_jets[:2])
    for some in (0, 1):
        found = runtime.run(None, {k: v[:some] for k, v in given.items()})
        fixed = [isinstance(output.shape[0], int) for output in runtime.get_outputs()]
        assert all(len(x) == some for x, rows in zip(found, fixed, strict=True) if not rows)
        assert sum(fixed) == (3 if part == "decoder" else 0)  # where the cells are


def test_the_point_decoder_gives_what_reconstructions_are_made_of(toy_jets: Events) -> None:
    task = fresh("jet-vae", "point", toy_jets)
    _, graph = graphs(task)
    jets = toy_jets[:5]
    given = graph.prepared(jets)
    assert isinstance(task, AutoencoderTask)
    made, _ = task.reconstruct(task.dataset(jets), np.arange(5), torch.Generator())
    with torch.no_grad():
        found = graph.module.eval()(*(torch.from_numpy(v) for v in given.values()))
    told = {k: v.numpy() for k, v in zip(graph.outputs, found, strict=True)}
    assert np.array_equal(made.counts(), told["counts"])
    assert made.sums() == pytest.approx(told["sums"], rel=1e-4)
    for i in range(5):
        event, on = made[i], told["channel"][i] >= 0
        eta, phi = event.geometry.eta(event.cell), event.geometry.phi(event.cell)
        known = {
            (c, round(float(e), 3), round(float(p), 3))
            for c, e, p in zip(event.channel, eta, phi, strict=True)
        }
        rows = zip(*(told[k][i][on] for k in ("channel", "eta", "phi")), strict=True)
        assert {(c, round(float(e), 3), round(float(p), 3)) for c, e, p in rows} <= known


def test_order_of_hits_and_padding_change_nothing(toy_jets: Events) -> None:
    (graph,) = graphs(fresh("jet-tagger", "particle-transformer", toy_jets))
    given = graph.prepared(toy_jets[:4])
    shuffled = {k: np.concatenate([v, v[:, :7] * 0], 1)[:, ::-1].copy() for k, v in given.items()}
    shuffled["channel"][:, :7] = -1
    with torch.no_grad():
        first, second = (
            graph.module.eval()(*(torch.from_numpy(v) for v in tables.values()))
            for tables in (given, shuffled)
        )
    assert torch.allclose(first[1], second[1], atol=1e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> RunDir:
    folder = tmp_path_factory.mktemp("tagger")
    store = save(make_jets(60, 8), folder / "jets", provenance={})
    settings = {"epochs": 1, "batch": 20, "validation": 0.2}
    settings |= SMALL["jet-tagger", "particle-transformer"]
    return train(load_config("jet-tagger", overrides=settings), store, folder / "run", quiet=True)


def test_a_file_that_says_something_else_is_not_written(
    run: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(graph: Graph, events: Events, about: dict[str, Any]) -> bytes:
        del graph, events, about
        return b""

    monkeypatch.setattr(exporting, "written", wrong)
    monkeypatch.setattr(exporting, "compared", lambda *_: (3e-3, 1.0))
    with pytest.raises(InputError, match=r"differs from the model by 3\.0e-03"):
        cv.load_model(run.path).export(tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_bad_requests_are_one_line(
    run: RunDir, tmp_path: Path, toy_crops: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="end it with"):
        cv.load_model(run.path).export(tmp_path / "model.pt")
    with pytest.raises(InputError, match="no folder"):
        cv.load_model(run.path).export(tmp_path / "none" / "model.onnx")
    crops = save(toy_crops, tmp_path / "crops", provenance={})
    with pytest.raises(InputError, match="trained on"):
        cv.load_model(run.path).export(tmp_path / "model.onnx", data=crops)
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"calovision\[deploy\]"):
        cv.load_model(run.path).export(tmp_path / "model.onnx")


def test_the_graphs_of_hits_in_a_row_make_its_jets(toy_jets: Events) -> None:
    task = fresh("jet-generator", "hits", toy_jets)
    assert isinstance(task, HitsTask)
    jet, step, _ = (graph.module.eval() for graph in graphs(task))
    random, n = torch.Generator().manual_seed(3), 6
    label = torch.arange(n).float() % 2
    with torch.no_grad():
        numbers = jet(label, torch.rand(n, task.jets.size, 2, generator=random))
        order = numbers[:, COUNTS].sum(1).argsort(descending=True)
        label, numbers = label[order], numbers[order]
        again = torch.Generator().set_state(random.get_state())
        shown = task.jets.shown(label, numbers)
        wanted = sample_objects(task.objects, shown, numbers, again)
        rows, cols = (x + 2 for x in task.grid[:2])
        size = task.objects.transformer.size
        state = [torch.tensor([[3, 0, 0]] * n), *(torch.zeros(n, *s) for s in ((), (3,)))]
        state += [torch.full((n,), HIGHEST), torch.zeros(n, rows, cols, 2 * task.grid.pixels + 1)]
        state += [torch.zeros(n, 0, 1, 2 * size)]
        for place in range(wanted.kind.shape[1]):
            uniform = torch.rand(n, 4, generator=random)
            state = list(step(label, numbers, *state, uniform))
            some = numbers[:, COUNTS].sum(1) > place
            assert torch.equal(state[0][some], torch.stack(wanted[:3], 2)[some, place])
            torch.testing.assert_close(state[1][some], wanted.strength[some, place])


def test_differences_are_relative_to_large_values_and_find_nan() -> None:
    wanted = {"x": np.array([[100.0], [0.0], [0.0]])}
    found = {"x": np.array([[100.1], [0.5], [np.nan]])}
    assert differences(found, wanted, 3) == pytest.approx([1e-3, 0.5, np.inf])
    assert differences({"x": np.zeros((2, 1))}, wanted, 3).min() == np.inf


@pytest.fixture(scope="module")
def tagger(run: RunDir, tmp_path_factory: pytest.TempPathFactory, toy_jets: Events) -> Path:
    """An exported tagger."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("exported")
    jets = save(toy_jets, folder / "jets", provenance={})
    (file,) = cv.load_model(run.path).export(folder / "tagger.onnx", data=jets)
    assert file.difference < TOLERANCE
    assert file.events == len(jets)
    return file.path


def test_the_file_tells_what_goes_in_and_out(tagger: Path, toy_jets: Events) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tagger)
    about = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
    assert "GeV" in about["inputs"]["energy"]
    assert about["geometry"] == json.loads(json.dumps(toy_jets.geometry.to_dict()))
    assert [i.name for i in session.get_inputs()] == list(about["inputs"])
    assert [i.name for i in session.get_outputs()] == list(about["outputs"])
    assert about["run"]["model"] == "particle-transformer"


def test_no_event_and_no_hit(run: RunDir, tagger: Path, toy_jets: Events) -> None:
    """Scores of as many events as come in, and of an event the same alone as among others."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tagger)
    (graph,) = graphs(load_tagger(run))
    given = graph.prepared(toy_jets[:3])
    probability, logit, foreign = session.run(None, given)
    for chosen in (slice(0, 0), slice(0, 1), slice(2, 3)):
        found = session.run(None, {k: v[chosen] for k, v in given.items()})
        for own, among in zip(found, (probability, logit, foreign), strict=True):
            assert own.shape == among[chosen].shape
            np.testing.assert_allclose(own, among[chosen], atol=1e-6)
    blank = session.run(None, {k: v[:, :0] for k, v in given.items()})
    padding = {k: np.full_like(v, -1 if k == "channel" else 0) for k, v in given.items()}
    for own, other in zip(blank, session.run(None, padding), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-6)


def test_the_python_example_needs_no_torch(
    run: RunDir, tagger: Path, tmp_path: Path, toy_jets: Events
) -> None:
    jets = toy_jets[:6]
    np.save(tmp_path / "images.npy", jets.to_dense("gev"))
    code = (
        "import runpy, sys; sys.modules['torch'] = sys.modules['calovision'] = None;"
        f"sys.argv = ['tag', {str(tagger)!r}, {str(tmp_path / 'images.npy')!r}];"
        f"runpy.run_path({str(EXAMPLES / 'tag_with_onnxruntime.py')!r}, run_name='__main__')"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stderr == ""
    scores = [float(line.split()[1]) for line in shown.stdout.splitlines()]
    assert scores == pytest.approx(score(load_tagger(run), jets, quiet=True).probability, abs=1e-4)


def cpp_headers() -> Path | None:
    """Folder of ONNX Runtime's C++ headers, if they are on this machine."""
    places = [os.environ.get("ONNXRUNTIME_ROOT", "/opt/onnxruntime"), "/usr/local", "/usr"]
    folders = (Path(p) / "include" / sub for p in places for sub in ("", "onnxruntime"))
    return next((f for f in folders if (f / "onnxruntime_cxx_api.h").exists()), None)


def folder_of(package: str) -> Path:
    """Where a Python package lies."""
    found = pytest.importorskip(package)
    assert found.__file__ is not None
    return Path(found.__file__).parent


def with_onnxruntime(tmp_path: Path) -> list[Path | str]:
    """Compiler flags; the library is in the Python package, the headers are not."""
    include = cpp_headers()
    if include is None:
        pytest.skip("ONNX Runtime's C++ headers are not here; ONNXRUNTIME_ROOT may name them")
    (library,) = (folder_of("onnxruntime") / "capi").glob("libonnxruntime.so.*")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (tmp_path / name).symlink_to(library)
    return ["-isystem", include, "-L", tmp_path, "-lonnxruntime", f"-Wl,-rpath,{tmp_path}"]


def with_openvino(tmp_path: Path) -> list[Path | str]:
    """Compiler flags; all is in the Python package."""
    package = folder_of("openvino")
    (library,) = (package / "libs").glob("libopenvino.so.*")
    return ["-isystem", package / "include", library, f"-Wl,-rpath,{library.parent}"]


@pytest.mark.parametrize("flags", [with_onnxruntime, with_openvino])
def test_the_cpp_examples_give_the_same_score(
    flags: Callable[[Path], list[Path | str]],
    run: RunDir,
    tagger: Path,
    tmp_path: Path,
    toy_jets: Events,
) -> None:
    compiler, program = shutil.which("c++"), tmp_path / "tag"
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    source = EXAMPLES / f"tag_{flags.__name__}.cpp"
    command = [compiler, "-std=c++17", "-Wall", "-Werror", source, *flags(tmp_path), "-o", program]
    subprocess.run([str(c) for c in command], check=True)
    jet = toy_jets[:1]
    rows = zip(
        jet.geometry.eta(jet.cell),
        jet.geometry.phi(jet.cell),
        jet.energy,
        jet.channel,
        strict=True,
    )
    text = "\n".join(" ".join(str(x) for x in row) for row in rows)
    shown = subprocess.run([program, tagger], input=text, capture_output=True, text=True)
    wanted = score(load_tagger(run), jet, quiet=True).probability[0]
    assert float(shown.stdout.split()[0]) == pytest.approx(wanted, abs=1e-4)
