"""Judges and protocol of the Fast Calorimeter Simulation Challenge (arXiv:2410.21611).

60 % of the events train a network, 20 % choose the epoch with the best accuracy, and 20 % give the
result; Adam with a learning rate of 2e-4, 50 epochs. Showers in a cylinder are judged as there;
how other images take their place, :mod:`~calovision.evaluation.challenge_inputs` tells. The
challenge's batches of 1,000 events make 120 steps an epoch of its 100,000 showers of each kind;
batches are smaller here where there are fewer events, for as many steps.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.evaluation.challenge_inputs import INPUTS, Inputs, inputs_of
from calovision.evaluation.samples import Samples
from calovision.events.cylinders import alike
from calovision.events.geometry import Geometry
from calovision.metrics.bootstrap import Floats, weights_of_two
from calovision.metrics.verdict import Part, Verdict
from calovision.training.devices import chosen_device
from calovision.utils import streams

Rows = NDArray[np.int64]

EPOCHS = 50
STEPS = 120  #: of an epoch, but for limits of the batch
LEARNING_RATE = 2e-4
PARTS = (0.6, 0.2, 0.2)  #: that train, choose the epoch, and give the result
MIN_EVENTS = 50  #: of each sample


def judged(
    samples: Samples,
    other: int,
    seed: int,
    device: str,
    *,
    inputs: str,
    epochs: int = EPOCHS,
    curve: bool = True,
) -> Verdict:
    """What a judge of the challenge says of two samples.

    Args:
        samples: of at least 50 events each.
        other: number of the sample that is told from the first.
        seed: of split, network, batches and bootstrap.
        device: of PyTorch, or ``"auto"``.
        inputs: a key of :data:`INPUTS`.
        epochs: passes over the training events.
        curve: whether it learns from parts of the events, too; here it never does.

    Raises:
        InputError: too few events, or negative weights.
    """
    del curve
    a, b = samples.events[0], samples.events[other]
    of = weights_of_two(samples.weights[other - 1], len(a), len(b))
    parts = [split(len(e), seed, 0 if samples.paired else k) for k, e in enumerate((a, b))]
    seen = inputs_of(inputs, (a, b))
    label = np.repeat([0, 1], [len(a), len(b)])
    weight = np.concatenate(
        [np.ones(len(e)) if w is None else w for e, w in zip((a, b), of, strict=True)]
    )
    train, choose, test = (np.concatenate([x, len(a) + y]) for x, y in zip(*parts, strict=True))
    place = chosen_device(device)
    network = learned(seen, label, weight, (train, choose), seed, place, epochs=epochs)
    scores = scored(network, seen, test, place)[:, 0]
    rows = parts[0][2], parts[1][2]
    size = len(rows[0])
    weights = tuple(None if w is None else w[r] for w, r in zip(of, rows, strict=True))
    part = Part(scores[:size], scores[size:], (weights[0], weights[1]), rows)
    verdict = Verdict((part,), samples.paired, seed)
    return replace(verdict, curve=((len(train), verdict.auc),))


#: by the names of the judges
JUDGED = {name: partial(judged, inputs=name) for name in INPUTS}


def judges_of(geometry: Geometry) -> tuple[str, ...]:
    """Names of the judges that the challenge has for showers of a geometry."""
    return tuple(k for k in JUDGED if k != "challenge-cnn" or alike(geometry.channels))


def split(n: int, seed: int, sample: int) -> tuple[Rows, Rows, Rows]:
    """Numbers of the events of a sample that train, choose the epoch, and give the result.

    Raises:
        InputError: fewer than 50 events.
    """
    if n < MIN_EVENTS:
        raise InputError(f"{n} events are too few", f"give at least {MIN_EVENTS} of each")
    order = streams.rng(streams.Stream.CHALLENGE, seed, sample).permutation(n)
    first, second = round(PARTS[0] * n), round((PARTS[0] + PARTS[1]) * n)
    return order[:first], order[first:second], order[second:]


def learned(
    inputs: Inputs,
    label: NDArray[np.int64],
    weight: Floats,
    parts: tuple[Rows, Rows],
    seed: int,
    device: torch.device,
    *,
    classes: int = 2,
    epochs: int = EPOCHS,
) -> nn.Module:
    """The network of the epoch with the best accuracy, or likelihood of several classes.

    Args:
        inputs: of all events.
        label: ``(n,)`` their classes.
        weight: ``(n,)`` how much they count.
        parts: numbers of those that train, and of those that choose the epoch.
        seed: of network and batches; the global random state is left as it was.
        device: on which it learns.
        classes: how many there are.
        epochs: passes over the training events.
    """
    train, choose = parts
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.CHALLENGE_WEIGHTS, seed))
        network = inputs.network(1 if classes == 2 else classes).to(device)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True)
    low, high = inputs.sizes
    size = min(max(len(train) // STEPS, low), high)
    best, kept = -np.inf, network.state_dict()
    for epoch in range(epochs):
        order = streams.rng(streams.Stream.CHALLENGE_ORDER, seed, epoch).permutation(train)
        network.train()
        for rows in _batches(order, size):
            out = network(*(part.to(device) for part in inputs.batch(rows)))
            target = torch.from_numpy(label[rows]).to(device)
            loss = _losses(out, target) @ torch.from_numpy(weight[rows]).to(out)
            optimiser.zero_grad()
            (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        quality = _quality(scored(network, inputs, choose, device), label[choose], weight[choose])
        if quality > best:
            best, kept = quality, copy.deepcopy(network.state_dict())
        if quality == 1:
            break
    network.load_state_dict(kept)
    return network


def scored(network: nn.Module, inputs: Inputs, rows: Rows, device: torch.device) -> Floats:
    """``(n, outputs)`` what a network says of some events."""
    network.eval()
    with torch.no_grad():
        found = [
            network(*(part.to(device) for part in inputs.batch(chunk))).double().cpu().numpy()
            for chunk in _batches(rows, inputs.sizes[1])
        ]
    return np.concatenate(found)


def _batches(rows: Rows, size: int) -> Sequence[Rows]:
    """Some events in batches, none of one event, of which there is no variance."""
    return np.array_split(rows, max(round(len(rows) / size), 1))


def _losses(out: Tensor, target: Tensor) -> Tensor:
    """``(n,)`` minus log-likelihoods."""
    if out.shape[1] > 1:
        return nn.functional.cross_entropy(out, target, reduction="none")
    return nn.functional.binary_cross_entropy_with_logits(
        out[:, 0], target.float(), reduction="none"
    )


def _quality(out: Floats, label: NDArray[np.int64], weight: Floats) -> float:
    """Share of events on the right side; of several classes the mean log-likelihood."""
    if out.shape[1] == 1:
        return float(np.average((out[:, 0] > 0) == label, weights=weight))
    return float(np.average(log_posterior(out)[np.arange(len(label)), label], weights=weight))


def log_posterior(out: Floats) -> Floats:
    """``(n, classes)`` logarithms of the classes' probabilities, from a network's outputs."""
    if out.shape[1] == 1:
        out = np.concatenate([np.zeros_like(out), out], axis=1)
    highest = out.max(axis=1, keepdims=True)
    found: Floats = out - highest - np.log(np.exp(out - highest).sum(axis=1, keepdims=True))
    return found
