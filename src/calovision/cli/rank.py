"""``calovision rank``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.compare import table
from calovision.cli.output import (
    Device,
    JsonFile,
    SkipCorrupt,
    UpTo,
    emit,
    kept,
    warnings_to_stderr,
)


def rank(
    truth: Annotated[
        Path, typer.Argument(help="True events: an event set, or HDF5 or Parquet file.")
    ],
    made: Annotated[list[Path], typer.Argument(help="Events of each generator; two sets or more.")],
    judge: Annotated[
        str, typer.Option(help="challenge-high-level, challenge-dense or challenge-cnn.")
    ] = "challenge-high-level",
    out: JsonFile = None,
    events: UpTo = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Rank generators: which is nearest to the true events TRUTH?

    A network learns which generator made an event; the mean log posterior that it gives a generator
    for true events is its rank (arXiv:2410.21611).

    Example: calovision rank test-jets made-by-one made-by-another
    """
    from calovision.api.rank import rank as measure

    with warnings_to_stderr():
        result: dict[str, Any] = measure(
            truth,
            made,
            judge=judge,
            events=events,
            seed=seed,
            device=device,
            skip_corrupt=skip_corrupt,
        ).content
    lines = [f"{result['truth']['used']} true events", "", *table(result["metrics"])]
    emit(result, "\n".join([*lines, *kept(result, out)]), json)
