"""Graphs of the generator of particles for ONNX: a jet, then one particle after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.models.generators.particles.jet_law import (
    ETA,
    MEMBERS,
    NUMBERS,
    physical,
)
from calovision.models.generators.particles.network import Particle, ParticleLaw
from calovision.models.generators.particles.tokens import COLUMNS
from calovision.networks.chain_law import ChainLaw
from calovision.networks.sequence_transformer import GrowingMemory
from calovision.training.onnx_graph import Arrays, Graph, numpy_of
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.particles.task import ParticlesTask

_BEFORE = 5  #: particles before the one that is compared


class _JetGraph(nn.Module):
    def __init__(self, law: ChainLaw) -> None:
        super().__init__()
        self.law = law

    def forward(self, label: Tensor, uniform: Tensor) -> Tensor:
        numbers = physical(self.law.sample(label, uniform))
        whole = numbers[:, MEMBERS:].floor().clamp(min=0)
        return torch.cat([numbers[:, :MEMBERS], whole], 1)


class _ParticleGraph(nn.Module):
    def __init__(self, law: ParticleLaw) -> None:
        super().__init__()
        self.law = law

    def forward(
        self,
        label: Tensor,
        numbers: Tensor,
        kind: Tensor,
        place: Tensor,
        sums: Tensor,
        keys: Tensor,
        values: Tensor,
        uniform: Tensor,
    ) -> tuple[Tensor, ...]:
        memory = GrowingMemory(keys, values)
        before = Particle(kind, *place.unbind(1))
        jet = self.law.jet_of(label, numbers)
        found, told, sums = self.law.advance(jet, before, sums, memory, uniform)
        stacked = (torch.stack(x, 2) for x in (memory.keys, memory.values))
        return (found.kind, told.kind, torch.stack(found[1:], 1), sums, *stacked)


def particle_graphs(task: ParticlesTask) -> list[Graph]:
    """Uniform numbers to a jet, and a jet and its particles so far to the next particle."""
    law, pdg = task.law, ", ".join(map(str, task.on_host("pdg").tolist()))
    layers, size = len(law.transformer.layers), law.transformer.size
    jet_inputs = {
        "label": "float32 (events): 0 gluon, 1 quark",
        "uniform": f"float32 (events, {NUMBERS}, 2): even random numbers in 0..1",
    }
    jet_outputs = {
        "numbers": f"float32 (events, {NUMBERS}): {', '.join(COLUMNS)} (GeV, eta above 0: draw a "
        "sign), numbers of particles of the jet and around it",
    }
    held = f"(events, particles, {layers}, {size}): of the particles so far"
    told = "int64 (events): of the particle before, as `told` of the step before; "
    inputs = {
        "label": jet_inputs["label"],
        "numbers": f"float32 (events, {NUMBERS}): of the first file",
        "kind": f"{told}{2 * law.kinds} to begin with",
        "place": "float32 (events, 3): log(pt / GeV), eta and phi (rad, from the axis) of the "
        "particle before; zeros to begin with",
        "sums": "float32 (events, 4): of the step before; zeros to begin with",
        "keys": f"float32 {held}; none to begin with",
        "values": f"float32 {held}; none to begin with",
        "uniform": "float32 (events, 6): even random numbers in 0..1",
    }
    outputs = {
        "next_kind": f"int64 (events): its place in the PDG identities {pdg}",
        "told": "int64 (events): for the next step",
        "next_place": "float32 (events, 3): log(pt / GeV), eta and phi (rad, from the jet's axis)",
        "next_sums": "float32 (events, 4): for the next step",
        "next_keys": f"float32 {held}, the new one among them",
        "next_values": f"float32 {held}, the new one among them",
    }

    def jets(events: Events) -> Arrays:
        return numpy_of(jet_inputs, _drawn_jets(task, len(events)))

    def expected_jets(events: Events) -> Arrays:
        with torch.no_grad():
            return numpy_of(jet_outputs, (_JetGraph(task.jets)(*_drawn_jets(task, len(events))),))

    return [
        Graph(
            "jet",
            _JetGraph(task.jets),
            jet_inputs,
            jet_outputs,
            dict.fromkeys(jet_inputs, ("events",)),
            jets,
            expected_jets,
            "The jet's own particles come first, hardest first, then those around it.",
        ),
        Graph(
            "particle",
            _ParticleGraph(law),
            inputs,
            outputs,
            dict.fromkeys(inputs, ("events",))
            | dict.fromkeys(("keys", "values"), ("events", "seen")),
            lambda events: numpy_of(inputs, _steps(task, len(events))[0]),
            lambda events: numpy_of(outputs, _steps(task, len(events))[1]),
            "Call it once for every particle. A pion (111) is to decay into two photons, evenly in "
            "its own frame; turn and scale the jet's own particles so that they add up to the jet. "
            "The detector, pile-up and read-out are calovision.simulation's.",
        ),
    ]


def _drawn_jets(task: ParticlesTask, n: int) -> tuple[Tensor, Tensor]:
    random = streams.torch_rng(streams.Stream.TRIAL_PARTICLES, n, device=task.device)
    label = (torch.arange(n, device=task.device) % 2).float()
    return label, torch.rand(n, NUMBERS, 2, generator=random, device=task.device)


@torch.no_grad()
def _steps(task: ParticlesTask, n: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Inputs and outputs of a step after some others, by the memory that the package uses."""
    law, device = task.law, task.device
    label, uniform = _drawn_jets(task, n)
    numbers = _JetGraph(task.jets)(label, uniform)
    numbers[:, ETA] *= 1 - 2 * label
    random = streams.torch_rng(streams.Stream.TRIAL_PARTICLES, n, 1, device=device)
    memory = law.transformer.memory(n, _BEFORE + 1, device)
    jet, before, sums = law.jet_of(label, numbers), law.begin(n, device), numbers.new_zeros(n, 4)
    for _ in range(_BEFORE):
        drawn = torch.rand(n, 6, generator=random, device=device)
        _, before, sums = law.advance(jet, before, sums, memory, drawn)
    drawn = torch.rand(n, 6, generator=random, device=device)
    held = (torch.stack(x, 2)[:, :_BEFORE].clone() for x in (memory.keys, memory.values))
    given = (label, numbers, before.kind, torch.stack(before[1:], 1), sums, *held, drawn)
    found, told, sums = law.advance(jet, before, sums, memory, drawn)
    held = (torch.stack(x, 2) for x in (memory.keys, memory.values))
    return given, (found.kind, told.kind, torch.stack(found[1:], 1), sums, *held)
