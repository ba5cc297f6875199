"""Rows on inference: against ONNX Runtime, and half precision."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch

from calovision.deploy.export import written
from calovision.deploy.graphs import graphs
from calovision.models.classify import PORTION, score
from calovision.models.load import load_tagger
from calovision.studies.bench.clock import NO_SLOWER, Row, Side, UnavailableError, compared
from calovision.studies.bench.material import Material

SCORED = "jet scored, batches built"


def against_onnx(material: Material) -> Row:
    """Scores of our tagger with their preparation, against ONNX Runtime with its own."""
    if missing := [n for n in ("onnx", "onnxscript", "onnxruntime") if find_spec(n) is None]:
        raise UnavailableError(f"needs {', '.join(missing)}: pip install 'calovision[deploy]'")
    import onnxruntime

    task, jets = load_tagger(material.tagger, "cpu"), material.jets
    (graph,) = graphs(task)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        written(graph, jets, {}), options, providers=["CPUExecutionProvider"]
    )

    def exported() -> None:
        for start in range(0, len(jets), PORTION):
            session.run(None, graph.prepared(jets[start : start + PORTION]))

    ours = Side.of(SCORED, len(jets), lambda: score(task, jets, quiet=True))
    theirs = Side.of("ONNX Runtime, the same batches", len(jets), exported)
    return compared(ours, theirs, material.size.pairs, goal=NO_SLOWER)


def building(material: Material) -> Row:
    """Building batches for scores against scores."""
    task, jets = load_tagger(material.tagger, "cpu"), material.jets

    def build() -> None:
        for start in range(0, len(jets), PORTION):
            view = task.view(jets[start : start + PORTION])
            for first in range(0, len(view), task.scored):
                task.inputs(view.data, np.arange(first, min(first + task.scored, len(view))))

    built = Side.of("batches for scores built", len(jets), build)
    scored = Side.of(SCORED, len(jets), lambda: score(task, jets, quiet=True))
    return compared(built, scored, material.size.pairs)


def half_precision(material: Material) -> Row:
    """The network in bfloat16 against float32, batches at hand."""
    task = load_tagger(material.tagger, "cpu")
    jets = material.jets[: task.scored]
    inputs = task.inputs(task.view(jets).data, np.arange(len(jets)))

    def side(title: str, bfloat16: bool) -> Side:
        def work() -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                for _ in range(material.size.steps):
                    task.network(*inputs)

        return Side.of(title, len(jets) * material.size.steps, work)

    first, second = side("tagger's network in bfloat16", True), side("in float32", False)
    return compared(first, second, material.size.pairs)
