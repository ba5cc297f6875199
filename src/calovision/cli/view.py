"""``calovision view``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import Pretrained, SkipCorrupt, emit, warnings_to_stderr


def view(
    folder: Annotated[
        Path | None, typer.Argument(help="Event set, folder of sets, run directory or study.")
    ] = None,
    pretrained: Pretrained = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write; by default FOLDER-view.html here.")
    ] = None,
    events: Annotated[int, typer.Option(min=1, max=5000, help="Most events shown.")] = 100,
    first: Annotated[int, typer.Option(min=0, help="Number of the first event.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(help="Run: events to show; by default its own, or generated ones alone."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what a model makes.")] = 1,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the file in the browser.")
    ] = True,
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[
        bool, typer.Option("--json", help="Machine-readable result on stdout.")
    ] = False,
) -> None:
    """Show events in the browser: all layers, what a model made of them beside, energies on hover.

    Everything is in one file that works offline and can be passed on.

    Example: calovision view jets

    Example: calovision view runs/vae --data test-jets --events 20

    Example: calovision view --pretrained jet-vae --data test-jets

    Example: calovision view --pretrained jet-generator
    """
    from calovision.api.report import view as write
    from calovision.models.pretrained import GENERATOR, chosen_run, shipped

    folder = chosen_run(folder, pretrained, shipped() if data or pretrained else (GENERATOR,))
    with warnings_to_stderr():
        shown = write(
            folder,
            out,
            data=data,
            events=events,
            first=first,
            seed=seed,
            browser=browser,
            skip_corrupt=skip_corrupt,
        )
    emit(
        {"path": str(shown.path), "events": shown.events, "rows": list(shown.rows)},
        f"{shown.events} events ({', '.join(shown.rows)}): {shown.path}",
        json,
    )
