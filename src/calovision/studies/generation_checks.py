"""The response of a generator to conditions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.models.generators.base import GeneratorTask, Request, generated
from calovision.models.load import load_generator
from calovision.studies.runner import StudyFolder
from calovision.training.run import RunDir
from calovision.utils.files import write_json

#: column (GeV) and quantiles of the test jets between which it is asked for
QUANTILES = {"pt": (0.1, 0.35, 0.65, 0.9), "m0": (0.1, 0.35, 0.65, 0.9), "gen_pt": (0.1, 0.5, 0.9)}
JETS_PER_CONDITION = 1000


def check(study: StudyFolder, model: str) -> None:
    """Write response.json of a trained generator to the study."""
    task = load_generator(RunDir(study.path / "runs" / model))
    rows = response(task, study.test.load(), study.seed)
    write_json(study.path / "response.json", {"rows": rows})


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


def response(task: GeneratorTask, events: Events, seed: int) -> list[dict[str, Any]]:
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
