"""Our tagger: a particle transformer on hits, a summary and a coarse image of the jet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hit_sums import EventHits
from calovision.features.hits import HIT_FEATURES, HitTokens, hit_features
from calovision.features.jet_shapes import RADII, multiplicities
from calovision.features.padded_hits import Hits, Towers, hardest
from calovision.features.towers import TowerImages
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask, cross_entropy
from calovision.models.taggers.export import hits_graph
from calovision.models.taggers.settings import TaggerTraining
from calovision.networks.particle_transformer import ParticleTransformer
from calovision.training.onnx_graph import Graph
from calovision.training.settings import WIDEST
from calovision.training.task import Batch

#: what simulated jets know besides their label; learning it too helps to see through pile-up
TRUTH = ("gen_m0", "gen_pt", "n_pileup", "gen_n_charged", "gen_n", "gen_girth", "gen_ptd")


class TransformerConfig(TaggerTraining):
    """Our tagger, a small particle transformer.

    Attributes:
        hits: hits of an event that it looks at, hardest first.
        width: numbers that stand for a hit inside the network.
        layers: attention blocks.
        heads: of every attention block.
        dropout: share of the numbers that are dropped at random in training.
        truth: weight of the training targets besides the label, where the set has them: shape,
            mass and pt of the generator-level jet and the number of pile-up collisions.
    """

    hits: int = Field(64, ge=1, le=100_000)
    width: int = Field(64, ge=8, le=WIDEST)
    layers: int = Field(1, ge=1, le=100)
    heads: int = Field(4, ge=1, le=WIDEST)
    dropout: float = Field(0.1, ge=0, lt=1)
    truth: float = Field(1.5, ge=0)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} is not a multiple of 4 x heads, {self.heads}")
        return self


@dataclass(frozen=True)
class TransformerData:
    """Hits, standardised summaries, towers and truth of events.

    Attributes:
        tokens: the hits.
        context: ``(n, c)`` float32, standard units.
        towers: all hits in coarser grain.
        truth: ``(n, len(TRUTH))`` float32, standard units; NaN where a set does not know it.
    """

    tokens: HitTokens
    context: NDArray[np.float32]
    towers: TowerImages
    truth: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.context)


class TransformerTask(TaggerTask):
    """Cross entropy of the label, plus the truth targets' squared errors (standard units).

    Args:
        geometry: of the images.
        config: sizes, and the weight of the truth targets.
    """

    scored: ClassVar[int] = 100
    context_mean: Tensor
    context_std: Tensor
    truth_mean: Tensor
    truth_std: Tensor
    network: ParticleTransformer

    def __init__(self, geometry: Geometry, config: TransformerConfig) -> None:
        channels = len(geometry.channels)
        context = (2 + len(RADII)) * channels
        features = HIT_FEATURES + channels
        network = ParticleTransformer(
            features,
            context,
            2 * channels,
            extra=len(TRUTH),
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            dropout=config.dropout,
        )
        super().__init__(geometry, network)
        self.hits, self.truth = config.hits, config.truth
        for name, size in (("context", context), ("truth", len(TRUTH))):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))

    def fit(self, train: Events) -> None:
        """Mean and spread of the summaries and of the truth."""
        for name, table in (("context", _context(train)), ("truth", _truth(train))):
            getattr(self, f"{name}_mean").copy_(torch.from_numpy(table.mean(0)))
            getattr(self, f"{name}_std").copy_(torch.from_numpy(table.std(0) + 1e-3))

    def prepare(self, events: Events) -> TransformerData:
        """Tokens and towers; summaries and truth in standard units."""

        def standard(table: NDArray[np.float32], name: str) -> NDArray[np.float32]:
            mean, std = (self.on_host(f"{name}_{of}").numpy() for of in ("mean", "std"))
            scaled: NDArray[np.float32] = (table - mean) / std
            return scaled

        return TransformerData(
            HitTokens.of(events, self.hits),
            standard(_context(events), "context"),
            TowerImages.of(events),
            standard(_truth(events), "truth"),
        )

    def inputs(self, prepared: TransformerData, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Features, positions, mask, context and towers."""
        context = torch.from_numpy(prepared.context[chosen])
        return (*prepared.tokens.batch(chosen), context, prepared.towers.batch(chosen))

    def augment(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        """Mirror half of the events in eta, and half in phi."""
        features, position, mask, context, towers = inputs
        shape, device = (len(features), 1, 2), features.device
        sign = torch.randint(0, 2, shape, generator=generator, device=device) * 2.0 - 1
        features = torch.cat([features[..., :2] * sign, features[..., 2:]], dim=-1)
        for side in range(2):  # rows go with eta, columns with phi
            turned = (sign[:, 0, side] < 0)[:, None, None, None]
            towers = torch.where(turned, towers.flip(2 + side), towers)
        return features, position * sign, mask, context, towers

    def batch(self, dataset: Any, chosen: NDArray[np.int64]) -> Batch:
        """Network inputs, truth targets, labels, weights, masses."""
        *inputs, label, weight, mass = super().batch(dataset, chosen)
        return (*inputs, torch.from_numpy(dataset.data.truth[chosen]), label, weight, mass)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Cross entropy, nats, with the truth targets in training alone."""
        *inputs, truth, label, weight, mass = batch
        if not self.training:
            logits = self.network(*inputs)
            entropy = cross_entropy(logits, label, weight)
            return self.with_mass(entropy, logits, label, weight, mass)
        found = self.network.outputs(*self.augment(tuple(inputs), generator))
        entropy = cross_entropy(found[:, 0], label, weight)
        known = truth.isfinite()
        squares = torch.where(known, found[:, 1:] - truth, 0.0).square()
        if weight is not None:
            squares = squares * weight[:, None]
        error = squares.sum() / known.sum().clamp(1)
        total = entropy + self.truth * error
        return self.with_mass(total, found[:, 0], label, weight, mass) | {
            "entropy": entropy.detach(),
            "truth": error.detach(),
        }

    def graphs(self) -> list[Graph]:
        """From padded hits to a probability."""
        return [hits_graph(self, TransformerLogits(self))]


def _context(events: Events) -> NDArray[np.float32]:
    """``(n, 5 C)``, see :func:`~calovision.features.jet_shapes.multiplicities`."""
    table: NDArray[np.float32] = multiplicities(EventHits(events)).float().cpu().numpy()
    return table


def _truth(events: Events) -> NDArray[np.float32]:
    """``(n, len(TRUTH))``: square root of the collisions, logarithms of all else (GeV, rad)."""
    columns = []
    for name in TRUTH:
        if name not in events.columns:
            columns.append(np.full(len(events), np.nan))
        elif name == "n_pileup":
            columns.append(np.sqrt(events.columns[name]))
        else:
            columns.append(np.log(np.maximum(events.columns[name], 1e-3)))
    return np.stack(columns, axis=1).astype(np.float32)


class TransformerLogits(nn.Module):
    """Our tagger on padded hits.

    Args:
        task: the trained tagger.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, task: TransformerTask) -> None:
        super().__init__()
        self.network: ParticleTransformer = task.network
        self.hits, self.channels = task.hits, len(task.geometry.channels)
        self.towers = Towers(task.geometry)
        self.register_buffer("mean", task.context_mean)
        self.register_buffer("std", task.context_std)

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` logits."""
        chosen, total = hardest(hits, self.hits)
        position = torch.stack([chosen.eta, chosen.phi], -1)
        mask = chosen.channel >= 0
        features = hit_features(position, chosen.energy, chosen.channel, total, self.channels)
        summary = (multiplicities(hits.sums(self.channels)) - self.mean) / self.std
        out: Tensor = self.network(features, position, mask, summary, self.towers(hits))
        return out


PRESETS = {
    ("jet-tagger", "particle-transformer"): Preset(
        TransformerTask,
        TransformerConfig,
        "Ours: a transformer of width 64 on the 64 hardest hits, each of which attends to every "
        "other by their distance and energies (after arXiv:2202.03772), beside a convolutional "
        "network on all hits in towers. It learns what the simulation knows of a jet, which "
        "weighs more than the label: labels alone are learned by heart within some epochs.",
        {
            "epochs": 8,
            "batch": 64,
            "learning_rate": 0.002,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "ema": 0.995,
            "clip": 1.0,
            "validate_every": 300,
        },
    ),
}
