"""Sums over hits by event and by channel, of an event set or of padded tables.

What is computed from hits, in :mod:`~calovision.features.jet_shapes`, is written once in terms of
:class:`HitSums`, so that training, metrics and exported models share it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from calovision.events.events import Events


class HitSums(ABC):
    """Hits of ``n`` events in ``C`` channels; all arrays of hits have the same shape.

    Attributes:
        eta, phi: from the window's centre, rad.
        radius: distance from it, rad.
        energy: GeV; 0 for padding.
        channels: number of channels.
    """

    eta: Tensor
    phi: Tensor
    radius: Tensor
    energy: Tensor
    channels: int

    @abstractmethod
    def per_event(self, weight: Tensor) -> Tensor:
        """``(n,)`` sums of a weight of each hit."""

    @abstractmethod
    def per_channel(self, weight: Tensor) -> Tensor:
        """``(n, C)`` sums of a weight of each hit."""

    @abstractmethod
    def largest(self, values: Tensor) -> Tensor:
        """``(n, C)`` largest of non-negative values of hits, 0 without hits."""

    @abstractmethod
    def at_hits(self, values: Tensor) -> Tensor:
        """Numbers ``(n,)`` of events, at each of their hits."""

    @abstractmethod
    def in_channels(self, chosen: Sequence[bool]) -> Tensor:
        """Whether each hit is in one of the ``chosen`` channels ``(C,)``."""

    def counts(self, within: float = torch.inf) -> Tensor:
        """``(n, C)`` hits less than so many rad from the window's centre."""
        return self.per_channel((self.radius < within).to(self.energy.dtype))


class EventHits(HitSums):
    """The hits of a set, end to end, ``(hits,)``; energies in double precision, on the CPU.

    Args:
        events: ``n`` events.
    """

    def __init__(self, events: Events) -> None:
        geometry = events.geometry
        self.channels, self._n = len(geometry.channels), len(events)
        self._owner = torch.from_numpy(np.repeat(np.arange(len(events)), events.n_hits))
        self._channel = torch.from_numpy(events.channel.astype(np.int64))
        self._index = self._owner * self.channels + self._channel
        self.eta = torch.from_numpy(geometry.eta(events.cell, events.channel))
        self.phi = torch.from_numpy(geometry.phi(events.cell, events.channel))
        self.radius = torch.from_numpy(geometry.radius(events.cell, events.channel))
        self.energy = torch.from_numpy(events.energy.astype(np.float64))

    def per_event(self, weight: Tensor) -> Tensor:
        """``(n,)`` float64."""
        # Without any hits the counts would be whole numbers.
        return torch.bincount(self._owner, weight.double(), self._n).double()

    def per_channel(self, weight: Tensor) -> Tensor:
        """``(n, C)`` float64."""
        flat = torch.bincount(self._index, weight.double(), self._n * self.channels)
        return flat.double().view(self._n, self.channels)

    def largest(self, values: Tensor) -> Tensor:
        """``(n, C)`` float64."""
        flat = values.new_zeros(self._n * self.channels)
        return flat.scatter_reduce(0, self._index, values, "amax").view(self._n, self.channels)

    def at_hits(self, values: Tensor) -> Tensor:
        """``(hits,)``."""
        return values[self._owner]

    def in_channels(self, chosen: Sequence[bool]) -> Tensor:
        """``(hits,)``."""
        return torch.tensor(chosen, device="cpu")[self._channel]


class PaddedSums(HitSums):
    """Hits of events as padded tables ``(n, h)``, in operations that ONNX knows.

    Args:
        eta, phi, energy: float32; see :class:`HitSums`.
        channel: int64, -1 for padding.
        channels: number of channels.
    """

    def __init__(
        self, eta: Tensor, phi: Tensor, energy: Tensor, channel: Tensor, channels: int
    ) -> None:
        self.eta, self.phi, self.channels = eta, phi, channels
        self.radius = (eta.square() + phi.square()).sqrt()
        self.energy = torch.where(channel >= 0, energy, 0.0)
        numbers = torch.arange(channels, device=channel.device)
        self.one_hot = (channel[..., None] == numbers).float()

    def per_event(self, weight: Tensor) -> Tensor:
        """``(n,)`` float32."""
        return weight.sum(1)

    def per_channel(self, weight: Tensor) -> Tensor:
        """``(n, C)`` float32."""
        return (self.one_hot * weight[..., None]).sum(1)

    def largest(self, values: Tensor) -> Tensor:
        """``(n, C)`` float32."""
        return (self.one_hot * values[..., None]).amax(1)

    def at_hits(self, values: Tensor) -> Tensor:
        """``(n, h)``."""
        return values[:, None].expand_as(self.energy)

    def in_channels(self, chosen: Sequence[bool]) -> Tensor:
        """``(n, h)``."""
        wanted = torch.tensor(chosen, device=self.one_hot.device)
        return (self.one_hot * wanted).sum(2) > 0
