"""Graphs of the generator of particles for ONNX: a jet, then one particle after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from calovision.models.generators.particles.network import Particle, ParticleLaw
from calovision.models.generators.particles.tokens import ETA, NUMBERS
from calovision.models.generators.sequences import COLUMNS, JetGraph, Tensors, graph
from calovision.networks.sequence_transformer import GrowingMemory
from calovision.training.onnx_graph import Graph
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.particles.task import ParticlesTask

_BEFORE = 5  #: particles before the one that is compared


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
        held: Tensor,
        uniform: Tensor,
    ) -> tuple[Tensor, ...]:
        memory = GrowingMemory(held)
        before = Particle(kind, *place.unbind(1))
        jet = self.law.jet_of(label, numbers)
        found, told, sums = self.law.advance(jet, before, sums, memory, uniform)
        held = torch.stack(memory.held, 2)
        return (found.kind, told.kind, torch.stack(found[1:], 1), sums, held)


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
    held = f"(events, particles, {layers}, {2 * size}): keys and values of the particles so far"
    told = "int64 (events): of the particle before, as `told` of the step before; "
    inputs = {
        "label": jet_inputs["label"],
        "numbers": f"float32 (events, {NUMBERS}): of the first file",
        "kind": f"{told}{2 * law.kinds} to begin with",
        "place": "float32 (events, 3): log(pt / GeV), eta and phi (rad, from the axis) of the "
        "particle before; zeros to begin with",
        "sums": "float32 (events, 4): of the step before; zeros to begin with",
        "held": f"float32 {held}; none to begin with",
        "uniform": "float32 (events, 6): even random numbers in 0..1",
    }
    outputs = {
        "next_kind": f"int64 (events): its place in the PDG identities {pdg}",
        "told": "int64 (events): for the next step",
        "next_place": "float32 (events, 3): log(pt / GeV), eta and phi (rad, from the jet's axis)",
        "next_sums": "float32 (events, 4): for the next step",
        "next_held": f"float32 {held}, the new one among them",
    }

    return [
        graph(
            "jet",
            JetGraph(task),
            (jet_inputs, jet_outputs),
            lambda n: task.trial_jets(n, NUMBERS, streams.Stream.TRIAL_PARTICLES),
            "The jet's own particles come first, hardest first, then those around it.",
        ),
        graph(
            "particle",
            _ParticleGraph(law),
            (inputs, outputs),
            lambda n: _steps(task, n),
            "Call it once for every particle. A pion (111) is to decay into two photons, evenly in "
            "its own frame; turn and scale the jet's own particles so that they add up to the jet. "
            "The detector, pile-up and read-out are calovision.simulation's.",
            held=("events", "seen"),
        ),
    ]


@torch.no_grad()
def _steps(task: ParticlesTask, n: int) -> tuple[Tensors, Tensors]:
    """Inputs and outputs of a step after some others, by the memory that the package uses."""
    law, device = task.law, task.device
    (label, _), (numbers,) = task.trial_jets(n, NUMBERS, streams.Stream.TRIAL_PARTICLES)
    numbers[:, ETA] *= 1 - 2 * label
    random = streams.torch_rng(streams.Stream.TRIAL_PARTICLES, n, 1, device=device)
    memory = law.transformer.memory(n, _BEFORE + 1, device)
    jet, before, sums = law.jet_of(label, numbers), law.begin(n, device), numbers.new_zeros(n, 4)
    for _ in range(_BEFORE):
        drawn = torch.rand(n, 6, generator=random, device=device)
        _, before, sums = law.advance(jet, before, sums, memory, drawn)
    drawn = torch.rand(n, 6, generator=random, device=device)
    held = torch.stack(memory.held, 2)[:, :_BEFORE]
    given = (label, numbers, before.kind, torch.stack(before[1:], 1), sums, held, drawn)
    found, told, sums = law.advance(jet, before, sums, memory, drawn)
    held = torch.stack(memory.held, 2)
    return given, (found.kind, told.kind, torch.stack(found[1:], 1), sums, held)
