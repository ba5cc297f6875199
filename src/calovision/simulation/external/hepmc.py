"""Collisions in HepMC3 and HepMC2 files: their own unit, beams and weights."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import offsets_of
from calovision.simulation.external.momenta import (
    ANY_BEAM,
    LHC_BEAM,
    Unit,
    check_energies,
    four_momenta,
)
from calovision.simulation.external.names import WEIGHT
from calovision.simulation.external.particles import Table

_STABLE, _BEAM = 1, 4  #: states of particles
_BEAM_ENERGY = 1e5  #: GeV a nucleon; beams that have more are in another unit than the file says
_NUCLEI = 1_000_000_000  #: identities of nuclei start here: 10LZZZAAAI
_BEAM_TOLERANCE = 1.01  #: of the beams' energy
#: names that generators give the weight that belongs to the prediction itself
_NOMINAL = ("", "default", "weight", "nominal", "0")


class Event(NamedTuple):
    """Stable particles, beams and weight of a collision.

    Attributes:
        momentum: ``(4, particles)`` px, py, pz, energy of the stable ones, GeV.
        pdg: ``(particles,)`` their identities.
        beams: energy of all beam particles, GeV; 0 if the file has none.
        nucleon: largest energy of a beam particle, of nuclei by nucleon, GeV.
        weight: the nominal one, if there are any.
    """

    momentum: NDArray[np.float64]
    pdg: NDArray[np.int32]
    beams: float
    nucleon: float
    weight: float | None


class Header(NamedTuple):
    """The unit and the weights that a HepMC file declares.

    Attributes:
        unit: of its momenta.
        weights: names of the weights, empty if events have none.
        nominal: which of them is taken.
    """

    unit: Unit
    weights: list[str]
    nominal: int


def read_header(file: Path) -> Header:
    """The header of a file, from its first event.

    Raises:
        InputError: it has no event, or is not written to its end.
    """
    import pyhepmc

    n_events, n_weighted = _count_lines(file)
    with pyhepmc.open(str(file)) as events:
        for event in events:
            n = len(event.weights)
            if not n and n_weighted >= n_events:
                raise InputError("its weights cannot be read", "correct its lines W")
            try:
                names = [str(name) for name in event.weight_names]
            except RuntimeError:  # the file does not name them
                names = []
            names += [f"number {i}" for i in range(len(names), n)]
            nominal = [i for i in range(n) if names[i].strip().lower() in _NOMINAL]
            unit: Unit = "GeV" if event.momentum_unit == pyhepmc.Units.GEV else "MeV"
            return Header(unit, names[:n], nominal[0] if nominal else 0)
    raise InputError("event 1 cannot be read", "mend or remove it")


def events_of(file: Path, nominal: int | None, size: int) -> Iterator[list[Event]]:
    """The events of a file in chunks.

    Args:
        file: to read.
        nominal: number of the weight that is taken; ``None`` if there is none.
        size: events of a chunk.
    """
    import pyhepmc

    wanted, _ = _count_lines(file)
    chunk: list[Event] = []
    found = 0
    with pyhepmc.open(str(file)) as events:
        for event in events:
            event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            particles = event.numpy.particles
            stable, beam = particles.status == _STABLE, particles.status == _BEAM
            momentum = np.stack([getattr(particles, k)[stable] for k in ("px", "py", "pz", "e")])
            weights = list(event.weights)
            if (nominal is None) == bool(weights) or (nominal and nominal >= len(weights)):
                raise InputError(
                    f"event {found + 1} has {len(weights)} weights that can be read, "
                    f"the first event {'none' if nominal is None else 'has others'}",
                    "give files whose events have the same weights",
                )
            weight = None if nominal is None else float(weights[nominal])
            pdg = particles.pid[stable].astype(np.int32)
            energies, ids = particles.e[beam], np.abs(particles.pid[beam])
            nucleons = np.where(ids > _NUCLEI, ids // 10 % 1000, 1)
            nucleon = (energies / np.maximum(nucleons, 1)).max(initial=0.0)
            chunk.append(Event(momentum, pdg, float(energies.sum()), float(nucleon), weight))
            found += 1
            if len(chunk) == size:
                yield chunk
                chunk = []
    if found < wanted:
        # pyhepmc reports this on the terminal only, and returns the events before it.
        raise InputError(f"event {found + 1} of {wanted} cannot be read", "mend or remove it")
    if chunk:
        yield chunk


def joined(events: list[Event], first: int, confirmed: bool) -> Table:
    """The table of particles of some events.

    Args:
        events: one behind the other.
        first: number of the first one in the file.
        confirmed: the user has confirmed the unit, so that beams may have any energy.

    Raises:
        InputError: momenta that its beams cannot give, or a weight that is not finite.
    """
    momentum = np.concatenate([e.momentum for e in events], axis=1)
    pdg = np.concatenate([e.pdg for e in events])
    offsets = offsets_of(np.array([len(e.pdg) for e in events]))

    def place(i: int) -> str:
        row = int(np.searchsorted(offsets, i, side="right")) - 1
        return f"stable particle {i - offsets[row]} of event {first + row + 1}"

    names = dict(zip(("px", "py", "pz", "energy"), momentum, strict=True))
    momentum = four_momenta(names, pdg, place)
    beams = np.array([e.beams for e in events])
    high = ~(np.array([e.nucleon for e in events]) <= _BEAM_ENERGY)
    if high.any() and not confirmed:
        event = int(np.argmax(high))
        raise InputError(
            f"the beams of event {first + event + 1} have {events[event].nucleon:g} GeV",
            "correct the unit in its lines U: no collider is that strong",
        )
    max_energy = ANY_BEAM if confirmed else LHC_BEAM
    if beams.all() and not high.any():
        max_energy = float(beams.max()) * _BEAM_TOLERANCE
    check_energies(momentum, pdg, max_energy, place)
    columns = {}
    if events[0].weight is not None:
        weights = np.array([e.weight for e in events], np.float64)
        if not np.isfinite(weights).all():
            odd = int(np.argmin(np.isfinite(weights)))
            raise InputError(
                f"the weight of event {first + odd + 1} is {weights[odd]}", "remove that event"
            )
        columns[WEIGHT] = weights
    return Table(offsets, momentum, pdg, columns, first, max_energy)


def _count_lines(file: Path) -> tuple[int, int]:
    """Number of events, and of lines of weights, of a HepMC file that was written to its end."""
    events, weighted, before = 0, 0, b""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as opened:
        while block := opened.read(1 << 20):
            # What may be cut in two by a block's end is looked at once more, but not counted.
            text = before[-2:] + block
            events += text.count(b"\nE ")
            weighted += text.count(b"\nW ")
            before = before[-40:] + block
    if b"END_EVENT_LISTING" not in before[-200:]:
        raise InputError("it ends in the middle", "give a whole HepMC file")
    if not events:
        raise InputError("no event is in it", "give a HepMC file with events")
    return events, weighted
