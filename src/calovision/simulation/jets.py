"""One chunk of simulated quark/gluon jets: a seed in, an event set out."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events, concatenate
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.simulation.chunks import Chunk
from calovision.simulation.conditions import NOMINAL, Conditions
from calovision.simulation.detector import CMS_BARREL, Detector, record, tracker_layers
from calovision.simulation.generator import DijetGenerator, Jets, no_particles
from calovision.simulation.pileup import Response, overlay, response
from calovision.simulation.pythia import GLUON, QUARK, integrals, quiet
from calovision.simulation.readout import MAX_HITS, SPAN, WINDOW, read_out
from calovision.simulation.regrid import regrid
from calovision.simulation.response import collision, new_canvas, set_seed, start
from calovision.simulation.truth import REACH, jet_shapes, surroundings

_COLLISIONS = 150  #: most collisions generated at once; bounds the memory
_YIELD = {GLUON: 1.4, QUARK: 1.65}  #: jets expected from a collision, to size the batches


def detect(
    jets: Jets,
    seed: int | NDArray[np.uint32],
    detector: Detector = CMS_BARREL,
    geometry: Geometry = JET_IMAGES,
    minimum_bias: Response | None = None,
) -> Events:
    """Simulate the detector for generator-level jets.

    Args:
        jets: before the detector.
        seed: of the detector's random numbers and of the pile-up; or three of every jet ``(n, 3)``.
        detector: its description.
        geometry: of the images; see :func:`~calovision.simulation.regrid.check_simulable`.
        minimum_bias: the detector's response to pile-up, by default from the cache.

    Returns:
        One event per jet, in order, without a cut on the reconstructed jet; columns as
        of :func:`simulate_chunk`, with ``event_id`` numbering the collisions of ``jets``.
    """
    minimum_bias = minimum_bias or response(detector)
    # a seed for every step of every jet, so that another constant of one step leaves the random
    # numbers of the others as they are
    seeds = seed if isinstance(seed, np.ndarray) else _seeds(seed, len(jets))
    hits, flow, extra, corner = _hits(jets, seeds, detector, minimum_bias)
    cell, code, energy = (np.concatenate(column) for column in zip(*hits, strict=True))
    offsets = np.cumsum([len(part[0]) for part in hits])
    channels = JET_IMAGES.channels
    unit = np.array([c.gev_per_unit * c.block**2 for c in channels])
    px, py, pz, e = detector.jet_scale * flow.T
    mass2 = e**2 - px**2 - py**2 - pz**2
    columns = {
        "label": jets.label,
        "pt": np.hypot(px, py) - detector.pileup_offset * extra,
        "m0": np.sqrt(np.maximum(mass2, 0.0)),
        "gen_pt": jets.pt,
        "gen_m0": jets.mass,
        "parton_pt": jets.parton_pt,
        "eta": jets.eta,
        "phi": jets.phi,
    }
    columns = {k: v if v.dtype == np.int8 else v.astype(np.float32) for k, v in columns.items()}
    columns["n_pileup"] = extra
    columns["event_id"] = jets.collision
    seen = Events(
        JET_IMAGES, offsets, cell, code, (energy / unit[code]).astype(np.float32), columns
    )
    return seen if geometry == JET_IMAGES else regrid(seen, geometry, jets, corner, seed, detector)


def _seeds(seed: int, jets: int) -> NDArray[np.uint32]:
    """``(jets, 3)`` seeds of detector, pile-up and read-out of every jet."""
    state = np.random.SeedSequence(seed).generate_state(3 * jets, np.uint32)
    return state.astype(np.uint32).reshape(jets, 3)


def _hits(
    jets: Jets, seeds: NDArray[np.uint32], detector: Detector, minimum_bias: Response
) -> tuple[
    list[tuple[NDArray[Any], ...]], NDArray[np.float64], NDArray[np.int16], NDArray[np.int64]
]:
    """Hits by jet, after an empty first entry; momenta, pile-up and corners of the windows.

    Returns:
        Cells, codes and energies (GeV) of every jet's hits; ``(n, 4)`` px, py, pz, energy (GeV);
        ``(n,)`` numbers of pile-up collisions; ``(n, 2)`` first crystal in eta and in phi.
    """
    canvas, layers, d = new_canvas(SPAN, SPAN), tracker_layers(), record(detector)
    found = np.empty(MAX_HITS, np.uint16), np.empty(MAX_HITS, np.uint8), np.empty(MAX_HITS)
    kept, each = np.empty((WINDOW, WINDOW), np.int8), np.empty((0, 4), np.float32)
    hits: list[tuple[NDArray[Any], ...]] = [tuple(column[:0] for column in found)]
    flow, extra = np.zeros((len(jets), 4)), np.zeros(len(jets), np.int16)
    corner = np.zeros((len(jets), 2), np.int64)
    for k, (event, slot) in enumerate(zip(jets.collision, jets.slot, strict=True)):
        of_jet, of_pileup, of_read_out = (int(one) for one in seeds[k])
        start(canvas, jets.eta[k], jets.phi[k], REACH, d)
        set_seed(of_jet)
        collision(canvas, jets.particles, jets.member, event, int(slot), each, layers, d)
        set_seed(of_pileup)
        extra[k] = overlay(canvas, minimum_bias, d)
        set_seed(of_read_out)
        m = read_out(canvas, kept, *found, d)
        hits.append(tuple(column[:m].copy() for column in found))
        flow[k], corner[k] = canvas.flow, canvas.origin
    return hits, flow, extra, corner


def acceptance(pt: NDArray[np.floating], detector: Detector) -> NDArray[np.float64]:
    """Probability that a jet of a reconstructed ``pt`` (GeV) is taken.

    It stands for the choice of the leading jet alone, which a soft jet seldom is: here both
    leading jets of a collision are taken.
    """
    above = np.maximum(pt.astype(np.float64) - detector.jet_threshold, 0.0)
    return 1 - np.exp(-above / detector.jet_turn_on)


def simulate_chunk(
    chunk: Chunk,
    time_limit: float = math.inf,
    conditions: Conditions = NOMINAL,
    particles: bool = False,
) -> Events:
    """Simulate jets from a fresh generator.

    Args:
        chunk: how many, and from which seed.
        time_limit: seconds after which to give up.
        conditions: of the collisions, the detector and the images.
        particles: keep what is around every jet before the detector.

    Returns:
        The jets in random order, with the columns ``label``, ``pt``, ``m0`` (reconstructed,
        GeV), ``gen_pt``, ``gen_m0``, ``parton_pt`` (GeV), ``eta``, ``phi`` (rad, of the
        generator-level jet), ``n_pileup`` and ``event_id`` (shared by the jets of one collision),
        and those of :func:`~calovision.simulation.truth.jet_shapes`.

    Raises:
        InputError: it takes longer than the time limit.
    """
    deadline = time.monotonic() + time_limit
    streams = np.random.SeedSequence(chunk.seed).generate_state(2, np.uint32)
    detector = conditions.detector()
    settings = conditions.settings()
    generator = DijetGenerator(int(streams[0]), detector.jet_radius, settings)
    random = np.random.default_rng(int(streams[1]))
    images: list[Events] = []
    next_id = chunk.first
    for label, missing in zip((GLUON, QUARK), chunk.of_classes, strict=True):
        while missing > 0:
            if time.monotonic() > deadline:
                raise chunk.too_slow(time_limit)
            jets = generator.generate(label, min(int(missing / _YIELD[label]) + 1, _COLLISIONS))
            seen = detect(jets, int(random.integers(2**32)), detector, conditions.geometry)
            taken = random.random(len(seen)) < acceptance(seen.columns["pt"], detector)
            good = np.nonzero(taken)[0][:missing]
            part, around = seen[good], surroundings(jets, detector)[good]
            part.columns |= jet_shapes(around)
            part.particles = around if particles else None
            collisions, number = np.unique(part.columns["event_id"], return_inverse=True)
            part.columns["event_id"] = next_id + number.astype(np.int64)
            next_id += len(collisions)
            missing -= len(part)
            images.append(part)
    order = random.permutation(chunk.events)
    return concatenate(images)[order]


def warm_up(conditions: Conditions = NOMINAL) -> None:
    """Compile the loops, simulate the pile-up and prepare Pythia, or find them in the cache."""
    with quiet():
        integrals(conditions.settings())
    index, code, number = np.zeros(1, np.int64), np.zeros(1, np.int8), np.zeros(1)
    member = np.zeros(0, np.int8)
    one = Jets(no_particles(), member, index, code, code, *[number] * 5)
    detect(one, 0, conditions.detector())
