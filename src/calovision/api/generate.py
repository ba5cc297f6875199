"""Generation of events, in memory or into a set on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calovision.api.trained import Trained
from calovision.events.events import Events
from calovision.events.store import EventStore

Label = str | int
Range = tuple[float, float]


@dataclass(frozen=True)
class Making:
    """How many events are made, and how; see :meth:`calovision.api.model.Model.generate`."""

    events: int
    seed: int
    steps: int | None
    strict: bool
    keep_all: bool
    quiet: bool


def generate(
    trained: Trained,
    how: Making,
    label: Label | None,
    ranges: Mapping[str, Range],
    out: Path | None,
) -> Events | EventStore:
    """See :meth:`calovision.api.model.Model.generate`."""
    from calovision.models.generate import generate as generated_into
    from calovision.models.generate import warn_of_doubts
    from calovision.models.generators.base import generated
    from calovision.models.generators.request import Request

    if how.keep_all:
        trained.forget()  # a task without its selection does not get it back
    task = trained.of_kind("generator")
    number = task.geometry.class_number(label) if isinstance(label, str) else label
    request = Request(number, ranges)
    warn_of_doubts(task, request, how.strict)
    try:
        if out is None:
            if how.keep_all:
                task.keep_all()
            made: Events = generated(task, how.events, request, seed=how.seed, steps=how.steps)
            return made
        return generated_into(
            out,
            trained.run,
            task,
            how.events,
            request,
            seed=how.seed,
            steps=how.steps,
            keep_all=how.keep_all,
            quiet=how.quiet,
        )
    finally:
        if how.keep_all:
            trained.forget()
