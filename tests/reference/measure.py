"""What every model computes, in numbers: a change that shall change nothing leaves them alone.

``python tests/reference/measure.py`` (or ``make reference``) writes ``values.json`` beside this
file, ``python tests/reference/measure.py NAME...`` only some of it; ``tests/test_reference.py``
compares. The events come from ``events.npz``, fixed random numbers without any physics.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision import models
from calovision.api import simulate
from calovision.deploy.graphs import graphs
from calovision.events.digits import DigitSet
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES
from calovision.events.store import save
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.config import load_config
from calovision.models.generators.base import GeneratorTask, Request, generated
from calovision.models.load import load_task
from calovision.models.pretrained import pretrained_run
from calovision.models.symmetry.data import ImageData, read_images
from calovision.models.symmetry.discovery import discover
from calovision.models.symmetry.flows import trajectory
from calovision.models.symmetry.runs import Flows, load_flows
from calovision.models.symmetry.runs import train as train_symmetry
from calovision.models.symmetry.settings import MODELS, load_settings
from calovision.models.taggers.base import TaggerTask
from calovision.models.train import train
from calovision.training.onnx_graph import Graph
from calovision.training.run import RunDir
from calovision.training.task import Task

Values = dict[str, dict[str, float]]  #: by name: numbers that tell an array from others

HERE = Path(__file__).parent
VALUES, EVENTS = HERE / "values.json", HERE / "events.npz"
STEPS, BATCH, MADE = 20, 8, 50
#: largest change, relative to an array's size, on the machine type that wrote the values, and on
#: another one, where sums round differently and twenty steps of training carry that on
SAME, ELSEWHERE = 1e-6, 2e-2
#: elsewhere, of what a last digit can turn into another event: numbers of hits and their energies
DISCRETE, LOOSE = ("generated", "reconstructed", "graph"), 0.2

HITS: dict[str, Any] = {"width": 16, "layers": 1, "heads": 2, "components": 2, "jet_width": 16}
HITS |= {"companion_width": 8, "jet_components": 2, "bfloat16": False}
SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("jet-tagger", "particle-transformer"): {"width": 16, "hits": 20},
    ("jet-tagger", "particlenet"): {"hits": 20, "bfloat16": False},
    ("jet-tagger", "particlenet-lite"): {"hits": 20},
    ("jet-tagger", "resnet15"): {"batch": 3, "bfloat16": False},
    ("jet-tagger", "baseline"): {"k": 3},
    ("jet-tagger", "graphsage-xy"): {"k": 3},
    ("egamma", "baseline"): {"bfloat16": False},
    ("egamma", "crop-net"): {"hidden": 16},
    ("jet-vae", "point"): {"points": 64, "width": 16, "code": 32},
    **{("jet-vae", name): HITS for name in ("hits", "hits-small")},
    ("jet-vae", "baseline"): {"latent": 8, "batch": 2, "validate_every": STEPS},
    ("jet-generator", "baseline"): {"widths": [8, 16], "steps": 5, "bfloat16": False},
    ("jet-generator", "set-flow"): {"width": 16, "layers": 1, "induced": 4, "bfloat16": False},
}
#: draws hits one after another
for name in ("hits", "hits-small"):
    SMALL["jet-generator", name] = {
        **{"width": 16, "layers": 1, "heads": 2, "components": 2, "companion_width": 8},
        **{"jet_width": 16, "jet_components": 2, "bfloat16": False},
    }
#: learn from the particles of simulated jets
OF_PARTICLES = ("particles", "particles-small", "particles-large")
for name in OF_PARTICLES:
    SMALL["jet-generator", name] = {
        **{"width": 16, "layers": 1, "heads": 2, "components": 2, "jet_width": 16},
        "bfloat16": False,
    }
SEARCH: dict[str, dict[str, Any]] = {
    "isometry": {
        "vae_steps": STEPS,
        "oracle_steps": STEPS,
        "refine_steps": 2,
        "group_steps": 2,
        "points": 60,
        "components": 12,
    },
    "baseline": {"epochs": 1, "oracle_steps": STEPS, "generator_steps": 3},
}


def told(array: Any) -> dict[str, float]:
    """Numbers that any change of an array changes: size, mean, root mean square, a weighted sum."""
    flat = np.asarray(array, np.float64).reshape(-1)
    if not len(flat):
        return {"size": 0.0, "rms": 0.0, "mean": 0.0, "wave": 0.0}
    wave = float(np.mean(flat * np.cos(np.arange(len(flat)) ** 1.5)))
    rms = float(np.sqrt(np.mean(flat**2)))
    return {"size": float(len(flat)), "rms": rms, "mean": float(flat.mean()), "wave": wave}


def told_events(events: Events) -> Values:
    """The same of hits and columns."""
    found = {"counts": told(events.counts()), "sums": told(events.sums())}
    found |= {"cell": told(events.cell), "value": told(events.value)}
    return found | {name: told(events.columns[name]) for name in sorted(events.columns)}


def known() -> dict[str, Events]:
    """40 jets and 80 crops, by the schema of their images."""
    with np.load(EVENTS) as stored:
        arrays = dict(stored)
    found = {}
    for geometry in (JET_IMAGES, EGAMMA_CROPS):
        mine = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(geometry.schema)}
        hits = (mine.pop(name) for name in ("offsets", "cell", "code", "value"))
        found[geometry.schema] = Events(geometry, *hits, mine)
    return found


def digits(folder: Path) -> ImageData:
    """30 images of strokes, made without random numbers."""
    images = np.zeros((30, 28, 28), np.uint8)
    for i, image in enumerate(images):
        image[5:20, 12 + i % 4 : 15 + i % 4] = 150 + 3 * i
        image[5:8, 12:20] = 255 * (i % 2)
    DigitSet(images, 1 + np.arange(30) % 2, np.arange(30) < 6, {"source": "test"}).save(folder)
    return read_images(folder)


def trained(task: str, model: str, folder: Path) -> Values:
    """Losses of 20 steps, and what the model then makes of events."""
    events = known()["crops" if task == "egamma" else "jets"]
    if model in OF_PARTICLES:
        events = simulate.jets(60, seed=5, particles=True, quiet=True).load()
    store = save(events, folder / "set", provenance={})
    small = {"batch": BATCH, "validate_every": 5, "events": 32, **SMALL[task, model]}
    config = load_config(
        task, model, overrides={**small, "epochs": STEPS * small["batch"] / small["events"]}
    )
    run = train(config, store, folder / "run", quiet=True)
    rows = [row for row in run.rows() if "val_loss" in row]
    found = {k: told([row[k] for row in rows]) for k in ("step", "train_loss", "val_loss")}
    return found | used(load_task(run), events)


def used(task: Task, events: Events) -> Values:
    """What a trained model makes of events: scores, reconstructions, new events."""
    found: Values = {}
    parts: dict[str, Values] = {}
    if isinstance(task, TaggerTask):
        logits = task.logits(task.dataset(events))
        found = {"logits": told(logits), "scores": told(task.probabilities(logits))}
    if isinstance(task, AutoencoderTask):
        numbers, noise = np.arange(10), torch.Generator().manual_seed(1)
        rebuilt, means = task.reconstruct(task.dataset(events[:10]), numbers, noise)
        found, parts["reconstructed"] = {"latent": told(means)}, told_events(rebuilt)
    if isinstance(task, GeneratorTask):
        parts["generated"] = told_events(generated(task, MADE, Request(), seed=3))
    for graph in graphs(task):
        parts[f"graph {graph.part}".strip()] = computed(graph, events[:5])
    return found | {f"{p} {k}": v for p, values in parts.items() for k, v in values.items()}


def computed(graph: Graph, events: Events) -> Values:
    """Outputs of a graph that is written as ONNX, here as PyTorch computes them."""
    given = [torch.from_numpy(v) for v in graph.prepared(events).values()]
    with torch.no_grad():
        made = graph.module.eval()(*given)
    made = made if isinstance(made, tuple) else (made,)
    return {k: told(v.numpy()) for k, v in zip(graph.outputs, made, strict=True)}


def converted(task: str, part: str) -> Values:
    """Outputs of a shipped model's graph as ONNX Runtime computes them."""
    import onnxruntime

    from calovision.deploy.export import written

    made = load_task(RunDir(pretrained_run(task)))
    events = known()[made.geometry.schema][:5]
    graph = next(g for g in graphs(made) if g.part == part)
    payload = written(graph, events, {})
    session = onnxruntime.InferenceSession(payload, providers=["CPUExecutionProvider"])
    outputs: list[NDArray[Any]] = session.run(None, graph.prepared(events))
    return {f"graph {k}": told(v) for k, v in zip(graph.outputs, outputs, strict=True)}


def shipped(task: str) -> Values:
    """What the model that comes with the package makes of events."""
    made = load_task(RunDir(pretrained_run(task)))
    return used(made, known()[made.geometry.schema])


def orbits(flows: Flows, data: ImageData) -> Values:
    """Images that follow the flows from some digits, and what the oracle says of them."""
    start = flows.vae.mean(data.test[0]).detach()
    found = {"codes": told(start.numpy())}
    evidence = flows.about.get("evidence", {})
    found |= {k: told(v) for k, v in evidence.items() if isinstance(v, float | list)}
    for number, field in enumerate(flows.fields):
        path = trajectory(field, start, 2.0, 8)
        with torch.no_grad():
            images = flows.vae.decode(path.flatten(0, 1))
            found[f"oracle {number}"] = told(flows.oracle(path.flatten(0, 1)).numpy())
        found |= {f"orbit {number}": told(path.numpy()), f"images {number}": told(images.numpy())}
    return found


def searched(model: str, folder: Path) -> Values:
    """Losses of a short training of a latent space, and the flows that a short search finds."""
    data = digits(folder / "digits")
    run = train_symmetry(
        load_settings(model, overrides=SEARCH[model]), data, folder / "run", quiet=True
    )
    last = run.rows()[-1]
    found = {k: told([v]) for k, v in last.items() if k.startswith("train_")}
    return found | orbits(discover(folder / "run", data, quiet=True), data)


def turned(folder: Path) -> Values:
    """Orbits of the shipped flows."""
    data = digits(folder / "digits")
    return orbits(load_flows(RunDir(pretrained_run("symmetry")), data, 5), data)


def cases() -> dict[str, Callable[[Path], Values]]:
    """All that is measured, by name; each is given an empty folder."""
    found: dict[str, Callable[[Path], Values]] = {}
    for task, names in models.MODELS.items():
        for model in names:
            found[f"{task} {model}"] = lambda folder, t=task, m=model: trained(t, m, folder)
        found[f"shipped {task}"] = lambda _, t=task: shipped(t)
    for model in MODELS:
        found[f"symmetry {model}"] = lambda folder, m=model: searched(m, folder)
    found["shipped symmetry"] = turned
    found["onnx egamma"] = lambda _: converted("egamma", "")
    found["onnx jet-vae decoder"] = lambda _: converted("jet-vae", "decoder")
    return found


def measured(name: str, folder: Path) -> Values:
    """The numbers of one case, computed by one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return cases()[name](folder)
    finally:
        torch.set_num_threads(threads)


def machine() -> dict[str, str]:
    """What decides how sums are rounded."""
    processor = platform.machine()
    if (told := Path("/proc/cpuinfo")).exists():
        lines = [x for x in told.read_text().splitlines() if x.startswith("model name")]
        processor = lines[0].partition(": ")[2] if lines else processor
    packages = ("torch", "numpy", "numba", "onnxruntime")
    return {"processor": processor, **{name: version(name) for name in packages}}


def differences(found: Values, expected: Values, same_machine: bool) -> list[str]:
    """What is not as it was, a line each."""
    lines = [f"{name} is new or gone" for name in sorted(found.keys() ^ expected.keys())]
    for name in sorted(found.keys() & expected.keys()):
        most = LOOSE if name.startswith(DISCRETE) else ELSEWHERE
        most = SAME if same_machine else most
        was, now = expected[name], found[name]
        scale = max(was["rms"], 1e-12)
        gaps = [abs(now[k] - was[k]) / scale for k in ("rms", "mean", "wave")]
        sizes = abs(now["size"] - was["size"]) / max(was["size"], 1.0)
        # Where hits appear or go, what stands at which place says nothing.
        moved = not same_machine and name.startswith(DISCRETE)
        worst = float(np.max([sizes, *(gaps[:2] if moved else gaps)]))  # NaN stays
        if not worst <= most:
            lines.append(f"{name} changed by {worst:.1e} of its size, more than {most:g}")
    return lines


def write(names: list[str]) -> None:
    """Measure, and write what was measured beside what there is."""
    values = json.loads(VALUES.read_text())["values"] if names else {}
    for name in names or cases():
        with tempfile.TemporaryDirectory() as folder:
            values[name] = measured(name, Path(folder))
        sys.stderr.write(f"{name}\n")
    content = {"machine": machine(), "values": dict(sorted(values.items()))}
    VALUES.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    write(sys.argv[1:])
