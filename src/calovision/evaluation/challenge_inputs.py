"""What the judges of the CaloChallenge see of events (arXiv:2410.21611).

Of showers in a cylinder it is what they saw there. Other images have no incident energy, so that
their summed energy takes its place, and their residual network has two dimensions, as they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.cylinders import alike
from calovision.events.events import Events, concatenate
from calovision.features.showers import MEV, challenge_table, incident
from calovision.metrics.bootstrap import Floats
from calovision.networks.challenge import DenseJudge, ImageJudge, SparseJudge

Rows = NDArray[np.int64]

BATCHES = (20, 1000)  #: events of the smallest and of the largest batch
IMAGES = (20, 100)  #: images of them, which take more memory
PERCENT = 100.0  #: energies of cells are given in per cent of the total
SMALL = 1e-8  #: GeV; added before logarithms, as in the challenge's code
ANGLE = 0.1  #: rad; brings centres and widths to the size of one


@dataclass(frozen=True)
class Inputs:
    """What a judge sees of some events.

    Attributes:
        batch: what the network takes of some of them.
        network: a new one with so many outputs.
        sizes: events of the smallest and of the largest batch.
    """

    batch: Callable[[Rows], tuple[Tensor, ...]]
    network: Callable[[int], nn.Module]
    sizes: tuple[int, int] = BATCHES


def high_level(events: Events) -> Inputs:
    """The challenge's high-level features, for a dense network; see :func:`features`."""
    numbers = challenge_table(events) if are_showers(events) else features(events)
    table = torch.from_numpy(numbers.astype(np.float32))
    return Inputs(
        lambda rows: (table[torch.from_numpy(rows)],), partial(DenseJudge, table.shape[1])
    )


def features(events: Events) -> Floats:
    """The challenge's high-level features, as it gives them to its network.

    Args:
        events: ``n`` images.

    Returns:
        ``(n, 1 + 8 C)``: log10 of the summed energy; then, each for all channels of energy, log10
        of its energy (GeV, 1e-8 added), the energy-weighted means of eta, phi and radius, the
        energy-weighted standard deviations of the same, in units of :data:`ANGLE`, 0 without
        energy; and the share of empty cells.
    """
    geometry, width = events.geometry, len(events.geometry.channels)
    of_energy = np.array([not c.is_time for c in geometry.channels])
    index = events.owner * width + events.channel
    energy = events.energy.astype(np.float64) * of_energy[events.channel]

    def summed(weight: Floats) -> Floats:
        flat = np.bincount(index, weight, len(events) * width).astype(np.float64)
        return flat.reshape(-1, width)[:, of_energy]

    total = summed(energy)
    safe = np.where(total > 0, total, 1.0)
    means, widths = [], []
    for coordinate in (geometry.eta, geometry.phi, geometry.radius):
        place = coordinate(events.cell).astype(np.float64) / ANGLE
        mean = summed(energy * place) / safe
        square = summed(energy * place**2) / safe - mean**2
        means.append(mean)
        widths.append(np.sqrt(np.clip(square, 0, None)))
    cells = np.array([geometry.cells / c.block**2 for c in geometry.channels])[of_energy]
    empty = 1 - summed((energy > 0).astype(np.float64)) / cells
    logarithm = np.log10(np.clip(total, 0, None) + SMALL)
    whole = np.log10(np.clip(total.sum(1, keepdims=True), 0, None) + SMALL)
    return np.concatenate([whole, logarithm, *means, *widths, empty], axis=1)


def dense(events: Events) -> Inputs:
    """Energies of all cells in per cent of the total, for a dense network."""
    share, total = _shares(events)
    code = events.code.astype(np.int64) * events.geometry.cells + events.cell
    lit, place = np.unique(code, return_inverse=True)  # others have no influence
    values, number = share.astype(np.float32), events.n_hits

    def batch(rows: Rows) -> tuple[Tensor, ...]:
        counts = number[rows]
        first = np.cumsum(counts) - counts
        hits = np.arange(counts.sum()) + np.repeat(events.offsets[rows] - first, counts)
        parts = (total[rows, None], place[hits], values[hits], first)
        return tuple(torch.from_numpy(part) for part in parts)

    return Inputs(batch, partial(SparseJudge, max(len(lit), 1)))


def images(events: Events) -> Inputs:
    """Images of energies in per cent of the total, for a residual network.

    Raises:
        InputError: the layers of a cylinder differ, so that there is no image of three dimensions.
    """
    solid = are_showers(events)
    if solid and not alike(events.geometry.channels):
        raise InputError(
            "the layers of these showers are divided differently: no grid for challenge-cnn",
            "ask challenge-dense and challenge-high-level",
        )
    share, total = _shares(events)
    of = replace(events, value=(share / events.area).astype(np.float32))

    def batch(rows: Rows) -> tuple[Tensor, ...]:
        seen = of[rows].to_dense("image")
        return torch.from_numpy(seen[:, None] if solid else seen), torch.from_numpy(
            total[rows, None]
        )

    channels = 1 if solid else len(events.geometry.channels)
    network = partial(ImageJudge, channels, dimensions=3 if solid else 2)
    return Inputs(batch, network, IMAGES)


def _shares(events: Events) -> tuple[Floats, NDArray[np.float32]]:
    """Energies of hits, per cent of their event's, times as they are; and log10 of the latter.

    Of showers it is the energy of the incident particle, MeV.
    """
    if are_showers(events):
        energy = incident(events)
        deposits = events.energy.astype(np.float64) / MEV
        return PERCENT * deposits / energy[events.owner], np.log10(energy).astype(np.float32)
    of_time = np.array([c.is_time for c in events.geometry.channels])[events.channel]
    energy = np.where(of_time, 0.0, events.energy.astype(np.float64))
    total = np.bincount(events.owner, energy, len(events))
    safe = np.where(total > 0, total, 1.0)
    share = np.where(of_time, events.value, PERCENT * energy / safe[events.owner])
    return share, np.log10(np.clip(total, 0, None) + SMALL).astype(np.float32)


def are_showers(events: Events) -> bool:
    """Whether events are showers in a cylinder, as those of the challenge."""
    return events.geometry.schema == "showers"


INPUTS: dict[str, Callable[[Events], Inputs]] = {
    "challenge-high-level": high_level,
    "challenge-dense": dense,
    "challenge-cnn": images,
}


def inputs_of(judge: str, sets: Iterable[Events]) -> Inputs:
    """What a judge, a key of :data:`INPUTS`, sees of the events of some sets, one after the other.

    Raises:
        InputError: showers without incident energies, or in layers that the judge cannot see.
    """
    kept = ("energy",)  # of showers
    bare = [replace(e, columns={k: e.column(k) for k in kept if are_showers(e)}) for e in sets]
    return INPUTS[judge](concatenate(bare))
