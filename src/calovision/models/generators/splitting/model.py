"""The networks of our generator: a flow for global features, and one network for every split."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.generators.base import GeneratorTask, Request
from calovision.models.generators.channel_order import ChannelOrder
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.config import CascadeConfig
from calovision.models.generators.splitting.global_features import (
    BY_ENERGY,
    COLUMNS,
    GRID,
    QuantileTransformer,
    mirror_signs,
    totals,
)
from calovision.models.generators.splitting.level import Cut
from calovision.models.generators.splitting.rejection import DensityRatioRejection
from calovision.models.generators.splitting.rejection_features import width
from calovision.networks.splitter import Splitter
from calovision.networks.velocity import Velocity
from calovision.utils import streams


@dataclass(frozen=True)
class SplittingDataset:
    """Events, their channels sorted as in the task's layout, and their totals as normal numbers."""

    events: Events
    normal: NDArray[np.float32]
    label: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.events)


class SplittingModel(GeneratorTask):
    """The flow of totals and the networks of all cuts, with their statistics.

    Args:
        geometry: of the images: square windows, any number of channels in any order.
        config: widths.
        columns: per-event columns that are learned.

    Raises:
        InputError: images that it cannot make, see ``ChannelOrder.of``.
    """

    threshold: Tensor
    unit: Tensor
    knots: Tensor
    has: Tensor
    share: Tensor
    leads: Tensor

    def __init__(self, geometry: Geometry, config: CascadeConfig, columns: tuple[str, ...]) -> None:
        super().__init__(geometry)
        self.config, self.columns = config, columns
        self.layout = ChannelOrder.of(geometry)
        self.partition = BinaryTree(self.layout.inner)
        channels = len(geometry.channels)
        self.mirror_signs = mirror_signs(len(columns), channels)
        size = self.mirror_signs.shape[1]
        self.flow = Velocity(size=size, conditions=1, width=config.flow)
        self.cuts = nn.ModuleList()
        for stage in range(self.partition.stages):
            cut = Cut.of(self.partition, stage)
            self.cuts.append(
                Splitter(
                    inputs=cut.inputs,
                    conditions=size + 1,
                    channels=cut.channels,
                    width=config.width,
                    head=config.head,
                )
            )
        self.totals_selection: DensityRatioRejection | None = DensityRatioRejection(
            size + 1, config.feature_rejection
        )
        numbers = width(len(columns), channels)
        self.selection = DensityRatioRejection(numbers, config.rejection) if config.select else None
        self.register_buffer("threshold", torch.zeros(channels))
        self.register_buffer("unit", torch.ones(channels))
        self.register_buffer("knots", torch.zeros(size, len(GRID), dtype=torch.float64))
        self.register_buffer("has", torch.tensor([c in columns for c in COLUMNS]))
        self.register_buffer("share", torch.tensor(0.5))
        self.register_buffer("leads", torch.zeros(channels, BY_ENERGY, dtype=torch.float64))

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Refuse images that cannot be halved, see ``ChannelOrder.of``."""
        ChannelOrder.of(geometry)

    @property
    def quantiles(self) -> QuantileTransformer:
        """Between totals and normal numbers."""
        return QuantileTransformer(self.on_host("knots").numpy())

    def known(self) -> dict[str, tuple[float, float]]:
        """Range of every learned column in the training events, GeV."""
        rows = self.knots[: len(self.columns), [0, -1]].tolist()
        return {name: (low, high) for name, (low, high) in zip(self.columns, rows, strict=True)}

    def labels(self) -> tuple[int, ...]:
        """Labels of the training events; those without labels count as 0."""
        share = float(self.share)
        return tuple(label for label, there in ((0, share < 1), (1, share > 0)) if there)

    def dataset(self, events: Events) -> SplittingDataset:
        """Events with their totals."""
        events = self.layout.sorted(events)
        rng = streams.rng(streams.Stream.VIEW, self.config.seed)
        normal = self.quantiles.normal(totals(events, self.on_host("threshold").numpy(), rng))
        return SplittingDataset(
            events, normal.astype(np.float32), labels_of(events), self.event_weights(events)
        )

    @abstractmethod
    def proposed(
        self, request: Request, n: int, rng: np.random.Generator, steps: int | None = None
    ) -> Events:
        """``n`` events as the networks make them, none of them rejected."""


def labels_of(events: Events) -> NDArray[np.float32]:
    """Labels as numbers, 0 for all events of a set without them."""
    label = events.columns.get("label", np.zeros(len(events)))
    return np.asarray(label, np.float32)
