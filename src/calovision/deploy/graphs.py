"""The ONNX graphs of a trained task."""

from __future__ import annotations

from calovision.networks.mixed_precision import MixedPrecision
from calovision.training.onnx_graph import Graph
from calovision.training.task import Task


def graphs(task: Task) -> list[Graph]:
    """The graphs of a trained task, all in single precision."""
    for part in task.modules():
        if isinstance(part, MixedPrecision):
            part.enabled = False
    return task.eval().graphs()
