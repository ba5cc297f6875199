"""Export of a trained model to ONNX files, and a comparison of their output with the model."""

from __future__ import annotations

import copy
import json
import logging
import math
import warnings
from dataclasses import dataclass, replace
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import Dim

from calovision.deploy.graphs import graphs
from calovision.deploy.no_events import taking_none
from calovision.deploy.trial_events import trial_events
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.training.onnx_graph import Arrays, Graph
from calovision.training.run import RunDir, versions
from calovision.training.task import Task
from calovision.utils.files import check_folder_of, write_bytes

OPSET = 20
TOLERANCE = 1e-4  #: largest difference of an output, relative to its size where that is above 1
#: share of events whose rounding or choice of neighbours may go the other way at the last digit
UNDECIDED = 0.02
METADATA = "calovision"  #: key of the description in the file
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_BATCHES = (1, 3)  # sizes of the first batches tried; the last one takes all that is left


@dataclass(frozen=True)
class Exported:
    """One file written.

    Attributes:
        path: of the file.
        difference: largest difference from the package's own outputs.
        undecided: share of events left out of it, see :data:`UNDECIDED`.
        events: compared.
    """

    path: Path
    difference: float
    undecided: float
    events: int


def _check_place(out: Path) -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"export needs {', '.join(missing)}", "pip install 'calovision[deploy]'")
    if out.suffix != ".onnx":
        raise InputError(f"cannot write {out.name}", "end it with .onnx")
    check_folder_of(out)


def export(
    directory: RunDir,
    task: Task,
    out: Path,
    *,
    data: EventSet | None = None,
    events: int = 200,
    seed: int = 1,
) -> list[Exported]:
    """Write the trained task of a run; a model of several graphs becomes ``NAME-PART.onnx``.

    Every graph is run by ONNX Runtime, on the CPU, on batches of different sizes before its file
    appears, and compared with what the package computes from the same events in its own way, on
    the device of the task. The task stays as it is.

    Args:
        directory: the run.
        task: its task.
        out: file to write, ``NAME.onnx``.
        data: events to compare on; by default random ones.
        events: most events of ``data`` that are compared.
        seed: of the random events.

    Raises:
        InputError: a package is missing, the model cannot be exported, the events are of another
            kind, or the outputs differ.
    """
    _check_place(out)
    there = copy.deepcopy(task)  # half precision is switched off in what is compared
    task = there if task.device.type == "cpu" else copy.deepcopy(task).place(torch.device("cpu"))
    if data is not None:
        task.check_geometry(data.geometry)
    tried = trial_events(task.geometry, seed) if data is None else data[:events].load()
    about = {
        "run": directory.describe()["config"],
        "trained_on": directory.describe()["data"].get("hash"),
        "geometry": task.geometry.to_dict(),
        "precision": "float32",
        "versions": versions(),
    }
    files = []
    for graph, own in zip(graphs(task), graphs(there), strict=True):
        name = f"{out.stem}-{graph.part}.onnx" if graph.part else out.name
        payload = written(graph, tried, about)
        difference, undecided = compared(replace(graph, expected=own.expected), payload, tried)
        path = out.with_name(name)
        if not difference <= TOLERANCE or undecided > UNDECIDED:
            raise InputError(
                f"{name} differs from the model by {difference:.1e} (at most {TOLERANCE:g}),"
                f" in {undecided:.0%} of the events by more",
                "report this, with the versions of torch, onnxscript and onnxruntime",
            )
        write_bytes(path, payload)
        files.append(Exported(path, difference, undecided, len(tried)))
    return files


def written(graph: Graph, events: Events, about: dict[str, Any]) -> bytes:
    """The graph as an ONNX file.

    Args:
        graph: what to write.
        events: some, for their shapes.
        about: what its description says besides inputs and outputs.
    """
    import onnx

    few = events[: 1 if graph.alone else 5]
    given = {k: torch.from_numpy(v) for k, v in graph.prepared(few).items()}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        # About the exporters' own insides; what counts is compared below.
        warnings.simplefilter("ignore")
        model = _traced(graph, given) if graph.traced else _told_or_traced(graph, given)
    if not graph.alone:
        taking_none(model, [name for name, axes in graph.free.items() if axes[0] == "events"])
    described = {
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "part": graph.part,
        "notes": graph.notes,
    }
    onnx.helper.set_model_props(model, {METADATA: json.dumps(described | about)})
    payload: bytes = model.SerializeToString()
    return payload


def _told_or_traced(graph: Graph, given: dict[str, torch.Tensor]) -> Any:
    """The model that the module's code tells of; of a stranger's, if not that, what it does.

    Raises:
        InputError: a stranger's network can be written in neither way.
    """
    try:
        return _told(graph, given)
    except torch.onnx.OnnxExporterError:
        if not graph.alone:
            raise
        try:
            return _traced(graph, given)
        except (RuntimeError, TypeError, ValueError) as error:
            message = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"PyTorch cannot write this network as ONNX: {message}", "use other layers"
            ) from error


def _told(graph: Graph, given: dict[str, torch.Tensor]) -> Any:
    """The model that the module's code tells of."""
    axes = {name: Dim(name) for names in graph.free.values() for name in names if name}
    shapes: tuple[Any, ...] = tuple(
        {i: axes[n] for i, n in enumerate(graph.free[k]) if n} for k in given
    )
    # Of a module that takes any number of tensors, PyTorch wants them as one argument.
    if any(p.kind == p.VAR_POSITIONAL for p in signature(graph.module.forward).parameters.values()):
        shapes = (shapes,)
    program = torch.onnx.export(
        graph.module.eval(),
        tuple(given.values()),
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
        opset_version=OPSET,
        dynamo=True,
        dynamic_shapes=shapes,
        custom_translation_table={torch.ops.aten.sort.stable: _stable_sort},
        verbose=False,
    )
    assert program is not None
    return program.model_proto


def _traced(graph: Graph, given: dict[str, torch.Tensor]) -> Any:
    """The model of what the module does with an example."""
    import onnx

    with TemporaryDirectory() as folder:
        path = Path(folder) / "traced.onnx"
        torch.onnx.export(
            graph.module.eval(),
            tuple(given.values()),
            path,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={
                k: {i: n for i, n in enumerate(names) if n} for k, names in graph.free.items()
            },
            verbose=False,
        )
        return onnx.load(path)


def _stable_sort(values: Any, *, stable: bool, dim: int = -1, descending: bool = False) -> Any:
    """``torch.sort(stable=True)`` in ONNX: TopK puts equal ones in their order."""
    from onnxscript import opset20 as op

    del stable
    known: Any = op  # its types forbid what is given while a graph is built
    size = known.Gather(known.Shape(values), known.Constant(value_ints=[dim]))
    return known.TopK(values, size, axis=dim, largest=int(descending), sorted=1)


def compared(graph: Graph, payload: bytes, events: Events) -> tuple[float, float]:
    """Largest difference of ONNX Runtime's outputs from the package's, and undecided events.

    Of no events, the file has to make nothing.

    Rounding to a cell, a threshold and the choice of neighbours turn the last digit of a number
    into another event: those are counted, not measured, as long as they are few.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(payload, providers=["CPUExecutionProvider"])
    taken = {one.name for one in session.get_inputs()}  # what a network does not use is not there
    largest: list[NDArray[np.float64]] = []
    start = 0
    while start < len(events):
        size = _BATCHES[len(largest)] if len(largest) < len(_BATCHES) else 250
        size = 1 if graph.alone else size
        batch = events[start : start + size]
        last = {k: v for k, v in graph.prepared(batch).items() if k in taken}
        found = dict(zip(graph.outputs, session.run(None, last), strict=True))
        # By themselves GPUs round what they convolve.
        with torch.backends.cudnn.flags(allow_tf32=False):
            wanted = graph.expected(batch)
        largest.append(differences(found, wanted, len(batch)))
        start += size
    if not graph.alone and _makes_of_none(graph, session, last):
        return math.inf, 1.0
    worst = np.concatenate(largest)
    beyond = ~(worst <= TOLERANCE)
    few = beyond.mean() <= UNDECIDED
    return float(worst[~beyond].max(initial=0.0) if few else worst.max()), float(beyond.mean())


def _makes_of_none(graph: Graph, session: Any, given: Arrays) -> bool:
    """Whether a file makes anything of no events."""
    none = {k: v[:0] if graph.free[k][0] == "events" else v for k, v in given.items()}
    free = [isinstance(output.shape[0], str) for output in session.get_outputs()]
    made = zip(session.run(None, none), free, strict=True)
    return any(len(x) for x, changes in made if changes)


def differences(found: Arrays, expected: Arrays, events: int) -> NDArray[np.float64]:
    """``(events,)`` largest difference of any output, relative to its size where above 1."""
    worst = np.zeros(events)
    for name, wanted in expected.items():
        if found[name].shape != wanted.shape:
            return np.full(events, math.inf)
        exact, got = wanted.astype(np.float64), found[name].astype(np.float64)
        gap = np.abs(got - exact) / np.maximum(np.abs(exact), 1.0)
        gap = np.where(np.isnan(gap), math.inf, gap)
        each = gap.reshape(events, -1) if len(gap) == events else gap.max(initial=0.0)
        worst = np.maximum(worst, np.max(each, axis=-1, initial=0.0) if gap.size else worst)
    return worst
