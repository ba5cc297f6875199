"""``calovision data simulate``: make events from scratch."""

from __future__ import annotations

import enum
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.output import emit
from calovision.errors import InputError

PT_HAT, TUNE, NOISE = (90.0, 170.0), 18, 1.0  #: of the public set of jets


class Kind(enum.StrEnum):
    """What can be simulated."""

    jets = "jets"
    egamma = "egamma"


class EngineName(enum.StrEnum):
    """How electrons and photons are simulated."""

    fast = "fast"
    geant4 = "geant4"


def simulate(
    kind: Annotated[
        Kind, typer.Argument(help="What to simulate: quark/gluon jets, or electrons and photons.")
    ],
    events: Annotated[int, typer.Option(help="Number of events, classes in equal number.")],
    out: Annotated[Path, typer.Option(help="Folder of the new event set.")],
    seed: Annotated[
        int, typer.Option(help="Same seed, same events, for any workers; another for a test set.")
    ] = 1,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Use the Dask cluster at tcp://HOST:PORT instead.")
    ] = None,
    engine: Annotated[
        EngineName | None,
        typer.Option(help="egamma: parametrised, or Geant4 (extra 'geant4'). Default: fast."),
    ] = None,
    particles: Annotated[
        bool, typer.Option("--particles", help="jets: keep the generator-level constituents too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a set that is there.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(help="Seconds that one chunk of events may take.")
    ] = 900.0,
    pt_hat: Annotated[
        tuple[float, float], typer.Option(help="jets: range of the hard process's pt-hat, GeV.")
    ] = PT_HAT,
    tune: Annotated[
        int, typer.Option(help="jets: Pythia's proton tune of the hard collision.")
    ] = TUNE,
    noise: Annotated[float, typer.Option(help="jets: factor on the calorimeters' noise.")] = NOISE,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Simulate labelled events into an event set.

    Run the same command again after an interruption: it goes on where it stopped. Sets of one seed
    hold the same events: give the set that tests a model another --seed than its training set.

    Example: calovision data simulate jets --events 20000 --out data/jets --workers 2

    Example: calovision data simulate egamma --events 100000 --out data/egamma --workers 2
    """
    from tqdm import tqdm

    from calovision.simulate.same_seed import relatives, remember

    _check(kind, engine, particles or (pt_hat, tune, noise) != (PT_HAT, TUNE, NOISE))
    from calovision.simulate.conditions import Conditions

    conditions = Conditions(pt_hat, tune, noise)
    made_by = {"source": f"calovision simulate {kind.value}", "seed": seed}
    if kind is Kind.jets:
        made_by["pythia"] = list(conditions.checked().settings())
    else:
        made_by["engine"] = (engine or EngineName.fast).value
    related = relatives(out, made_by)
    for path, number in related:
        typer.echo(_warning(path, number, kind, seed), err=True)
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

        if kind is Kind.jets:
            from calovision.simulate.driver import simulate_jets

            store = simulate_jets(
                out,
                events,
                seed,
                workers=workers,
                scheduler=scheduler,
                particles=particles,
                overwrite=overwrite,
                time_limit=time_limit,
                conditions=conditions,
                progress=progress,
            )
        else:
            from calovision.simulate.crops.driver import simulate_egamma

            store = simulate_egamma(
                out,
                events,
                seed,
                engine=(engine or EngineName.fast).value,
                workers=workers,
                scheduler=scheduler,
                overwrite=overwrite,
                time_limit=time_limit,
                progress=progress,
            )
    seconds = time.perf_counter() - start
    remember(store.path)
    result: dict[str, Any] = {
        "path": str(store.path),
        "kind": kind.value,
        "events": len(store),
        "seed": seed,
        "hash": store.hash,
        "seconds": round(seconds, 3),
        "events_per_s": round(fresh / seconds, 2),
        "same_seed": [str(path) for path, _ in related],
    }
    text = f"{len(store)} {kind.value} in {store.path}: {fresh} made in {seconds:.0f} s"
    if kind is Kind.egamma:
        from calovision.simulate.crops.driver import without_deposit

        result["without_deposit"] = without_deposit(store)
        text += f"; {result['without_deposit']} of them leave nothing in the calorimeter"
    emit(result, text, as_json)


def _warning(path: Path, number: int, kind: Kind, seed: int) -> str:
    return (
        f"warning: {path} holds {number} {kind.value} of the same seed, {seed}: the new set repeats"
        " them; to test a model on events that it has not seen, give another --seed"
    )


def _check(kind: Kind, engine: EngineName | None, of_jets: bool) -> None:
    """Raise an :class:`InputError` for options that belong to another kind."""
    if kind is Kind.jets and engine is not None:
        raise InputError("--engine is for egamma", "leave it out")
    if kind is Kind.egamma and of_jets:
        raise InputError("--particles, --pt-hat, --tune and --noise are for jets", "leave them out")
