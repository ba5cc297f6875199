"""Jets on request: kinematics, particles, then the detector until the jet is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events, concatenate, offsets_of
from calovision.models.generators.base import Request
from calovision.models.generators.particles.collisions import balanced
from calovision.models.generators.particles.jet_law import (
    ETA,
    GEN_PT,
    MEMBERS,
    NUMBERS,
    OTHERS,
    physical,
)
from calovision.models.generators.particles.network import sample_particles
from calovision.models.generators.particles.tokens import COLUMNS, Sequences, decayed
from calovision.networks.sequence_transformer import half_precision
from calovision.simulation.again import jets_of, some_of
from calovision.simulation.jets import acceptance, detect
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.particles.task import ParticlesTask

_DRAWN = 2000  #: kinematics drawn at a time
_TIMES = 200  #: that often, before a range is said to be out of reach
_IN_VAIN = 3  #: groups of jets of which the detector accepts none, before that is said
_COLLISIONS = 1_000_000  #: more than there are in a group: by them groups number theirs
_SPARE = 1.05  #: jets begun for one that is wanted
_OF_JETS = ("label", "pt", "m0", "gen_pt", "gen_m0", "eta", "phi", "n_pileup")


def generated_jets(task: ParticlesTask, request: Request, seed: int, chunk: int) -> Events:
    """The ``chunk``-th group of jets that meet a request.

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
    while missing > 0:
        begun = int(missing / draws * _SPARE) + 1
        label, numbers = _kinematics(task, request, begun, random)
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


@torch.no_grad()
def _kinematics(
    task: ParticlesTask, request: Request, n: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Classes ``(n,)`` and numbers ``(n, NUMBERS)`` of jets within the ranges of a request.

    Raises:
        InputError: there are next to none.
    """
    device, labels, rows, found = task.device, [], [], 0
    for _ in range(_TIMES):
        uniform = torch.rand(_DRAWN, NUMBERS, 2, generator=random, device=device)
        one = torch.rand(_DRAWN, 2, generator=random, device=device)
        label = (one[:, 0] < task.share).float()
        if request.label is not None:
            label = torch.full_like(label, float(request.label))
        numbers = physical(task.jets.sample(label, uniform))
        numbers[:, ETA] *= torch.where(one[:, 1] < 0.5, -1.0, 1.0)
        numbers[:, MEMBERS:] = numbers[:, MEMBERS:].floor().clamp(min=0)
        inside = numbers[:, MEMBERS] > 0
        for name, (low, high) in request.ranges.items():
            value = numbers[:, COLUMNS.index(name)]
            inside &= (value >= low) & (value <= high)
        labels.append(label[inside])
        rows.append(numbers[inside])
        found += len(labels[-1])
        if found >= n:
            return torch.cat(labels)[:n], torch.cat(rows)[:n]
    asked = ", ".join(f"{k} {low:g} to {high:g}" for k, (low, high) in request.ranges.items())
    raise InputError(f"next to no jet comes into {asked} GeV", "ask for a wider range")


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
