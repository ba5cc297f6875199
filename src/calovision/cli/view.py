"""The verb that shows events in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import Pretrained, SkipCorrupt, emit, told


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
    from calovision.errors import InputError
    from calovision.events.files import write_bytes
    from calovision.reports.view import page
    from calovision.studies.displays import shown
    from calovision.tasks.pretrained import GENERATOR, chosen_run, shipped

    folder = chosen_run(folder, pretrained, shipped() if data or pretrained else (GENERATOR,))
    # Not resolved: a loop of links is for the reader to tell.
    name = os.path.basename(os.path.abspath(folder))
    place = Path(f"{name}-view.html") if out is None else out
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}", "make it, or choose another --out")
    with told():
        rows = shown(folder, first, events, data=data, seed=seed, skip_corrupt=skip_corrupt)
    number = len(rows[0].events)
    write_bytes(place, page(f"{name}: calovision", rows, first).encode())
    if browser:
        import webbrowser

        webbrowser.open(place.resolve().as_uri())
    names = [r.name for r in rows]
    emit(
        {"path": str(place), "events": number, "rows": names},
        f"{number} events ({', '.join(names)}): {place}",
        json,
    )
