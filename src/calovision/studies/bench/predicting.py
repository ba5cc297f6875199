"""Rows on inference: against ONNX Runtime, and half precision."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch

from calovision.deploy.export import written
from calovision.deploy.graphs import graphs
from calovision.models.classify import PORTION, score
from calovision.models.load import load_tagger
from calovision.studies.bench.clock import Work, always, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.row import Goal, Row, UnavailableError


def against_onnx(material: Material) -> Row:
    """Scores of our tagger with their preparation, against ONNX Runtime with its own.

    Raises:
        UnavailableError: ONNX or its runtime is not installed.
    """
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

    pairs = in_turns(
        always("ours", len(jets), lambda: score(task, jets, quiet=True)),
        always("ONNX Runtime", len(jets), exported),
        material.size.pairs,
    )
    return Row(
        "jet scored, batches built",
        "ONNX Runtime, the same batches",
        pairs,
        "s a jet",
        goal=Goal("at most", 1.0),
    )


def building(material: Material) -> Row:
    """Building batches for scores against scores."""
    task, jets = load_tagger(material.tagger, "cpu"), material.jets

    def build() -> None:
        for start in range(0, len(jets), PORTION):
            dataset = task.dataset(jets[start : start + PORTION])
            for first in range(0, len(dataset), task.scored):
                task.inputs(dataset.data, np.arange(first, min(first + task.scored, len(dataset))))

    pairs = in_turns(
        always("batches", len(jets), build),
        always("scores", len(jets), lambda: score(task, jets, quiet=True)),
        material.size.pairs,
    )
    return Row("batches for scores built", "jet scored, batches built", pairs, "s a jet")


def half_precision(material: Material) -> Row:
    """The network in bfloat16 against float32, batches at hand."""
    task = load_tagger(material.tagger, "cpu")
    jets = material.jets[: task.scored]
    inputs = task.inputs(task.dataset(jets).data, np.arange(len(jets)))

    def network(bfloat16: bool) -> Work:
        def work() -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                for _ in range(material.size.steps):
                    task.network(*inputs)

        return work

    each = len(jets) * material.size.steps
    pairs = in_turns(
        always("bfloat16", each, network(True)),
        always("float32", each, network(False)),
        material.size.pairs,
    )
    return Row("tagger's network in bfloat16", "in float32", pairs, "s a jet")
