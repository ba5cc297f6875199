"""``calovision data simulate``: make events from scratch."""

from __future__ import annotations

import enum
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit


class Kind(enum.StrEnum):
    """What can be simulated."""

    jets = "jets"


def simulate(
    kind: Annotated[Kind, typer.Argument(help="What to simulate: quark/gluon jets.")],
    events: Annotated[int, typer.Option(help="Number of events, classes in equal number.")],
    out: Annotated[Path, typer.Option(help="Folder of the new event set.")],
    seed: Annotated[int, typer.Option(help="Same seed, same bytes, for any workers.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Use the Dask cluster at tcp://HOST:PORT instead.")
    ] = None,
    particles: Annotated[
        bool, typer.Option("--particles", help="Keep the generator-level constituents too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a set that is there.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(help="Seconds that one chunk of 1000 events may take.")
    ] = 900.0,
    pt_hat: Annotated[
        tuple[float, float], typer.Option(help="Range of the hard process's pt-hat, GeV.")
    ] = (90.0, 170.0),
    tune: Annotated[int, typer.Option(help="Pythia's proton tune of the hard collision.")] = 18,
    noise: Annotated[float, typer.Option(help="Factor on the calorimeters' noise.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Simulate labelled events into an event set.

    Run the same command again after an interruption: it goes on where it stopped.

    Example: calovision data simulate jets --events 20000 --out data/jets --workers 2
    """
    from tqdm import tqdm

    from calovision.simulate.conditions import Conditions
    from calovision.simulate.driver import simulate_jets

    start = time.perf_counter()
    fresh = 0
    with tqdm(total=max(events, 0), unit=kind.value.rstrip("s"), file=sys.stderr) as bar:

        def progress(done: int, found: bool) -> None:
            nonlocal fresh
            if found:  # from an earlier run: not part of the rate
                bar.initial = done
            else:
                fresh += done
            bar.update(done)

        store = simulate_jets(
            out,
            events,
            seed,
            workers=workers,
            scheduler=scheduler,
            particles=particles,
            overwrite=overwrite,
            time_limit=time_limit,
            conditions=Conditions(pt_hat, tune, noise),
            progress=progress,
        )
    seconds = time.perf_counter() - start
    result = {
        "path": str(store.path),
        "kind": kind.value,
        "events": len(store),
        "seed": seed,
        "hash": store.hash,
        "seconds": round(seconds, 3),
        "events_per_s": round(fresh / seconds, 2),
    }
    text = f"{len(store)} {kind.value} in {store.path}: {fresh} made in {seconds:.0f} s"
    emit(result, text, as_json)
