"""Our generator for sets of our own detector: the particles of a jet, then the exact detector.

A network draws a jet's kinematics, another its particles before the detector, one after another.
Decays of neutral pions, the response of tracker and calorimeters, pile-up, noise and read-out are
those of the simulation, so that none of their rules can be broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.models.generators.base import Request
from calovision.models.generators.particles.export import particle_graphs
from calovision.models.generators.particles.network import (
    Particle,
    ParticleLaw,
    normal,
    physical,
)
from calovision.models.generators.particles.sampling import (
    check_detector,
    detector_of,
    generated_jets,
)
from calovision.models.generators.particles.tokens import (
    MEMBERS,
    NUMBERS,
    SPREAD,
    ParticleDataset,
    identities,
    numbers_of,
    sequences,
)
from calovision.models.generators.sequences import (
    COLUMNS,
    PRESET,
    SequenceConfig,
    SequenceTask,
)
from calovision.models.preset import Preset
from calovision.networks.chain_law import ChainLaw
from calovision.networks.sequence_transformer import half_precision
from calovision.simulation.regrid import check_simulable
from calovision.simulation.truth import REACH
from calovision.training.onnx_graph import Graph
from calovision.training.task import Batch, weighted_mean
from calovision.training.weights import fill, tensor_of
from calovision.utils import streams

_MARGIN = 1e-3  #: by which bounds of a law lie beyond the training jets


class ParticlesConfig(SequenceConfig):
    """Settings of the generator of particles.

    Attributes:
        tries: draws of the detector for a jet that is not accepted, before it is given up.
        detector: constants of the detector that differ from those fitted to the public set, as
            ``{"pileup": 40}``: it has to be the one that the training jets were simulated with.
    """

    tries: int = Field(8, ge=1, le=1000)
    detector: dict[str, float] = Field(default_factory=dict)


class ParticlesTask(SequenceTask):
    """Training and use of the generator of particles."""

    oversamples: ClassVar[bool] = True

    pdg: Tensor

    def __init__(self, geometry: Geometry, config: ParticlesConfig, kinds: int) -> None:
        super().__init__(geometry, COLUMNS)
        self.config = config
        self.detector = detector_of(config.detector)
        self.jets = ChainLaw(NUMBERS, config.jet_width, config.jet_components)
        self.law = ParticleLaw(
            kinds,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            components=config.components,
            reach=REACH,
        )
        self.register_buffer("pdg", torch.zeros(kinds, dtype=torch.long))

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Refuse images that the detector cannot be simulated on."""
        check_simulable(geometry)

    @classmethod
    def from_events(cls, config: ParticlesConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task that knows kinds of particles and the range of the training jets."""
        pdg = identities(train)
        task = cls(geometry, config, len(pdg))
        check_detector(train, task.detector)
        task.pdg.copy_(torch.from_numpy(pdg))
        numbers = numbers_of(train, sequences(train, pdg))
        shown = [normal(torch.from_numpy(numbers + SPREAD * x)) for x in (0, 1)]
        task.jets.low.copy_(shown[0].amin(0) - _MARGIN)
        task.jets.high.copy_(shown[1].amax(0) + _MARGIN)
        task.look_at(train)
        return task

    @classmethod
    def from_state(
        cls, config: ParticlesConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        task = cls(geometry, config, len(tensor_of(state, "pdg", 1)))
        fill(task, state)
        return task

    def dataset(self, events: Events) -> ParticleDataset:
        """Sequences of particles and kinematics of jets."""
        found = sequences(events, np.asarray(self.on_host("pdg").numpy()))
        label = class_labels(events).astype(np.float32)
        return ParticleDataset(found, label, numbers_of(events, found), self.event_weights(events))

    def batch(self, dataset: ParticleDataset, chosen: NDArray[np.int64]) -> Batch:
        """Jets as they are; see :meth:`training_batch`."""
        sides = np.ones((2, len(chosen)), np.float32)
        spread = np.full((len(chosen), 2), 0.5, np.float32)
        return (dataset.groups(chosen, self.config.groups, sides, spread),)

    def training_batch(
        self, dataset: ParticleDataset, chosen: NDArray[np.int64], step: int
    ) -> Batch:
        """Jets, mirrored at random: before the detector nothing tells left from right."""
        drawn = np.append(chosen, step).astype(np.uint32)
        rng = streams.rng(streams.Stream.PARTICLES, drawn)
        sides = np.where(rng.random((2, len(chosen))) < 0.5, -1, 1).astype(np.float32)
        spread = rng.random((len(chosen), 2), np.float32)
        return (dataset.groups(chosen, self.config.groups, sides, spread),)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """-log p in nats: of a jet's numbers, and of a particle's kind, momentum and direction."""
        del generator
        (groups,) = batch
        of_jets, of_particles, total = [], [], 0
        for label, numbers, spread, mask, kind, log_pt, eta, phi, weight in groups:
            counted = numbers.clone()
            counted[:, MEMBERS:] += spread
            of_jets.append(weighted_mean(self.jets.log_prob(label, normal(counted)), weight))
            particles = Particle(kind, log_pt, eta, phi)
            with half_precision(mask.device, self.config.bfloat16):
                found = torch.stack(self.law.log_prob(label, numbers, particles, mask))
            if weight is not None:
                found = found * weight[:, None].expand(mask.shape)[mask]
            of_particles.append(found.sum(1))
            total += found.shape[1]
        jets = -torch.stack(of_jets).mean()
        parts = -torch.stack(of_particles).sum(0) / max(total, 1)
        names = dict(zip(("kind", "pt", "direction"), parts.detach(), strict=True))
        return {"loss": jets + parts.sum(), "jets": jets.detach(), **names}

    @staticmethod
    def finished(numbers: Tensor) -> Tensor:
        """Kinematics, and whole numbers of particles."""
        numbers = physical(numbers)
        whole = numbers[:, MEMBERS:].floor().clamp(min=0)
        return torch.cat([numbers[:, :MEMBERS], whole], 1)

    def jets_of(self, request: Request, chunk: int, seed: int) -> Events:
        """The ``chunk``-th group of jets that meet a request."""
        return generated_jets(self, request, seed, chunk, self.chunk)

    def first_of(
        self, request: Request, chunk: int, seed: int, steps: int | None, n: int
    ) -> Events:
        """The first jets of a group: of a narrow range, not all have to be found."""
        self.check_steps(steps)
        return generated_jets(self, request, seed, chunk, n)[:n]

    def graphs(self) -> list[Graph]:
        """Uniform numbers to a jet, and a jet and its particles so far to the next particle."""
        return particle_graphs(self)


_ABOUT = (
    "a causal transformer draws the particles of a jet before the detector, one after another; "
    "decays of pions, the detector, pile-up, noise and read-out are those of the simulation."
)
_SIZES: dict[str, tuple[str, dict[str, Any]]] = {
    "particles": ("Ours, for simulated sets that keep their particles", {}),
    "particles-small": (
        "The same, several times faster",
        {"width": 48, "layers": 2, "heads": 3, "components": 4},
    ),
    "particles-large": (
        "The same, for a night of training",
        {"width": 192, "layers": 6, "heads": 6, "learning_rate": 0.001},
    ),
}
PRESETS = {
    ("jet-generator", name): Preset(
        ParticlesTask, ParticlesConfig, f"{what}: {_ABOUT}", {**PRESET, "epochs": 40, **values}
    )
    for name, (what, values) in _SIZES.items()
}
