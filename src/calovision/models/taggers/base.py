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

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.labels import both_classes
from calovision.models.taggers.calibration import auc_and_error, platt
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
    """

    data: Any
    label: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None

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
    """

    validation_events: ClassVar[int] = 5000
    scored: ClassVar[int] = 250
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
        return task

    def dataset(self, events: Events) -> TaggerDataset:
        """Inputs, labels and weights of ``events``; events to be scored may have any labels."""
        label = np.zeros(len(events), np.float32)
        if "label" in events.columns:
            label[np.asarray(events.label == 1)] = 1
        return TaggerDataset(self.prepare(events), label, self.event_weights(events))

    def batch(self, dataset: TaggerDataset, chosen: NDArray[np.int64]) -> Batch:
        """Network inputs of the ``chosen`` events, then their labels and weights ``(n,)``."""
        weight = as_tensor(None if dataset.weight is None else dataset.weight[chosen])
        return (*self.inputs(dataset.data, chosen), torch.from_numpy(dataset.label[chosen]), weight)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted mean cross entropy, nats; of validation events the AUC too.

        The mean of the AUC over batches estimates that of all events without bias, since their
        pairs are drawn as any others.
        """
        *inputs, label, weight = batch
        given = self.augment(tuple(inputs), generator) if self.training else inputs
        logits = self.network(*given)
        found = {"loss": cross_entropy(logits, label, weight)}
        return found if self.training else found | {"auc": _auc(logits, label, weight)}

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
