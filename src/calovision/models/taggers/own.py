"""A tagger whose network is the user's own module."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.dataset import Inputs
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.graphs import GraphView
from calovision.models.own_module import ABOUT, VALUES, ModuleConfig, own_copy, tried
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import OUTPUTS, hits_graph, images_graph, scores
from calovision.models.taggers.own_export import OwnGraph, OwnHits, OwnImages
from calovision.models.taggers.settings import TaggerTraining
from calovision.training.onnx_graph import Arrays, Graph
from calovision.training.settings import OWN

TRIED = 2  #: training events that the module is tried on before the training
_SHAPES = ((), (1,), (2,))  # of what a network may give for an event


class OwnTaggerConfig(ModuleConfig, TaggerTraining):
    """A network of the user's own as a tagger."""


class OneLogit(nn.Module):
    """A module's output as the logit of class 1, ``(n,)``.

    Args:
        module: gives ``(n,)`` or ``(n, 1)`` logits, or ``(n, 2)`` of both classes.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Any) -> Tensor:
        """``(n,)`` logits.

        Raises:
            InputError: an output of another shape.
        """
        found: Tensor = self.module(inputs)
        fits = isinstance(found, Tensor) and found.dim() and found.shape[1:] in _SHAPES
        if not fits or not found.is_floating_point():
            shape = (
                f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found)
            )
            raise InputError(f"the network gives {shape}", "return logits (n,), (n, 1) or (n, 2)")
        if found.shape[1:] == (2,):
            return found[:, 1] - found[:, 0]
        return found[:, 0] if found.dim() == 2 else found


class ModuleTagger(TaggerTask):
    """Any module as a tagger, with the calibration and out-of-distribution flag of every tagger.

    Args:
        geometry: of the images.
        config: the module, see :class:`OneLogit`, of which a copy is trained, and how events
            become its input.
    """

    def __init__(self, geometry: Geometry, config: OwnTaggerConfig) -> None:
        super().__init__(geometry, OneLogit(own_copy(config.module)))
        self.form = Inputs(config.form, config.max_hits, config.neighbours)

    def fit(self, train: Events) -> None:
        """Try the module on two events; it scales its inputs itself.

        Raises:
            InputError: it does not take them, or does not give a logit for each.
        """
        few = train[:TRIED]
        (inputs,) = self.inputs(self.prepare(few), np.arange(len(few)))
        shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else inputs
        found = tried(
            self.network,
            lambda network: network(inputs),
            f"{self.form.form} inputs, {shape}",
            "cv.models.Tagger",
        )
        if len(found) != len(few):
            raise InputError(
                f"the network gives {len(found)} logits for {len(few)} events",
                "return one for each",
            )

    def prepare(self, events: Events) -> Events | GraphView:
        """Graphs of all events, or the events, of which inputs are made batch by batch."""
        return self.form.prepared(events)

    def inputs(self, prepared: Events | GraphView, chosen: NDArray[np.int64]) -> tuple[Any]:
        """What the module takes, of the ``chosen`` events."""
        return (self.form.select(prepared, chosen),)

    def graphs(self) -> list[Graph]:
        """From what the module takes to a probability."""
        if self.form.form == "graph":
            return [_one_graph(self)]
        if self.form.form == "hits":
            return [hits_graph(self, OwnHits(self.network, self.form.max_hits))]
        return [images_graph(self, OwnImages(self.network, self.geometry))]


def _one_graph(task: ModuleTagger) -> Graph:
    """A tagger of graphs, which is given one event at a time."""

    def prepared(events: Events) -> Arrays:
        (graph,) = task.inputs(task.prepare(events), np.arange(len(events)))
        return {k: graph[k].cpu().numpy() for k in ("x", "pos", "edge_index")}

    names, scored = ("probability", "logit"), scores(task)
    k, channels = task.form.neighbours, len(task.geometry.channels)
    return Graph(
        "",
        OwnGraph(task),
        {
            "x": f"float32 (nodes, {channels}): contents of the nonzero pixels, image units; one"
            " node of zeros for an event without hits",
            "pos": "float32 (nodes, 2): eta and phi from the window's centre (rad)",
            "edge_index": f"int64 (2, edges): from each of the {k} nearest nodes to a node",
        },
        {name: OUTPUTS[name] for name in names},
        {"x": ("nodes",), "pos": ("nodes",), "edge_index": ("", "edges")},
        prepared,
        lambda events: {name: scored(events)[name] for name in names},
        "One event at a time. out_of_distribution is left out.",
        alone=True,
    )


_PRESET = Preset(ModuleTagger, OwnTaggerConfig, ABOUT, VALUES)
PRESETS = {("jet-tagger", OWN): _PRESET, ("egamma", OWN): _PRESET}
