"""Generation of an event set on disk."""

from __future__ import annotations

import warnings
from pathlib import Path

from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.store import EventStore, StoreWriter
from calovision.events.training_fingerprints import copy_index
from calovision.models.generators.base import (
    GeneratorTask,
    Request,
    check_request,
    pieces,
    possible,
)
from calovision.models.generators.oversampling import effective_events
from calovision.training.run import RunDir

SHARD = 8  #: chunks in a shard


def warn_of_request(task: GeneratorTask, request: Request, strict: bool) -> None:
    """Warn of what in a request lies outside the training events, or refuse it if ``strict``.

    Raises:
        InputError: nothing can be generated, or not all of it and ``strict``.
    """
    for warning in check_request(task, request):
        if strict:
            raise InputError(warning, "narrow the range, or leave out --strict")
        warnings.warn(warning, stacklevel=3)


def generate(
    out: Path,
    directory: RunDir,
    task: GeneratorTask,
    n: int,
    request: Request,
    *,
    seed: int = 1,
    steps: int | None = None,
    quiet: bool = False,
) -> EventStore:
    """Write events of a run's trained task to ``out``; an interrupted call goes on.

    The fingerprints of the run's training events go into ``out``, so that ``compare`` can leave
    them out of the true events.

    Args:
        out: event set to write.
        directory: the run.
        task: its generator.
        n: number of events.
        request: what they must be like.
        seed: of all random numbers.
        steps: steps of the solver; the model's own choice by default.
        quiet: no progress bar.

    Raises:
        InputError: no events, or a request that cannot be met.
    """
    possible(n, steps)
    provenance = {
        "made_by": "generate",
        "run": str(directory.path),
        "model": directory.describe()["config"]["model"],
        "events": n,
        "label": request.label,
        "ranges": {k: list(v) for k, v in request.ranges.items()},
        "seed": seed,
        "steps": steps,
        "oversample": request.oversample,
    }
    writer = StoreWriter(out, task.geometry, provenance=provenance)
    copy_index([directory.path], writer.path)
    chunks = -(-n // task.chunk)
    with tqdm(total=n, desc="generate", unit="event", disable=quiet) as bar:
        for shard, first in enumerate(range(0, chunks, SHARD)):
            here = range(first, min(first + SHARD, chunks))
            events = min(here.stop * task.chunk, n) - first * task.chunk
            if shard in writer.done():
                bar.update(events)
                continue
            made = []
            for piece in pieces(task, here, n, request, seed=seed, steps=steps):
                made.append(piece)
                bar.update(len(piece))
            writer.write(shard, concatenate(made))
    store = writer.finish()
    tell_of_oversampling(store[: SHARD * task.chunk], n, request)
    return store


def tell_of_oversampling(events: Events, n: int, request: Request) -> None:
    """Warn of how many independent events ``n`` are worth that share collisions.

    Args:
        events: some of them.
        n: all.
        request: what was asked for.
    """
    if request.oversample > 1:
        worth, observable = effective_events(events, request.oversample)
        warnings.warn(
            f"{n} events of {-(-n // request.oversample)} collisions are worth "
            f"{worth / len(events) * n:.0f} independent ones by their {observable}",
            stacklevel=3,
        )
