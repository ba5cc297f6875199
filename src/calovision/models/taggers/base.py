"""The base of taggers: binary classifiers of events with calibrated probabilities."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.labels import both_classes
from calovision.models.taggers.calibration import auc_and_error, platt
from calovision.models.taggers.decorrelation import distance_correlation
from calovision.models.taggers.out_of_distribution import Domain, domain_features
from calovision.training.devices import to_device
from calovision.training.task import Batch, Task, as_tensor
from calovision.training.weights import fill


@dataclass(frozen=True)
class TaggerDataset:
    """Events prepared for a tagger.

    Attributes:
        data: what the task cuts its batches from.
        label: ``(n,)`` float32, 0 or 1; zeros where the events have none.
        weight: ``(n,)`` how much each event counts; ``None`` without weights.
        mass: ``(n,)`` m0, GeV, where the score shall not depend on it; else ``None``.
    """

    data: Any
    label: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None
    mass: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.label)


class TaggerTask(Task):
    """A network that gives the logit of class 1 (quark), its calibration and its domain.

    Args:
        geometry: of the images.
        network: tensors of :meth:`inputs` to logits ``(n,)``. A tagger's own class has its settings
            in place of it.

    Attributes:
        scored: events scored at a time. Of many what the network makes of them leaves the
            processor's cache, of few the single operations take too long to begin.
        decorrelate: weight of the distance correlation with the mass in the loss.
        frozen: whether only the last layers learn.
    """

    validation_events: ClassVar[int] = 5000
    scored: ClassVar[int] = 250
    decorrelate: float = 0.0
    frozen: bool = False
    slope: Tensor
    offset: Tensor

    def __init__(self, geometry: Geometry, network: nn.Module) -> None:
        super().__init__(geometry)
        self.network = network
        self.domain = Domain(3 * len(geometry.channels) + 1)
        self.register_buffer("slope", torch.tensor(1.0))
        self.register_buffer("offset", torch.tensor(0.0))

    @abstractmethod
    def prepare(self, events: Events) -> Any:
        """What batches are cut from."""

    @abstractmethod
    def inputs(self, prepared: Any, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Network inputs of the ``chosen`` events."""

    def augment(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        """Inputs of a training batch, changed in ways that keep the label; none by default."""
        del generator
        return inputs

    def fit(self, train: Events) -> None:
        """Take the scaling of the inputs from the training events; nothing by default."""
        del train

    @classmethod
    def from_events(cls, config: Any, geometry: Geometry, train: Events) -> Self:
        """An untrained task, its domain and scaling fitted to the training events.

        Raises:
            InputError: the events have no labels, others than 0 and 1, or one of them only.
        """
        both_classes(train)
        task = cls(geometry, config)
        task._settle(config)
        if task.decorrelate:
            task._check_mass(train)
        task.domain.fit(domain_features(train))
        task.fit(train)
        return task

    def refit_domain(self, train: Events) -> None:
        """From now on, events unlike these are out of distribution; the inputs' scaling stays.

        Raises:
            InputError: as :meth:`from_events`.
        """
        both_classes(train)
        self.domain.fit(domain_features(train))

    @classmethod
    def from_state(cls, config: Any, geometry: Geometry, state: Mapping[str, Tensor]) -> Self:
        """A task with the weights and statistics of ``state``."""
        task = cls(geometry, config)
        fill(task, state)
        task._settle(config)
        return task

    def _settle(self, config: Any) -> None:
        """Take from the settings what all taggers have."""
        self.decorrelate = float(getattr(config, "decorrelate", 0.0))
        self.frozen = bool(getattr(config, "frozen", False))
        if self.frozen:
            self.network.requires_grad_(False)
            self.head.requires_grad_(True)
            self.train()

    @property
    def head(self) -> nn.Module:
        """The last layers of the network, which are what a frozen one still learns."""
        return last_layers(self.network)

    def train(self, mode: bool = True) -> Self:
        """Training mode; what is frozen neither drops numbers nor moves its means."""
        super().train(mode)
        if mode and self.frozen:
            self.network.eval()
            self.head.train()
        return self

    def _check_mass(self, events: Events) -> None:
        if "m0" not in events.columns:
            raise InputError(
                "these events have no mass m0 for a score not to depend on",
                "leave out decorrelate, or give a set with m0",
            )

    def dataset(self, events: Events) -> TaggerDataset:
        """Inputs, labels and weights of ``events``; events to be scored may have any labels."""
        label = np.zeros(len(events), np.float32)
        if "label" in events.columns:
            label[np.asarray(events.label == 1)] = 1
        mass = None
        if self.decorrelate:
            self._check_mass(events)
            mass = events.columns["m0"].astype(np.float32)
        return TaggerDataset(self.prepare(events), label, self.event_weights(events), mass)

    def batch(self, dataset: TaggerDataset, chosen: NDArray[np.int64]) -> Batch:
        """Network inputs of the ``chosen`` events, their labels, weights and masses ``(n,)``."""
        weight, mass = (
            as_tensor(None if x is None else x[chosen]) for x in (dataset.weight, dataset.mass)
        )
        label = torch.from_numpy(dataset.label[chosen])
        return (*self.inputs(dataset.data, chosen), label, weight, mass)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted mean cross entropy, nats; of validation events the AUC too.

        The mean of the AUC over batches estimates that of all events without bias, since their
        pairs are drawn as any others.
        """
        *inputs, label, weight, mass = batch
        given = self.augment(tuple(inputs), generator) if self.training else inputs
        logits = self.network(*given)
        found = self.with_mass(cross_entropy(logits, label, weight), logits, label, weight, mass)
        return found if self.training else found | {"auc": _auc(logits, label, weight)}

    def with_mass(
        self,
        loss: Tensor,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None,
        mass: Tensor | None,
    ) -> dict[str, Tensor]:
        """A loss, and the distance correlation of background with its mass, where it counts."""
        if mass is None:
            return {"loss": loss}
        background = label == 0
        of = None if weight is None else weight[background]
        found = distance_correlation(logits.sigmoid()[background], mass[background], of)
        return {"loss": loss + self.decorrelate * found, "disco": found.detach()}

    @torch.no_grad()
    def logits(self, dataset: TaggerDataset) -> NDArray[np.float64]:
        """``(n,)`` uncalibrated logits of class 1."""
        was_training, n = self.training, self.scored
        self.eval()
        parts = [torch.zeros(0, device="cpu")]
        for i in range(0, len(dataset), n):
            inputs = self.inputs(dataset.data, np.arange(i, min(i + n, len(dataset))))
            parts.append(self.network(*to_device(inputs, self.device)).cpu())
        self.train(was_training)
        found: NDArray[np.float64] = torch.cat(parts).cpu().double().numpy()
        return found

    def calibrate(self, dataset: TaggerDataset) -> None:
        """Calibrate on validation events."""
        slope, offset = platt(
            self.logits(dataset), dataset.label.astype(np.float64), dataset.weight
        )
        self.slope.fill_(slope)
        self.offset.fill_(offset)

    def quality_warning(self, dataset: TaggerDataset, events: Events) -> str:
        """A line if the AUC on validation events is within two errors of guessing, or below."""
        del events
        found = auc_and_error(self.logits(dataset), dataset.label)
        if found is None or found[0] - 2 * found[1] > 0.5:
            return ""
        return f"it does no better than guessing: validation AUC {found[0]:.3f} +- {found[1]:.3f}"

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of class 1; same shape."""
        scaled = torch.from_numpy(logits) * self.slope.cpu() + self.offset.cpu()
        found: NDArray[np.float64] = torch.sigmoid(scaled.double()).cpu().numpy()
        return found


def last_layers(module: nn.Module) -> nn.Module:
    """The last part of a network that has weights; of one that is a single sequence, its last."""
    parts = [m for m in module.children() if any(True for _ in m.parameters())]
    if not parts:
        return module
    return parts[-1] if len(parts) > 1 else last_layers(parts[0])


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted mean cross entropy of logits, labels and weights ``(n,)``, nats."""
    return F.binary_cross_entropy_with_logits(logits, label, weight)


def _auc(logits: Tensor, label: Tensor, weight: Tensor | None) -> Tensor:
    """Share of the pairs of either class that are in the right order; 1/2 where there is none."""
    gaps = logits[label == 1][:, None] - logits[label == 0][None]
    right = 0.5 + 0.5 * gaps.sign()
    if weight is not None:
        pairs = weight[label == 1][:, None] * weight[label == 0][None]
        return (right * pairs).sum() / pairs.sum() if pairs.sum() > 0 else logits.new_tensor(0.5)
    return right.mean() if gaps.numel() else logits.new_tensor(0.5)
