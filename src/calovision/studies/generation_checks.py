"""Checks of a generator: response to conditions, steps of its flow, pictures of its levels."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.metrics.two_sample import classifier_auc
from calovision.models.generators.base import Request, generated
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.global_features import (
    BY_ENERGY,
    SHAPES,
    hits_and_excess,
    totals,
)
from calovision.models.generators.splitting.hits import Hits
from calovision.models.generators.splitting.pyramid import filled
from calovision.models.generators.splitting.sampling import sample_global_features
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import load_generator
from calovision.reports.sources import save_arrays
from calovision.studies.runner import StudyFolder
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.files import write_json

#: column (GeV) and quantiles of the test jets between which it is asked for
QUANTILES = {"pt": (0.1, 0.35, 0.65, 0.9), "m0": (0.1, 0.35, 0.65, 0.9), "gen_pt": (0.1, 0.5, 0.9)}
JETS_PER_CONDITION = 1000
SOLVER_STEPS = (1, 2, 3, 4, 8, 16)  #: of the flow's solver, whose results are compared
DISTILLED_STEPS = (1, 2, 3, 4)  #: the same of a distilled flow
DRAWN_LEVELS = (0, 2, 4, 6, 8, 10, 12, 14, 18)  #: of the splitting
DRAWN_JETS = 4


def check(study: StudyFolder, model: str, distilled: str) -> None:
    """Write response.json, steps.json and strips.npz of a trained generator to the study.

    In steps.json there is the one with a distilled flow, too.
    """
    seed, events = study.seed, study.test.load()
    task = _loaded(study, model)
    write_json(study.path / "response.json", {"rows": response(task, events, seed)})
    rows = [
        {"model": name, **row}
        for name, numbers in ((model, SOLVER_STEPS), (distilled, DISTILLED_STEPS))
        for row in steps(_loaded(study, name), events, seed, numbers)
    ]
    write_json(study.path / "steps.json", {"rows": rows})
    made = generated(task, DRAWN_JETS, Request(), seed=seed)
    strips = {
        f"{name}/{level}": strip(task, sample, level)
        for name, sample in {"simulated": events[:DRAWN_JETS], "generated": made}.items()
        for level in DRAWN_LEVELS
    }
    save_arrays(study.path / "strips.npz", strips)


def _loaded(study: StudyFolder, model: str) -> CascadeTask:
    task = load_generator(RunDir(study.path / "runs" / model))
    assert isinstance(task, CascadeTask)
    return task


def conditions(events: Events) -> list[tuple[str, Request]]:
    """Names and requests: every class, and ranges of every column that the events have."""
    asked = [(name, Request(label)) for label, name in enumerate(JET_IMAGES.classes)]
    for column, levels in QUANTILES.items():
        if column not in events.columns:
            continue
        edges = np.quantile(events.columns[column], levels).round(1)
        for low, high in pairwise(edges):
            span = (float(low), float(high))
            name = f"{column} {span[0]:.0f} to {span[1]:.0f} GeV"
            asked.append((name, Request(ranges={column: span})))
    return asked


def response(task: CascadeTask, events: Events, seed: int) -> list[dict[str, Any]]:
    """Mean hits and energy per channel under each condition, generated beside simulated.

    Returns:
        rows of condition, observable, unit, and the two means with their errors.
    """
    rows = []
    for name, request in conditions(events):
        mine = np.ones(len(events), np.bool_)
        if request.label is not None:
            mine &= events.label == request.label
        for column, (low, high) in request.ranges.items():
            mine &= (events.columns[column] >= low) & (events.columns[column] <= high)
        made = generated(task, JETS_PER_CONDITION, request, seed=seed)
        for c, channel in enumerate(events.geometry.channel_names):
            tables = (
                ("n_hit", "hits", events.counts()[mine, c], made.counts()[:, c]),
                ("sum_e", "GeV", events.sums()[mine, c], made.sums()[:, c]),
            )
            for kind, unit, true, own in tables:
                row: dict[str, Any] = {"condition": name, "observable": f"{kind}_{channel}"}
                row |= {"unit": unit, "simulated": _mean(true), "generated": _mean(own)}
                rows.append(row)
    return rows


def _mean(values: NDArray[Any]) -> dict[str, float]:
    """Mean and its error."""
    return {
        "value": float(values.mean()),
        "error": float(values.std(ddof=1) / np.sqrt(len(values))),
    }


def steps(
    task: CascadeTask, events: Events, seed: int, numbers: tuple[int, ...]
) -> list[dict[str, Any]]:
    """How well trees tell the flow's totals from true ones, by the steps of its solver.

    The splitting that follows has no steps to save: it is one pass through its levels.
    """
    rng = streams.rng(streams.Stream.STEPS_TRUE, seed)
    channels = len(events.geometry.channels)
    true = _plain(totals(events, task.threshold.numpy(), rng), channels)
    rows = []
    for number in numbers:
        draws = streams.rng(streams.Stream.STEPS, seed, number)
        normal, _ = sample_global_features(task, Request(), len(events), draws, number)
        own = _plain(task.quantiles.values(normal), channels)
        auc = classifier_auc(true, own, paired=False, seed=seed)
        rows.append({"steps": number, "auc": auc.to_dict()})
    return rows


def _plain(table: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    """Totals with whole numbers of hits, also near the axis, and summed energies."""
    hits, excess = hits_and_excess(table, channels)
    rest = table[:, : -2 * channels].copy()
    near = rest[:, rest.shape[1] - SHAPES * channels + BY_ENERGY :: SHAPES]
    near[:] = np.rint(near * hits) / np.maximum(hits, 1)
    return np.column_stack([rest, hits, excess])


def strip(task: CascadeTask, events: Events, level: int) -> NDArray[np.float32]:
    """``(n, C, rows, cols)`` energy (GeV) per pixel, spread evenly over the nodes of a level.

    Each split conserves what it shares out, so the levels of the finished image are those that the
    generator went through.
    """
    partition, none = task.partition, np.zeros(len(task.geometry.channels), np.float32)
    hits = Hits.of(events, none)
    made = np.zeros((len(events), len(none), task.geometry.rows, task.geometry.cols), np.float32)
    for c in range(len(none)):
        at = min(level, partition.finest[c])
        content = filled(partition, at, hits, task.unit.numpy())[0].content
        energy = content[:, PAD:-PAD, PAD:-PAD, 2 * c + 1]
        for axis, depth in enumerate(partition.depths(at)):
            widths = partition.axes[axis].widths(depth)
            shape = (-1, 1) if axis == 0 else (1, -1)
            energy = np.repeat(energy / widths.reshape(shape), widths, axis=1 + axis)
        made[:, c] = energy
    return made
