"""Jets on request: kinematics, particles, then the detector until the jet is accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events, concatenate, offsets_of
from calovision.events.particle_lists import ParticleLists
from calovision.models.generators.base import Request
from calovision.models.generators.particles.network import sample_particles
from calovision.models.generators.particles.tokens import (
    ETA,
    GEN_PT,
    MEMBERS,
    NUMBERS,
    OTHERS,
    Sequences,
    decayed,
    needed,
)
from calovision.networks.sequence_transformer import half_precision
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.generator import Jets, particles_of
from calovision.simulation.jets import acceptance, detect
from calovision.simulation.truth import wrapped
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.particles.task import ParticlesTask

_IN_VAIN = 3  #: groups of jets of which the detector accepts none, before that is said
_COLLISIONS = 1_000_000  #: more than there are in a group: by them groups number theirs
_SOFTEST = 0.05  #: GeV; what is softer does not reach the simulated detector
_ROUNDS = 4  #: of balancing, each of which leaves a tenth of the imbalance or less
_CHECKED = 400  #: training jets on which the detector is checked
_APART = 0.04  #: mean hits of a channel by which it may be off, beyond five standard errors
_SPARE = 1.05  #: jets begun for one that is wanted
_OF_JETS = ("label", "pt", "m0", "gen_pt", "gen_m0", "eta", "phi", "n_pileup")


def generated_jets(
    task: ParticlesTask, request: Request, seed: int, chunk: int, wanted: int
) -> Events:
    """The ``chunk``-th group of jets that meet a request, ended when the first ``wanted`` are made.

    The network has learned from jets that were accepted. Of these the detector is drawn again until
    the jet is accepted, and within the ranges asked for: so particles and response together have
    the distribution of accepted jets.

    Raises:
        InputError: no jet comes into the ranges, or is accepted.
    """
    rng = streams.rng(streams.Stream.SAMPLE, seed, chunk)
    random = streams.torch_rng(streams.Stream.SAMPLE, seed, chunk, device=task.device)
    parts: list[Events] = []
    missing, first, draws, in_vain = task.chunk, chunk * _COLLISIONS, request.oversample, 0
    while missing > task.chunk - wanted:
        begun = int(missing / draws * _SPARE) + 1
        label, numbers, side = task.asked(
            request, begun, NUMBERS, slice(MEMBERS, MEMBERS + 1), random
        )
        numbers[:, ETA] *= side
        made = _accepted(task, request, label, numbers, random, rng)[:missing]
        if draws > 1:
            made.columns["event_id"] += first
            first += begun
        missing -= len(made)
        parts.append(made)
        in_vain = 0 if len(made) else in_vain + 1
        if in_vain == _IN_VAIN:
            raise InputError("the detector accepts none of these jets", "ask for a wider range")
    return concatenate(parts)


def _accepted(
    task: ParticlesTask,
    request: Request,
    label: Tensor,
    numbers: Tensor,
    random: torch.Generator,
    rng: np.random.Generator,
) -> Events:
    """Jets of given kinematics as the detector sees those that are accepted, in random order."""
    order = torch.argsort(-numbers[:, MEMBERS:].sum(1), stable=True)
    label, numbers = label[order], numbers[order]
    with half_precision(task.device, task.config.bfloat16):
        particles = sample_particles(task.law, label, numbers, random)
    counts = (numbers[:, MEMBERS] + numbers[:, OTHERS]).long()
    mask = torch.arange(particles.kind.shape[1], device=counts.device) < counts[:, None]
    columns = [np.asarray(v[mask].cpu().numpy()) for v in particles]
    table = np.asarray(numbers.cpu().numpy(), np.float64)
    members = table[:, MEMBERS].astype(np.int64)
    found = Sequences(offsets_of(counts.cpu().numpy()), members, *columns)
    found = balanced(found, table[:, GEN_PT], table[:, ETA])
    axis = np.stack([table[:, ETA], rng.uniform(-np.pi, np.pi, len(table))], 1)
    pdg = np.asarray(task.on_host("pdg").numpy())
    classes = np.asarray(label.cpu().numpy(), np.int8)
    jets = jets_of(decayed(found, pdg, axis, rng), classes, axis)
    parts, left = [], np.repeat(np.arange(len(jets)), request.oversample)
    for _ in range(task.config.tries):
        seen = detect(some_of(jets, left), int(rng.integers(2**32)), task.detector, task.geometry)
        good = rng.random(len(seen)) < acceptance(seen.columns["pt"], task.detector)
        for name, (low, high) in request.ranges.items():
            good &= (seen.columns[name] >= low) & (seen.columns[name] <= high)
        parts.append(_told(seen[np.flatnonzero(good)], request.oversample > 1))
        left = left[~good]
        if not len(left):
            break
    made = concatenate(parts)
    if request.oversample == 1:
        return made[rng.permutation(len(made))]
    # events of one collision stay together
    place = rng.permutation(len(jets))[made.columns["event_id"]]
    return made[np.argsort(place, kind="stable")]


def _told(events: Events, shared: bool) -> Events:
    """The columns that a generator can tell; with the collision where several share one."""
    names = (*_OF_JETS, "event_id") if shared else _OF_JETS
    events.columns = {name: events.columns[name] for name in names}
    return events


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


def jets_of(lists: ParticleLists, label: NDArray[np.int8], axis: NDArray[np.float64]) -> Jets:
    """Jets for the detector, each a collision of its own.

    Args:
        lists: their particles.
        label: ``(n,)`` class.
        axis: ``(n, 2)`` eta and phi, rad.
    """
    momentum = lists.momenta()
    n, owner = len(lists), lists.owner
    total = np.stack([np.bincount(owner, p * lists.member, n) for p in momentum])
    mass2 = total[3] ** 2 - (total[:3] ** 2).sum(0)
    keep = lists.pt > _SOFTEST
    hard = lists.where(keep)
    gen_pt = np.hypot(total[0], total[1])
    return Jets(
        particles_of(hard.offsets, hard.pdg, momentum[:, keep]),
        np.where(hard.member, 0, -1).astype(np.int8),
        np.arange(n),
        np.zeros(n, np.int8),
        label.astype(np.int8),
        gen_pt,
        axis[:, 0],
        axis[:, 1],
        np.sqrt(np.maximum(mass2, 0.0)),
        gen_pt,
    )


def some_of(jets: Jets, chosen: NDArray[np.int64]) -> Jets:
    """Some of the jets, with all collisions' particles."""
    names = ("collision", "slot", "label", "pt", "eta", "phi", "mass", "parton_pt")
    return replace(jets, **{name: getattr(jets, name)[chosen] for name in names})


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
