"""Two-sample test on the hits themselves, by a small permutation-invariant network.

A DeepSets network (arXiv:1703.06114; for jets arXiv:1810.05165): every hit passes through the
same layers, sums and means over the hits of an event are classified. It sees what observables
may hide, such as the pattern of neighbouring cells' energies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events import weighting
from calovision.metrics.bootstrap import Floats, same_length, weights_of_two
from calovision.metrics.two_sample import MIN_EVENTS, part_of, stacked, two_sample_auc
from calovision.metrics.value import Metric
from calovision.utils import streams

if TYPE_CHECKING:
    import torch

    from calovision.events.events import Events

WIDTH = 64  #: hidden units
BATCH = 64  #: events a step
EPOCHS = 8
LEARNING_RATE = 2e-3
TIME = 10.0  #: ns; times well below it enter linearly
MAX_EVENTS = 2000  #: events of each sample
MAX_HITS = 1024  #: most energetic hits kept of an event; dense outputs have 47,000


def classifier_auc_hits(
    real: Events,
    other: Events,
    *,
    paired: bool,
    seed: int,
    epochs: int = EPOCHS,
    max_events: int = MAX_EVENTS,
    device: torch.device | str = "cpu",
) -> Metric:
    """AUC of a network on hits telling ``real`` from ``other``.

    Trained on the first half of the (shuffled) events, tested on the second; with ``paired`` an
    original and its reconstruction are in the same half and drawn together for the error.
    Events count by their column ``weight``; a reconstruction has that of its original.

    Args:
        real: original events.
        other: reconstructed or generated events; class 1.
        paired: event i of both is the same event.
        seed: seed of the halves, the network and the bootstrap.
        epochs: passes over the training half.
        max_events: events used of each sample.
        device: of PyTorch, on which the network learns.

    Raises:
        InputError: samples too small, paired samples of different size, or negative weights.
    """
    if paired:
        same_length(real.offsets, other.offsets, what="paired samples")
    size = min(len(real), len(other), max_events)
    if size < MIN_EVENTS:
        raise InputError(f"{size} events are too few", f"give at least {MIN_EVENTS} of each")
    rng = streams.rng(streams.Stream.HALVES, seed)
    order = rng.permutation(size)
    order_other = order if paired else rng.permutation(size)
    half = size // 2
    samples = real[order], other[order_other]
    first, second = (_features(s) for s in samples)
    of = weighting.of(samples[0]), weighting.of(samples[0] if paired else samples[1])
    learned, tested = (
        weights_of_two(part, n, n)
        for part, n in (
            (part_of(of, slice(half), slice(half)), half),
            (part_of(of, slice(half, None), slice(half, None)), size - half),
        )
    )
    network = _train([s[:half] for s in (first, second)], seed, epochs, stacked(learned), device)
    scores = np.concatenate([_score(network, s[half:]) for s in (first, second)])
    sizes = size - half, size - half
    return two_sample_auc(scores, sizes, paired=paired, seed=seed, weights=tested)


def _features(events: Events) -> list[NDArray[np.float32]]:
    """Per event ``(hits, 3 + channels)``: eta, phi (window half-widths), log10 E/GeV, channel.

    Of times it is arcsinh(t / :data:`TIME`) instead, which has a sign.
    """
    geometry = events.geometry
    extent = geometry.rows / 2 * geometry.pitch[0]
    one_hot = np.eye(len(geometry.channels), dtype=np.float32)[events.channel]
    of_time = np.array([c.is_time for c in geometry.channels])[events.channel]
    measured = events.measured
    strength = np.where(of_time, np.arcsinh(measured / TIME), np.log10(np.maximum(measured, 1e-4)))
    position = (geometry.eta(events.cell) / extent, geometry.phi(events.cell) / extent)
    table = np.column_stack([*position, strength, one_hot]).astype(np.float32)
    found = []
    for start, stop in zip(events.offsets[:-1], events.offsets[1:], strict=True):
        hits = table[start:stop]
        if len(hits) > MAX_HITS:
            hits = hits[np.sort(np.argsort(-hits[:, 2], kind="stable")[:MAX_HITS])]
        found.append(hits)
    return found


def _network(inputs: int) -> torch.nn.ModuleDict:
    """Layers for hits and layers for the pooled event."""
    from torch import nn

    return nn.ModuleDict(
        {
            "hit": nn.Sequential(
                nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()
            ),
            "event": nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)),
        }
    )


def _logits(network: torch.nn.ModuleDict, events: list[NDArray[np.float32]]) -> torch.Tensor:
    """``(n,)`` log-odds of class 1; an event without hits pools to zero."""
    import torch

    device = next(network.parameters()).device
    lengths = torch.tensor([len(e) for e in events], device=device)
    hits = network["hit"](torch.from_numpy(np.concatenate(events)).to(device))
    owner = torch.repeat_interleave(torch.arange(len(events), device=device), lengths)
    total = hits.new_zeros(len(events), hits.shape[1]).index_add(0, owner, hits)
    mean = total / lengths.clamp(min=1)[:, None]
    # sums over hundreds of hits are brought to the size of the means
    pooled = torch.cat([mean, total / 256], dim=1)
    logits: torch.Tensor = network["event"](pooled)[:, 0]
    return logits


def _train(
    samples: list[list[NDArray[np.float32]]],
    seed: int,
    epochs: int,
    weights: Floats | None,
    device: torch.device | str,
) -> torch.nn.ModuleDict:
    """Train on the halves; torch's global random state is left as it was."""
    import torch

    events: list[Any] = [*samples[0], *samples[1]]
    labels = torch.from_numpy(np.repeat([0, 1], [len(s) for s in samples]).astype(np.float32))
    labels = labels.to(device)
    weight = None
    if weights is not None:
        weight = torch.from_numpy(weights.astype(np.float32)).to(device)
    rng = streams.rng(streams.Stream.JUDGE, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.JUDGE_WEIGHTS, seed))
        network = _network(events[0].shape[1]).to(device)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    steps = epochs * -(-len(events) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE * 2, total_steps=steps)
    for _ in range(epochs):
        order = rng.permutation(len(events))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            logits = _logits(network, [events[i] for i in batch])
            rows = torch.from_numpy(batch).to(device)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, labels[rows], None if weight is None else weight[rows]
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network.eval()


def _score(network: torch.nn.ModuleDict, events: list[NDArray[np.float32]]) -> Floats:
    """``(n,)`` log-odds of class 1."""
    import torch

    with torch.no_grad():
        parts = [
            _logits(network, events[i : i + BATCH]).cpu().numpy()
            for i in range(0, len(events), BATCH)
        ]
    return np.concatenate(parts).astype(np.float64)
