"""Two-sample test on the hits themselves, by a small permutation-invariant network.

A DeepSets network (arXiv:1703.06114; for jets arXiv:1810.05165): every hit passes through the
same layers, sums and means over the hits of an event are classified. It sees what observables
may hide, such as the pattern of neighbouring cells' energies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision import streams
from calovision.errors import InputError
from calovision.metrics.two_sample import MIN_EVENTS, two_sample_auc
from calovision.metrics.value import Floats, Metric, same_length

if TYPE_CHECKING:
    import torch

    from calovision.events.events import Events

WIDTH = 64  #: hidden units
BATCH = 64  #: events a step
EPOCHS = 8
LEARNING_RATE = 2e-3
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
) -> Metric:
    """AUC of a network on hits telling ``real`` from ``other``.

    Trained on the first half of the (shuffled) events, tested on the second; with ``paired`` an
    original and its reconstruction are in the same half and drawn together for the error.

    Args:
        real: original events.
        other: reconstructed or generated events; class 1.
        paired: event i of both is the same event.
        seed: seed of the halves, the network and the bootstrap.
        epochs: passes over the training half.
        max_events: events used of each sample.

    Raises:
        InputError: samples too small, or paired samples of different size.
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
    first, second = _features(real[order]), _features(other[order_other])
    network = _train([s[:half] for s in (first, second)], seed, epochs)
    scores = np.concatenate([_score(network, s[half:]) for s in (first, second)])
    return two_sample_auc(scores, (size - half, size - half), paired=paired, seed=seed)


def _features(events: Events) -> list[NDArray[np.float32]]:
    """Per event ``(hits, 3 + channels)``: eta, phi (window half-widths), log10 E/GeV, channel."""
    geometry = events.geometry
    extent = geometry.rows / 2 * 0.0174
    one_hot = np.eye(len(geometry.channels), dtype=np.float32)[events.channel]
    log_energy = np.log10(np.maximum(events.energy, 1e-4))
    position = (geometry.eta(events.cell) / extent, geometry.phi(events.cell) / extent)
    table = np.column_stack([*position, log_energy, one_hot]).astype(np.float32)
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

    lengths = torch.tensor([len(e) for e in events])
    hits = network["hit"](torch.from_numpy(np.concatenate(events)))
    owner = torch.repeat_interleave(torch.arange(len(events)), lengths)
    total = torch.zeros(len(events), hits.shape[1]).index_add(0, owner, hits)
    mean = total / lengths.clamp(min=1)[:, None]
    # sums over hundreds of hits are brought to the size of the means
    pooled = torch.cat([mean, total / 256], dim=1)
    logits: torch.Tensor = network["event"](pooled)[:, 0]
    return logits


def _train(samples: list[list[NDArray[np.float32]]], seed: int, epochs: int) -> torch.nn.ModuleDict:
    """Train on the halves; torch's global random state is left as it was."""
    import torch

    events: list[Any] = [*samples[0], *samples[1]]
    labels = torch.repeat_interleave(
        torch.tensor([0.0, 1.0]), torch.tensor([len(s) for s in samples])
    )
    rng = streams.rng(streams.Stream.JUDGE, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.JUDGE_WEIGHTS, seed))
        network = _network(events[0].shape[1])
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    steps = epochs * -(-len(events) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE * 2, total_steps=steps)
    for _ in range(epochs):
        order = rng.permutation(len(events))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            logits = _logits(network, [events[i] for i in batch])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, labels[torch.from_numpy(batch)]
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
            _logits(network, events[i : i + BATCH]).numpy() for i in range(0, len(events), BATCH)
        ]
    return np.concatenate(parts).astype(np.float64)
