"""Networks as judges: they learn from a part of both samples until their validation loss stops."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.evaluation.samples import Samples
from calovision.events import weighting
from calovision.events.events import Events, concatenate
from calovision.metrics.bootstrap import Weights, weights_of_two
from calovision.metrics.two_sample import MIN_EVENTS
from calovision.metrics.verdict import Part, Verdict, part_of
from calovision.models.config import load_config
from calovision.models.taggers.base import TaggerDataset, TaggerTask
from calovision.models.taggers.cells import CellsTask
from calovision.models.taggers.transformer import TransformerTask
from calovision.training.devices import chosen_device, seeded, to_device
from calovision.utils import streams

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Learning:
    """How a network learns to judge.

    Attributes:
        parts: shares of the events to learn from, and to watch the loss; the rest is judged.
        batch: events of a step.
        learning_rate: of Adam at first.
        patience: looks at the validation loss without improvement before the rate falls.
        falls: of the rate, each to a quarter; after the last the training ends.
        fewest_steps: between two looks, of which there is at most one a pass.
        enough: validation loss, nats, at which there is nothing left to tell.
        most_passes: through the training events, if the loss should never stop.
        shares: the curve has one event in so many, falling to all.
    """

    parts: tuple[float, float] = (0.5, 0.1)
    batch: int = 64
    learning_rate: float = 2e-3
    patience: int = 3
    falls: int = 2
    fewest_steps: int = 25
    enough: float = 0.01
    most_passes: int = 100
    shares: tuple[int, ...] = (4, 2, 1)


LEARNING = Learning()


def _verdict(
    kind: type[TaggerTask],
    config: object,
    samples: Samples,
    other: int,
    seed: int,
    device: str,
    learning: Learning = LEARNING,
    *,
    curve: bool = True,
) -> Verdict:
    """What a network says of A and the sample of number ``other``."""
    pair = samples.events[0], samples.events[other]
    a, b = pair
    size = min(len(a), len(b))
    if size < MIN_EVENTS:
        raise InputError(f"{size} events are too few", f"give at least {MIN_EVENTS} of each")
    rng = streams.rng(streams.Stream.HALVES, seed)
    order = rng.permutation(size)
    orders = order, order if samples.paired else rng.permutation(size)
    cuts = np.cumsum([int(part * size) for part in learning.parts])
    learned, watched, judged = zip(*(np.split(o, cuts) for o in orders), strict=True)
    of = weights_of_two(samples.weights[other - 1], len(a), len(b))
    validation = _labelled(pair, watched, of)
    place = chosen_device(device)
    points, part = [], None
    for share in learning.shares if curve else learning.shares[-1:]:
        seen = _labelled(pair, (learned[0][::share], learned[1][::share]), of)
        task = _learned(kind, config, seen, validation, seed, place, learning)
        scores = [task.logits(task.dataset(e[k])) for e, k in zip(pair, judged, strict=True)]
        part = Part(scores[0], scores[1], part_of(of, *judged), judged)
        points.append((len(seen), Verdict((part,), samples.paired, seed).auc))
    assert part is not None
    return Verdict((part,), samples.paired, seed, tuple(points))


#: a convolutional network on cells
cells = partial(_verdict, CellsTask, None)
#: our tagger's network, on the hardest hits and on towers
hits = partial(_verdict, TransformerTask, load_config("jet-tagger"))


def _labelled(pair: tuple[Events, Events], rows: tuple[Rows, Rows], of: Weights) -> Events:
    """Some events of two samples, with which of them as their label, and weights."""
    found = []
    for label, (events, chosen) in enumerate(zip(pair, rows, strict=True)):
        columns: dict[str, NDArray[Any]] = {"label": np.full(len(chosen), label, np.int8)}
        if (own := of[label]) is not None:
            columns[weighting.COLUMN] = own[chosen].astype(np.float32)
        found.append(replace(events[chosen].load(), columns=columns))
    return concatenate(found)


def _learned(
    kind: type[TaggerTask],
    config: object,
    train: Events,
    validation: Events,
    seed: int,
    device: torch.device,
    learning: Learning,
) -> TaggerTask:
    """A network as it was when its validation loss was lowest."""
    with seeded(streams.Stream.JUDGE_WEIGHTS, seed, device=torch.device("cpu")):
        task = kind.from_events(config, train.geometry, train)
    task.use_event_weights(train)
    task.place(device)
    data, watched = task.dataset(train), task.dataset(validation)
    rng = streams.rng(streams.Stream.JUDGE, seed)
    noise = streams.torch_rng(streams.Stream.JUDGE, seed, 1, device=device)
    optimiser = torch.optim.Adam(task.parameters(), learning.learning_rate)
    best, lowest = deepcopy(task.state_dict()), np.inf
    waited, falls, step, looked = 0, 0, 0, 0
    with seeded(streams.Stream.JUDGE_WEIGHTS, seed, 1, device=device):
        for _ in range(learning.most_passes):
            task.train()
            order = rng.permutation(len(train))
            for first in range(0, len(order), learning.batch):
                chosen = order[first : first + learning.batch]
                loss = task.loss(to_device(task.batch(data, chosen), device), noise)["loss"]
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(task.parameters(), 1.0)
                optimiser.step()
                step += 1
            if step - looked < learning.fewest_steps:
                continue
            looked = step
            found = _loss(task, watched)
            if found < lowest:
                best, lowest, waited = deepcopy(task.state_dict()), found, 0
                if found < learning.enough:
                    break
                continue
            waited += 1
            if waited == learning.patience:
                task.load_state_dict(best)
                if falls == learning.falls:
                    break
                falls, waited = falls + 1, 0
                for group in optimiser.param_groups:
                    group["lr"] /= 4
    task.load_state_dict(best)
    return task.eval()


def _loss(task: TaggerTask, dataset: TaggerDataset) -> float:
    """Mean cross entropy of the data set, nats."""
    logits = task.logits(dataset)
    losses = np.logaddexp(0, np.where(dataset.label == 1, -logits, logits))
    return float(np.average(losses, weights=dataset.weight))
