"""``calovision study`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit
from calovision.studies.study import Scale, StudyName


def study(
    out: Annotated[Path, typer.Option(help="Folder to write; an unfinished study goes on there.")],
    name: Annotated[
        StudyName | None, typer.Argument(help="Which study; OUT knows it if it was begun there.")
    ] = None,
    scale: Annotated[
        Scale | None, typer.Option(help="Amount of data and training; quick unless begun.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all random numbers; 1 unless begun.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate and train.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Comparison as JSON on stdout.")] = False,
) -> None:
    """Simulate, train ours and the published baseline, compare, and write a report.

    Example: calovision study jet-vae --scale quick --out demo

    Example: calovision study --out demo    # goes on with the one that was begun there
    """
    from calovision.studies.study import study as run

    done = run(name, out=out, scale=scale, seed=seed, workers=workers)
    emit(done.comparison, "\n".join([*done.headline, f"report: {done.report}"]), json)


def report(
    folders: Annotated[list[Path], typer.Argument(help="Folders of studies or runs.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    hepdata: Annotated[
        Path | None, typer.Option(help="New folder for the numbers as tables in HEPData's form.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Path as JSON on stdout.")] = False,
) -> None:
    """Write one self-contained HTML page about finished studies or evaluated runs.

    Example: calovision report demo --out report.html

    Example: calovision report runs/tagger --hepdata tables
    """
    from calovision.api.report import report as write

    written = write(folders, out, hepdata=hepdata)
    emit({"report": str(written)}, f"report: {written}", json)
