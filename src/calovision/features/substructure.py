"""Substructure of jets: N-subjettiness and the two-point energy correlator.

Both are of the hits within 0.4 rad of the jet's axis, the energy-weighted centre of the
calorimeters' hits; a hit is a massless particle of its transverse energy, at the place of its cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import CONE, axis_distance, jet_axis
from calovision.utils.compiled import fast
from calovision.utils.quiet import quiet

Floats = NDArray[np.float64]
Array = NDArray[Any]

SUBJETS = (1, 2, 3)
AXES = "OnePass_KT_Axes"  #: exclusive kt axes, moved once to the nearest minimum
BETA = 1.0  #: power of the angle
EEC_WIDTH = 0.005  #: rad of a bin of distances, a quarter of a crystal
EEC_BINS = round(2 * CONE / EEC_WIDTH)


def n_subjettiness(events: Events) -> dict[str, Floats]:
    """How much a jet looks like N prongs or fewer (arXiv:1011.2268), by FastJet's contribution.

    ``tau_N = sum_i pt_i min_k R_ik / (0.4 sum_i pt_i)`` over the hits of the calorimeters, k being
    N axes: those of exclusive kt jets, after one step towards the least tau_N.

    Args:
        events: ``n`` jets.

    Returns:
        ``tau1``, ``tau2``, ``tau3`` and the ratios ``tau21`` and ``tau32``, ``(n,)``, pure numbers;
        0 where there is nothing to divide by.
    """
    import awkward as ak
    import fastjet

    geometry, found = events.geometry, np.zeros((len(events), len(SUBJETS)))
    mine, _ = _near_axis(events, geometry.calorimeters)
    number = np.bincount(events.owner[mine], minlength=len(events))
    some = number >= 1
    if some.any():
        pt = events.energy[mine].astype(np.float64)
        eta, phi = (x(events.cell[mine]).astype(np.float64) for x in (geometry.eta, geometry.phi))
        names = ("px", "py", "pz", "E")
        momenta = pt * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)])
        parts = dict(zip(names, momenta, strict=True))
        jets = ak.unflatten(ak.zip(parts, with_name="Momentum4D"), number[some])
        definition = fastjet.JetDefinition(fastjet.kt_algorithm, 2 * CONE)
        with quiet():
            clusters = fastjet.ClusterSequence(jets, definition)
            found[some] = clusters.njettiness(
                "NormalizedMeasure", AXES, njets=list(SUBJETS), beta=BETA, R0=CONE
            ).to_numpy()
    # Rounding leaves some 1e-17 where hits are as many as axes.
    found[found < 1e-12] = 0
    tau = dict(zip(SUBJETS, found.T, strict=True))
    ratios = {f"tau{k + 1}{k}": _share(tau[k + 1], tau[k]) for k in SUBJETS[:-1]}
    return {f"tau{k}": tau[k] for k in SUBJETS} | ratios


def energy_correlator(events: Events, channels: Sequence[bool]) -> Floats:
    """Two-point energy correlator (EEC; arXiv:1305.0007, arXiv:2004.11381) of every jet.

    Args:
        events: ``n`` jets.
        channels: ``(C,)`` whose hits are counted.

    Returns:
        ``(n, EEC_BINS)`` sum of ``z_i z_j`` over pairs of different hits at a distance in each bin
        of :data:`EEC_WIDTH` rad, both orders counted; z is a hit's share of the energy.
    """
    mine, energy = _near_axis(events, channels)
    geometry, number = events.geometry, np.bincount(events.owner[mine], minlength=len(events))
    first = np.concatenate([[0], np.cumsum(number)])
    total = np.bincount(events.owner[mine], energy, len(events))
    share = energy / total[events.owner[mine]]
    found = np.zeros((len(events), EEC_BINS))
    eta, phi = (x(events.cell[mine]).astype(np.float64) for x in (geometry.eta, geometry.phi))
    _pairs(first, eta, phi, share, 1 / EEC_WIDTH, found)
    return found


def _near_axis(events: Events, channels: Sequence[bool]) -> tuple[NDArray[np.int64], Floats]:
    """Numbers of the hits of some channels with energy near their jet's axis, and energies, GeV."""
    hits = EventHits(events)
    distance = axis_distance(hits, jet_axis(hits, events.geometry.calorimeters)).cpu().numpy()
    chosen = np.asarray(channels, np.bool_)[events.channel] & (distance < CONE)
    mine = np.flatnonzero(chosen & (events.energy > 0))
    return mine, events.energy[mine].astype(np.float64)


@fast
def _pairs(first: Array, eta: Array, phi: Array, share: Array, scale: float, found: Array) -> None:
    """Fill ``found`` with products of shares by the distance of every pair of an event's hits."""
    last = found.shape[1] - 1
    for event in range(len(first) - 1):
        for i in range(first[event], first[event + 1]):
            for j in range(first[event], i):
                square = (eta[i] - eta[j]) ** 2 + (phi[i] - phi[j]) ** 2
                place = min(int(np.sqrt(square) * scale), last)
                found[event, place] += 2 * share[i] * share[j]


def _share(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
