"""Verbs on whole studies: run one, report on some."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit


class Study(StrEnum):
    """The studies there are."""

    JET_VAE = "jet-vae"
    JET_TAGGING = "jet-tagging"
    JET_GENERATION = "jet-generation"
    EGAMMA = "egamma"
    SYMMETRY = "symmetry"


class Scale(StrEnum):
    """How much data and training time a study takes."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


def study(
    name: Annotated[Study, typer.Argument(help="Which study.")],
    out: Annotated[Path, typer.Option(help="Folder to write; an unfinished study goes on there.")],
    scale: Annotated[Scale, typer.Option(help="Amount of data and training.")] = Scale.QUICK,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate and train.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Comparison as JSON on stdout.")] = False,
) -> None:
    """Simulate, train ours and the published baseline, compare, and write a report.

    Example: calovision study jet-vae --scale quick --out demo
    """
    import importlib

    module = importlib.import_module(f"calovision.studies.{name.value.replace('-', '_')}")
    comparison, report_file, headline = module.study(
        out, scale=scale.value, seed=seed, workers=workers
    )
    emit(comparison, "\n".join([*headline, f"report: {report_file}"]), json)


def report(
    folders: Annotated[list[Path], typer.Argument(help="Study folders.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    json: Annotated[bool, typer.Option("--json", help="Path as JSON on stdout.")] = False,
) -> None:
    """Write one self-contained HTML page about finished studies.

    Example: calovision report demo --out report.html
    """
    from calovision.report.from_runs import report as write

    written = write(folders, out)
    emit({"report": str(written)}, f"report: {written}", json)
