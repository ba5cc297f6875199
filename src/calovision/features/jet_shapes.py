"""Shapes of jets from their hits, written once for training, metrics and exported models.

Angles are in rad from the window's centre, energies in GeV. The jet's axis is the energy-weighted
centre of the hits in calorimeters within :data:`CONE` of the window's centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from calovision.features.hit_sums import HitSums

CONE = 0.4  #: rad; the part of a jet that pile-up dilutes least
CORE = 0.1  #: rad around the jet's axis
WINDOW_CORE = 0.3  #: rad around the window's centre, where a jet outshines its pile-up
RADII = (0.1, 0.2, 0.4)  #: rad; of rings around the window's centre or the jet's axis
MIN_ENERGY = 1e-3  #: GeV; energies below it have no logarithm


def share(part: Tensor, whole: Tensor) -> Tensor:
    """``part / whole``, 0 where there is no energy."""
    return torch.where(whole > 0, part / whole, torch.zeros_like(part))


def multiplicities(hits: HitSums) -> Tensor:
    """``(n, 5 C)`` logarithms of the hits, of the energy, and of the hits within each radius."""
    sums = hits.per_channel(hits.energy).clamp(min=0) + MIN_ENERGY
    near = torch.cat([hits.counts(r) for r in RADII], 1)
    return torch.cat([(hits.counts() + 0.5).log(), sums.log(), (near + 0.5).log()], 1)


def image_summary(hits: HitSums) -> Tensor:
    """``(n, 7 C)`` how many hits an image has, how much energy, and how it lies.

    ``log(N + 1/2)`` and ``log(sum E + 1 MeV)`` per channel; then per channel the energy-weighted
    mean radius, pTD = sqrt(sum E^2) / sum E, and the shares of energy within :data:`RADII` of the
    window's centre.
    """
    energy, radius = hits.energy, hits.radius
    total = hits.per_channel(energy)
    safe = total.clamp(min=MIN_ENERGY)
    parts = [(hits.counts() + 0.5).log(), (total + MIN_ENERGY).log()]
    parts += [hits.per_channel(energy * radius) / safe]
    parts += [hits.per_channel(energy.square()).sqrt() / safe]
    parts += [hits.per_channel(energy * (radius < r)) / safe for r in RADII]
    return torch.cat(parts, 1)


def scale_features(hits: HitSums) -> Tensor:
    """``(n, 3 C + 1)`` numbers that move with the scale of an event and the detector's state.

    Per channel the logarithms of 1 + hits, 1 + summed and 1 + largest energy; then that of 1 + the
    energy of all channels within :data:`WINDOW_CORE` of the window's centre.
    """
    energy = hits.energy.clamp(min=0)
    core = hits.per_event(energy * (hits.radius < WINDOW_CORE))[:, None]
    sums = hits.per_channel(hits.energy).clamp(min=0)
    return torch.cat([hits.counts(), sums, hits.largest(energy), core], 1).log1p()


def jet_axis(hits: HitSums, calorimeters: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """``(n,)`` eta and phi of the jets' axes.

    Args:
        hits: of jets.
        calorimeters: ``(C,)`` which channels are.
    """
    weight = hits.energy * (hits.in_channels(calorimeters) & (hits.radius < CONE))
    total = hits.per_event(weight)
    eta, phi = (share(hits.per_event(weight * x), total) for x in (hits.eta, hits.phi))
    return eta, phi


def axis_distance(hits: HitSums, axis: tuple[Tensor, Tensor]) -> Tensor:
    """Distance (rad) of every hit from its jet's axis."""
    eta, phi = (hits.at_hits(x) for x in axis)
    return torch.hypot(hits.eta - eta, hits.phi - phi)


class ConeSums(NamedTuple):
    """Of the hits within :data:`CONE` of the jets' axes, per channel, ``(n, C)``.

    Attributes:
        hits: their number.
        energy: summed.
        width: sum of energy times distance from the axis, GeV rad.
        root: sqrt(sum E^2), GeV.
        rings: energy within each of the radii asked for.
    """

    hits: Tensor
    energy: Tensor
    width: Tensor
    root: Tensor
    rings: tuple[Tensor, ...]


def cone_sums(hits: HitSums, distance: Tensor, radii: tuple[float, ...]) -> ConeSums:
    """Sums over the hits near the jets' axes.

    Args:
        hits: of jets.
        distance: of every hit from the axis, rad.
        radii: of rings, rad.
    """
    near = hits.energy * (distance < CONE)
    return ConeSums(
        hits.per_channel((near > 0).to(near.dtype)),
        hits.per_channel(near),
        hits.per_channel(near * distance),
        hits.per_channel(near.square()).sqrt(),
        tuple(hits.per_channel(near * (distance < r)) for r in radii),
    )


def momentum(hits: HitSums, weight: Tensor) -> tuple[Tensor, Tensor]:
    """``(n,)`` transverse momentum and mass (GeV) of massless hits of these transverse energies."""
    factors = (hits.eta.double().cosh(), hits.phi.double().cos(), hits.phi.double().sin())
    e, x, y = (hits.per_event(weight * f) for f in factors)
    z = hits.per_event(weight * hits.eta.double().sinh())
    square = e**2 - x**2 - y**2 - z**2
    # Rounding leaves a mass of order 1e-8 E for a single hit.
    mass = torch.where(square > 1e-12 * e**2, square, torch.zeros_like(square)).sqrt()
    return torch.hypot(x, y), mass
