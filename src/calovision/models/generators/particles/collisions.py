"""From particles to the jets of a simulated set: conservation, the detector, acceptance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.generators.particles.tokens import Sequences, needed
from calovision.simulation.again import jets_of
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.jets import detect
from calovision.simulation.truth import wrapped
from calovision.utils import streams

_ROUNDS = 4  #: of balancing, each of which leaves a tenth of the imbalance or less
_CHECKED = 400  #: training jets on which the detector is checked
_APART = 0.04  #: mean hits of a channel by which it may be off, beyond five standard errors


def detector_of(constants: dict[str, float]) -> Detector:
    """The detector with some other constants.

    Raises:
        InputError: there is no such constant.
    """
    if unknown := [name for name in constants if name not in Detector._fields]:
        raise InputError(
            f"the detector has no constant {unknown[0]!r}",
            "the constants are those of a file that calovision data calibrate writes",
        )
    known = CMS_BARREL._asdict()
    return CMS_BARREL._replace(**{k: type(known[k])(v) for k, v in constants.items()})


def balanced(found: Sequences, gen_pt: NDArray[np.float64], eta: NDArray[np.float64]) -> Sequences:
    """The same particles, turned and scaled so that the jet's own add up to the jet exactly.

    Args:
        found: the particles.
        gen_pt: ``(n,)`` transverse momentum of the jets, GeV.
        eta: ``(n,)`` their pseudorapidity.
    """
    owner = np.repeat(np.arange(len(found)), found.counts)
    own = np.arange(len(owner)) - found.offsets[owner] < found.members[owner]
    owner = owner[own]
    pt = np.exp(found.log_pt[own].astype(np.float64))
    at, turn = (x[own].astype(np.float64) for x in (found.eta, found.phi))
    n = len(found)
    for _ in range(_ROUNDS):
        parts = pt * np.cos(turn), pt * np.sin(turn), pt * np.sinh(eta[owner] + at)
        px, py, pz = (np.bincount(owner, x, n) for x in parts)
        total = np.maximum(np.hypot(px, py), 1e-9)
        at = at - (np.arcsinh(pz / total) - eta)[owner]
        turn = turn - np.arctan2(py, px)[owner]
        pt = pt * (gen_pt / total)[owner]
    log_pt, new_eta, new_phi = (x.copy() for x in (found.log_pt, found.eta, found.phi))
    log_pt[own], new_eta[own], new_phi[own] = np.log(pt), at, wrapped(turn)
    return replace(found, log_pt=log_pt, eta=new_eta, phi=new_phi)


def check_detector(train: Events, detector: Detector) -> None:
    """Show the detector the particles of some training jets, and compare with their images.

    Raises:
        InputError: the images are of another detector.
    """
    some = train[np.arange(min(len(train), _CHECKED))]
    axis = np.stack([some.columns["eta"], some.columns["phi"]], 1).astype(np.float64)
    seed = int(streams.numbers(streams.Stream.DETECTOR, 1).generate_state(1)[0])
    jets = jets_of(needed(some), some.columns["label"], axis)
    seen = detect(jets, seed, detector, some.geometry)
    before, after = some.counts().astype(np.float64), seen.counts().astype(np.float64)
    apart = (after - before).mean(0)
    error = (after - before).std(0) / np.sqrt(max(len(some), 1))
    off = np.abs(apart) > _APART * before.mean(0) + 5 * error
    if off.any():
        channel = int(np.argmax(off))
        raise InputError(
            f"the images are of another detector: {before.mean(0)[channel]:.1f} hits of "
            f"{some.geometry.channel_names[channel]} a jet, and {after.mean(0)[channel]:.1f} by "
            "the detector of these settings",
            "set what differs, such as detector.pileup=40",
        )
