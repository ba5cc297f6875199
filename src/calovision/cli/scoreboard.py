"""``calovision scoreboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import (
    Device,
    JsonFile,
    SkipCorrupt,
    UpTo,
    emit,
    kept,
    warnings_to_stderr,
)


def scoreboard(
    models: Annotated[
        list[str],
        typer.Argument(help="Runs of taggers; or jet-tagger, egamma: those of the package."),
    ],
    data: Annotated[
        list[Path],
        typer.Option(help="Labelled event set, such as under other conditions; repeatable."),
    ],
    out: JsonFile = None,
    events: UpTo = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Measure several taggers on several sets, on the same events of each.

    Differences are those to the first model. The temperature tells whether the probabilities still
    hold under the conditions of a set: 1 if they do.

    Example: calovision scoreboard jet-tagger runs/fine --data jets --data more-pileup
    """
    from calovision.api.scoreboard import scoreboard as measure

    with warnings_to_stderr():
        found = measure(
            models, data, events=events, seed=seed, device=device, skip_corrupt=skip_corrupt
        )
    lines = [str(found.table())]
    if found.content["differences"]:
        lines += ["", str(found.differences())]
    emit(found.content, "\n".join([*lines, *kept(found.content, out)]), json)
