"""Verbs on whole studies: run one, report on some."""

from __future__ import annotations

import json as json_library
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.output import emit
from calovision.errors import InputError
from calovision.interruption import Interrupted


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
    out: Annotated[Path, typer.Option(help="Folder to write; an unfinished study goes on there.")],
    name: Annotated[
        Study | None, typer.Argument(help="Which study; OUT knows it if it was begun there.")
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
    import importlib

    begun = _begun(out)
    chosen = name.value if name else begun.get("study")
    if chosen not in list(Study):
        raise InputError("which study?", f"give one of {', '.join(Study)}")
    module = importlib.import_module(f"calovision.studies.{chosen.replace('-', '_')}")
    try:
        comparison, report_file, headline = module.study(
            out,
            scale=scale.value if scale else begun.get("scale", "quick"),
            seed=begun.get("seed", 1) if seed is None else seed,
            workers=workers,
        )
    except KeyboardInterrupt:
        go_on = f"go on with: calovision study --out {shlex.quote(str(out))}"
        raise Interrupted(go_on) from None
    emit(comparison, "\n".join([*headline, f"report: {report_file}"]), json)


def _begun(out: Path) -> dict[str, Any]:
    """What was begun in a folder: study, scale and seed; nothing if that is not known."""
    try:
        found = json_library.loads((out / "study.json").read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def report(
    folders: Annotated[list[Path], typer.Argument(help="Study folders.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    json: Annotated[bool, typer.Option("--json", help="Path as JSON on stdout.")] = False,
) -> None:
    """Write one self-contained HTML page about finished studies.

    Example: calovision report demo --out report.html
    """
    from calovision.api.report import report as write

    written = write(folders, out)
    emit({"report": str(written)}, f"report: {written}", json)
