"""Fits after the training of our generator: rejection, bias offsets, and a straightened flow.

Totals cost next to nothing, so most of them may be thrown away until they are distributed as true
ones; the events made of what is left then differ from true ones by what the cascade gets wrong
alone, and fewer of those, which are dear, have to go. In between, what adjusting leaves undone on
average is added to what it is asked for.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.events.events import Events, concatenate
from calovision.models.generators.base import Request
from calovision.models.generators.splitting.global_features import AXIS, BY_ENERGY, shapes
from calovision.models.generators.splitting.model import SplittingModel
from calovision.models.generators.splitting.reflow import reflow
from calovision.models.generators.splitting.rejection_features import features
from calovision.models.generators.splitting.sampling import (
    random_numbers,
    sample_global_features,
    sample_hits,
    shapes_of,
)
from calovision.parallel.threads import side_by_side
from calovision.utils import streams

STEPS_PER_S = 5  #: most steps that reflow the flow, for every second of the budget
FEWEST_STEPS = 100


def fit_rejection(task: SplittingModel, train: Events, *, quiet: bool) -> None:
    """Straighten the flow of a task whose networks are trained, if asked to; learn all else.

    Args:
        task: the cascade.
        train: training events.
        quiet: no progress bar.
    """
    if task.config.straight:
        most = max(FEWEST_STEPS, int(STEPS_PER_S * task.config.budget_s))
        reflow(task, min(task.config.straight, most), quiet=quiet)
    _among_totals(task, train)
    rng = streams.rng(streams.Stream.ASKED, task.config.seed)
    fit_bias_offsets(
        task,
        *sample_global_features(
            task, Request(), min(task.config.offsets.events, len(train)), rng, None
        ),
        rng,
    )
    if task.selection is None:
        return
    seed, number = task.config.seed, min(task.config.select, len(train))
    chunks = range(-(-number // task.chunk))

    def one(chunk: int) -> Events:
        return task.proposed(
            Request(), task.chunk, streams.rng(streams.Stream.PROPOSED, seed, chunk)
        )

    with tqdm(total=len(chunks), desc="learn to select", unit="chunk", disable=quiet) as bar:
        made = []
        for events in side_by_side(one, chunks):
            made.append(events)
            bar.update()
    task.selection.fit(features(train), features(concatenate(made)), seed)


def _among_totals(task: SplittingModel, train: Events) -> None:
    """Fit the selection of totals; those from which it learns are not selected."""
    config, selection = task.config.feature_rejection, task.totals_selection
    task.totals_selection = None
    assert selection is not None
    dataset, rng = (
        task.dataset(train[: config.events]),
        streams.rng(streams.Stream.PROPOSED_TOTALS, task.config.seed),
    )
    true = np.column_stack([dataset.label, dataset.normal]).astype(np.float64)
    made = []
    for _ in range(config.drawn):
        normal, label = sample_global_features(task, Request(), len(dataset), rng, None)
        made.append(np.column_stack([label, normal]))
    selection.fit(true, np.concatenate(made), task.config.seed, number=1)
    task.totals_selection = selection


def fit_bias_offsets(
    task: SplittingModel,
    normal: NDArray[np.float64],
    label: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Find the leads with which shapes of events with such totals are, on average, as these say.

    Args:
        task: the cascade.
        normal: ``(n, k)`` totals as normal numbers.
        label: ``(n,)``.
        rng: of the events that are made.
    """
    wanted = shapes_of(task, task.quantiles.values(normal)).shapes
    for _ in range(task.config.offsets.times):
        made = task.layout.sorted(sample_hits(task, normal, label, random_numbers(rng)))
        found = shapes(made)[..., :BY_ENERGY]
        found[..., AXIS] *= found[..., :1]
        lit = (made.counts() > 1)[..., None]  # of a single hit, the shape is what it is
        lacking = ((wanted - found) * lit).sum(0) / np.maximum(lit.sum(0), 1)
        task.leads += torch.from_numpy(lacking)
