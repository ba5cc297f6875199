# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""The measurement of crops: resolution, noise, the crystals that are stored, and times."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, NS_PER_UNIT
from calovision.simulation.detector import TOWER, record
from calovision.simulation.egamma.clustering import READ_OUT, store
from calovision.simulation.egamma.particles import BARREL_ROWS, PEAK, SIZE, Particles, Showers
from calovision.utils.compiled import fast


class Electronics(NamedTuple):
    """Resolution of one crystal, beside its noise.

    Sources: CMS detector paper (JINST 3 S08004) for the energy; for the time, the noise term of
    JINST 5 T03011 (N = 35 ns) and a small constant one.
    """

    photostatistics: float = 0.023  #: sigma(E) per square root of E, GeV**0.5
    intercalibration: float = 0.005  #: sigma(E)/E
    time_noise: float = 35.0  #: sigma(t) times the amplitude over its noise, ns
    time_constant: float = 0.15  #: constant term of sigma(t), ns
    time_noise_largest: float = 22.4  #: largest sigma(t) of a weak signal, ns (effective)
    time_offset: float = -0.28  #: mean time, ns: of the public set, -.00026375 units a pixel
    time_span: float = 125.0  #: largest time, of either sign, ns
    centre_calibration: float = 0.06  #: relative r.m.s. by which energies that choose a crop's
    #: centre differ from the stored ones (effective: 5 of 200 real crops are off the hottest one)


ELECTRONICS = Electronics()
_NEAR = 2  #: crystals about the hottest one among which the centre is


@fast
def _smear(ecal: Any, m: Any) -> None:
    """Resolution of every crystal but for its noise, in place."""
    for i in range(ecal.shape[0]):
        for j in range(ecal.shape[1]):
            e = ecal[i, j]
            if e > 0:
                relative = 1 + np.random.normal() * m.intercalibration
                ecal[i, j] = e * relative + np.random.normal() * m.photostatistics * math.sqrt(e)


@fast
def _centre(ecal: Any, m: Any) -> tuple[int, int]:
    """Row and column of the crystal with the largest energy, before the last calibration."""
    best, pi, pj = 0.0, PEAK, PEAK
    for i in range(PEAK - _NEAR, PEAK + _NEAR + 1):
        for j in range(PEAK - _NEAR, PEAK + _NEAR + 1):
            e = ecal[i, j] * (1 + np.random.normal() * m.centre_calibration)
            if e > best:
                best, pi, pj = e, i, j
    return pi, pj


@fast
def _time(energy: float, m: Any, r: Any) -> float:
    """Measured time of a crystal, ns."""
    noise = min(m.time_noise * r.noise / energy, m.time_noise_largest)
    t = m.time_offset + np.random.normal() * math.sqrt(noise**2 + m.time_constant**2)
    return float(min(max(t, -m.time_span), m.time_span))


@fast
def _read_out(seed: int, crops: Any, row: Any, m: Any, r: Any) -> tuple[Any, Any, Any, Any]:
    """Hit offsets, cell, code and value (GeV, ns) of all crops."""
    np.random.seed(seed)
    n = len(crops)
    offsets = np.zeros(n + 1, np.int64)
    cell = np.empty(2 * n * SIZE * SIZE, np.uint16)
    code = np.empty(2 * n * SIZE * SIZE, np.uint8)
    value = np.empty(2 * n * SIZE * SIZE, np.float64)
    ecal, kept = np.empty((SIZE, SIZE), np.float64), np.zeros((SIZE, SIZE), np.int8)
    h = 0
    for k in range(n):
        for i in range(SIZE):
            for j in range(SIZE):
                ecal[i, j] = crops[k, i, j]
        _smear(ecal, m)
        for i in range(SIZE):
            # there is no noise where there are no crystals
            noise = r.noise if -BARREL_ROWS <= row[k] + i - PEAK < BARREL_ROWS else 0.0
            for j in range(SIZE):
                ecal[i, j] += np.random.normal() * noise
        store(ecal, kept, row[k] - PEAK, np.random.randint(TOWER), r)
        pi, pj = _centre(ecal, m)
        for part in range(2):
            for i in range(SIZE):
                for j in range(SIZE):
                    a, b = i + PEAK - pi, j + PEAK - pj
                    if not kept[i, j] or not (0 <= a < SIZE and 0 <= b < SIZE):
                        continue
                    cell[h], code[h] = a * SIZE + b, part
                    value[h] = ecal[i, j] if part == 0 else _time(ecal[i, j], m, r)
                    h += 1
        offsets[k + 1] = h
    return offsets, cell[:h], code[:h], value[:h]


def measured(particles: Particles, showers: Showers, seed: int, first_id: int = 0) -> Events:
    """Crops as they are read out, with the truth about every event.

    The crop is centred on the crystal with the largest energy as it was known before the last
    calibration. An event that leaves no energy above the thresholds is kept, with no hits.

    Args:
        particles: ``n`` particles.
        showers: what they left.
        seed: of the noise, in 0..2^32 - 1.
        first_id: ``event_id`` of the first one.

    Returns:
        Events with the columns ``label``, ``charge``, ``eta``, ``phi`` (rad), ``z`` (of the vertex,
        mm), ``energy`` (of the particle, GeV), ``deposit`` (in all crystals, GeV), ``converted``,
        ``brem`` and ``event_id``; see :class:`~calovision.simulation.egamma.particles.Showers`.
    """
    offsets, cell, code, value = _read_out(
        seed, showers.crops, showers.row, record(ELECTRONICS), record(READ_OUT)
    )
    unit = np.array([EGAMMA_CROPS.channels[0].gev_per_unit, NS_PER_UNIT])
    numbers = {
        "eta": particles.eta,
        "phi": particles.phi,
        "z": particles.z,
        "energy": particles.energy,
        "deposit": showers.deposit,
        "brem": showers.brem,
    }
    columns: dict[str, NDArray[Any]] = {
        "label": particles.label,
        "charge": particles.charge,
        **{name: column.astype(np.float32) for name, column in numbers.items()},
        "converted": showers.converted,
        "event_id": first_id + np.arange(len(particles), dtype=np.int64),
    }
    return Events(
        EGAMMA_CROPS, offsets, cell, code, (value / unit[code]).astype(np.float32), columns
    )
