"""The interface of a task: what the trainer and the users of a trained model call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.training.onnx_graph import Graph

#: tensors of one batch, in the order that the task's own ``loss`` unpacks them
Batch = tuple[Any, ...]


def as_tensor(weights: NDArray[np.float32] | None) -> Tensor | None:
    """Weights for a batch."""
    return None if weights is None else torch.from_numpy(weights)


def weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over events of what ``(n, ...)`` holds of each, times its weight ``(n,)``.

    The sum is divided by the number of events, not by the weights of a batch: of weights with a
    mean of 1, batches of any size then give the loss of the whole set on average.
    """
    if weight is None:
        return values.mean()
    return (values * weight.view(-1, *(1,) * (values.dim() - 1))).mean()


def untrained_task(kind: type[Task], config: Any, geometry: Geometry, train: Events) -> Task:
    """An untrained task, its scaling and the weights of events fitted to the training events."""
    task = kind.from_events(config, geometry, train)
    task.use_event_weights(train)
    return task


class Task(nn.Module, ABC):
    """A network with its loss and the preparation of its inputs.

    Args:
        geometry: of the images it is built for.

    Attributes:
        validation_events: largest number of events for validation and for :meth:`calibrate`.
        judged_by_loss: whether a validation loss no lower than before the training shows that
            nothing was learned.
        doubles: whether it computes in double precision, which a Mac's GPU cannot.
        mean_weight: of the training events; ``None`` where they have none.
    """

    validation_events: ClassVar[int] = 2000
    judged_by_loss: ClassVar[bool] = False
    doubles: ClassVar[bool] = False

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.geometry = geometry
        self.mean_weight: float | None = None
        self._copies: dict[str, tuple[Tensor, int, Tensor]] = {}

    @property
    def device(self) -> torch.device:
        """Where its weights are, and where batches go; they are made on the CPU."""
        for tensor in chain(self.parameters(), self.buffers()):
            return tensor.device
        return torch.device("cpu")

    def place(self, device: torch.device) -> Self:
        """Move it to a device.

        Raises:
            InputError: the device cannot compute as precisely as it does.
        """
        if device.type == "mps" and self.doubles:
            raise InputError(
                "this model needs double precision, which device mps does not have",
                "give --device cpu",
            )
        return self.to(device)

    def on_host(self, name: str) -> Tensor:
        """A buffer where NumPy can read it: itself, or a copy that is made when it has changed."""
        buffer: Tensor = getattr(self, name)
        if buffer.device.type == "cpu":
            return buffer
        known = self._copies.get(name)
        if known is None or known[0] is not buffer or known[1] != buffer._version:
            # Every copy waits for all that the GPU has been given to do.
            known = self._copies[name] = (buffer, buffer._version, buffer.cpu())
        return known[2]

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Check, before a training, that it can be built for such images; by default it can.

        Raises:
            InputError: it cannot.
        """
        del geometry

    @classmethod
    @abstractmethod
    def from_events(cls, config: Any, geometry: Geometry, train: Events) -> Self:
        """An untrained task, its scaling fitted to the training events."""

    @classmethod
    @abstractmethod
    def from_state(cls, config: Any, geometry: Geometry, state: Mapping[str, Tensor]) -> Self:
        """A task with the weights and statistics of ``state``."""

    @abstractmethod
    def dataset(self, events: Events) -> Any:
        """Prepared events with a length, from which batches are made."""

    @abstractmethod
    def batch(self, dataset: Any, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the ``chosen`` events."""

    def training_batch(self, dataset: Any, chosen: NDArray[np.int64], step: int) -> Batch:
        """The batch of step ``step`` of a training; by default that of the ``chosen`` events."""
        del step
        return self.batch(dataset, chosen)

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """``loss`` to minimise, with gradient, and its parts, without."""

    @abstractmethod
    def graphs(self) -> list[Graph]:
        """What the trained task is written as for ONNX Runtime, preparation of events included."""

    def use_event_weights(self, train: Events) -> None:
        """Weight events by their column ``weight``, over its mean in these training events.

        Raises:
            InputError: a weight is negative or not finite, or all are 0.
        """
        weighting.of(train)
        if weighting.COLUMN in train.columns:
            self.mean_weight = float(np.mean(train.columns[weighting.COLUMN], dtype=np.float64))

    def event_weights(self, events: Events) -> NDArray[np.float32] | None:
        """``(n,)`` weights of events in the loss, 1 on average; ``None`` without weights."""
        if self.mean_weight is None or weighting.COLUMN not in events.columns:
            return None
        weight = events.columns[weighting.COLUMN].astype(np.float64) / self.mean_weight
        return weight.astype(np.float32)

    def refit_domain(self, train: Events) -> None:
        """Fit the range of validity to new training events; nothing by default."""
        del train

    def calibrate(self, dataset: Any) -> None:
        """Fit thresholds or calibrations to validation events; nothing by default."""
        del dataset

    def quality_warning(self, dataset: Any, events: Events) -> str:
        """A warning if validation events and their data set show that nothing was learned."""
        del dataset, events
        return ""

    def size(self) -> dict[str, int]:
        """Size of the model: numbers of parameters by name."""
        return {"parameters": sum(p.numel() for p in self.parameters())}

    def check_geometry(self, geometry: Geometry) -> None:
        """Check that images have the geometry that the task was built for.

        Raises:
            InputError: the geometries differ.
        """
        if geometry != self.geometry:
            raise InputError(
                f"the model was trained on {self.geometry.name} images, these are {geometry.name}",
                "give images of the same kind",
            )
