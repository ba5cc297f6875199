"""Generation of events, in memory or into a set on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from calovision.api.trained import Trained
from calovision.events.events import Events
from calovision.events.store import EventStore

Label = str | int
Range = tuple[float, float]


def generate(
    trained: Trained,
    events: int,
    label: Label | None,
    ranges: Mapping[str, Range],
    out: str | Path | None,
    *,
    oversample: int = 1,
    strict: bool = False,
    seed: int = 1,
    steps: int | None = None,
    quiet: bool = True,
) -> Events | EventStore:
    """See :meth:`calovision.api.model.Model.generate`."""
    from calovision.models.generate import generate as generated_into
    from calovision.models.generate import tell_of_oversampling, warn_of_request
    from calovision.models.generators.base import Request, generated

    task = trained.of_kind("generator")
    number = task.geometry.class_number(label) if isinstance(label, str) else label
    request = Request(number, ranges, oversample)
    warn_of_request(task, request, strict)
    if out is None:
        made: Events = generated(task, events, request, seed=seed, steps=steps)
        tell_of_oversampling(made, events, request)
        return made
    return generated_into(
        Path(out), trained.run, task, events, request, seed=seed, steps=steps, quiet=quiet
    )
