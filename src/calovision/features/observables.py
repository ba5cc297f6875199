"""Observables of jets and crops from the hits: what a physicist would plot first.

All are per event, ``(n,)``. Energies of tracks are transverse momenta; calorimeter energies are
taken as transverse, as the public images have them. Angles are relative to the window centre, so
the mass, which is invariant under boosts along the beam, needs no absolute eta. The jet axis is
the energy-weighted centre of the ECAL and HCAL hits within 0.4 rad of the window centre; that of a
crop is the centre of its energy. A time is no energy: it has observables of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


if TYPE_CHECKING:
    from calovision.events.events import Events

CONE = 0.4  #: rad; the core of a jet, which pile-up dilutes least
RINGS = (0.1, 0.2, 0.4)  #: rad; radii of the radial profile


def observables(events: Events) -> dict[str, Floats]:
    """All observables of a set of jet images or crops.

    Args:
        events: ``n`` images.

    Returns:
        Name to ``(n,)`` float64. Per channel ``c`` of energies: ``n_hit_c``, ``sum_e_c`` and
        ``max_e_c`` (GeV), ``girth_c`` (rad; energy-weighted mean distance to the
        axis of the hits within 0.4),
        ``ptd_c`` (``sqrt(sum E^2) / sum E`` of the same hits, arXiv:1408.3122), ``core_c``
        (share of those hits' energy within 0.1 of the axis). Per channel of times: ``n_hit_c``,
        and of the times of an event ``mean_c`` and ``spread_c`` (ns; standard deviation), 0
        without hits. Of jets, over ECAL and HCAL: ``mass`` and
        ``pt`` (GeV; massless hits), ``profile_10``, ``profile_20``, ``profile_40`` (share of the
        energy within 0.1, 0.2, 0.4 rad). And ``n_track``, tracks within 0.4. Ratios without
        energy are 0.
    """
    geometry = events.geometry
    owner, n = events.owner, len(events)
    energy = events.energy.astype(np.float64)
    eta = geometry.eta(events.cell).astype(np.float64)
    phi = geometry.phi(events.cell).astype(np.float64)
    jets = geometry.schema == "jets"
    in_calorimeter = np.array(geometry.calorimeters)[events.channel]
    in_cone = geometry.radius(events.cell) < CONE
    distance = _axis_distance(owner, n, energy * (in_calorimeter & in_cone), eta, phi)
    counts, sums = events.counts(), events.sums()
    found: dict[str, Floats] = {}
    for c, channel in enumerate(geometry.channels):
        mine, name = events.channel == c, channel.name
        if channel.is_time:
            found[f"n_hit_{name}"] = counts[:, c].astype(np.float64)
            found |= _times(owner[mine], events.measured[mine].astype(np.float64), name, n)
            continue
        hits = owner[mine], energy[mine], distance[mine]
        found |= {f"n_hit_{name}": counts[:, c].astype(np.float64), f"sum_e_{name}": sums[:, c]}
        found[f"max_e_{name}"] = _largest(*hits[:2], n)
        found |= {f"{k}_{name}": v for k, v in _shape(*hits, n).items()}
    if not jets:
        return found
    select = in_calorimeter
    found["pt"], found["mass"] = _momentum(
        owner[select], energy[select], eta[select], phi[select], n
    )
    found |= _profile(owner, energy * in_calorimeter, distance, n)
    if "track" in geometry.channel_names:
        near = (events.channel == geometry.channel_names.index("track")) & (distance < CONE)
        found["n_track"] = np.bincount(owner[near], minlength=n).astype(np.float64)
    return found


def observable_matrix(
    events: Events, columns: tuple[str, ...] = ()
) -> tuple[Floats, tuple[str, ...]]:
    """The observables as one table for trees and tests.

    Args:
        events: ``n`` images.
        columns: per-event columns to append, such as ``("m0", "pt")``.

    Returns:
        ``(n, k)`` and the ``k`` names (appended columns as ``column_m0``).
    """
    found = observables(events) | {f"column_{c}": events.columns[c] for c in columns}
    return np.stack(list(found.values()), axis=1).astype(np.float64), tuple(found)


def _times(owner: NDArray[np.int64], time: Floats, name: str, n: int) -> dict[str, Floats]:
    """Mean and standard deviation of the times of every event, ns."""
    hits = np.maximum(np.bincount(owner, minlength=n), 1)
    mean = np.bincount(owner, time, n) / hits
    spread = np.sqrt(np.bincount(owner, (time - mean[owner]) ** 2, n) / hits)
    return {f"mean_{name}": mean, f"spread_{name}": spread}


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """``part / whole``, 0 where there is no energy."""
    share: Floats = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return share


def _axis_distance(
    owner: NDArray[np.int64], n: int, weight: Floats, eta: Floats, phi: Floats
) -> Floats:
    """``(hits,)`` distance (rad) of every hit to the axis of its jet, the weighted centre."""
    total = np.bincount(owner, weight, n)
    centre = [_share(np.bincount(owner, weight * x, n), total)[owner] for x in (eta, phi)]
    distance: Floats = np.hypot(eta - centre[0], phi - centre[1])
    return distance


def _largest(owner: NDArray[np.int64], energy: Floats, n: int) -> Floats:
    """Largest hit of each event, 0 where there is none."""
    peak = np.zeros(n)
    np.maximum.at(peak, owner, energy)
    return peak


def _shape(owner: NDArray[np.int64], energy: Floats, distance: Floats, n: int) -> dict[str, Floats]:
    """Girth, pTD and core share of the hits within the cone."""
    weight = energy * (distance < CONE)
    total = np.bincount(owner, weight, n)
    return {
        "girth": _share(np.bincount(owner, weight * distance, n), total),
        "ptd": _share(np.sqrt(np.bincount(owner, weight**2, n)), total),
        "core": _share(np.bincount(owner, weight * (distance < RINGS[0]), n), total),
    }


def _momentum(
    owner: NDArray[np.int64], energy: Floats, eta: Floats, phi: Floats, n: int
) -> tuple[Floats, Floats]:
    """Transverse momentum and mass (GeV) of the sum of massless hits."""
    terms: dict[str, NDArray[Any]] = {
        "e": np.cosh(eta),
        "x": np.cos(phi),
        "y": np.sin(phi),
        "z": np.sinh(eta),
    }
    e, x, y, z = (np.bincount(owner, energy * t, n) for t in terms.values())
    mass2 = e**2 - x**2 - y**2 - z**2
    # rounding leaves a mass of order 1e-8 E for a single hit
    return np.hypot(x, y), np.sqrt(np.where(mass2 > 1e-12 * e**2, mass2, 0))


def _profile(
    owner: NDArray[np.int64], energy: Floats, distance: Floats, n: int
) -> dict[str, Floats]:
    """Share of the calorimeter energy within each ring radius."""
    total = np.bincount(owner, energy, n)
    return {
        f"profile_{100 * r:.0f}": _share(np.bincount(owner, energy * (distance < r), n), total)
        for r in RINGS
    }
