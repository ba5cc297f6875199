"""``calovision data simulate``."""

from __future__ import annotations

import enum
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.api import simulate as api
from calovision.cli.output import emit, warnings_to_stderr
from calovision.errors import InputError

#: options of jets alone, and what they are in the public set
OF_JETS = {
    "particles": False,
    "pt_hat": api.PT_HAT,
    "tune": api.TUNE,
    "pythia": (),
    "pileup": None,
    "detector": None,
    "noise": api.NOISE,
    "geometry": None,
}


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
        bool, typer.Option("--particles", help="jets: keep the generator-level particles too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a set that is there.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(help="Seconds that one chunk of events may take.")
    ] = api.TIME_LIMIT,
    pt_hat: Annotated[
        tuple[float, float], typer.Option(help="jets: range of the hard process's pt-hat, GeV.")
    ] = api.PT_HAT,
    tune: Annotated[
        int, typer.Option(help="jets: Pythia's proton tune of the hard collision.")
    ] = api.TUNE,
    pythia: Annotated[
        list[str] | None,
        typer.Option(help="jets: a further setting in Pythia's words, 'StringZ:aLund = 0.4'."),
    ] = None,
    pileup: Annotated[
        float | None,
        typer.Option(help="jets: mean number of additional collisions; the detector's else."),
    ] = None,
    noise: Annotated[
        float, typer.Option(help="jets: factor on the calorimeters' noise.")
    ] = api.NOISE,
    detector: Annotated[
        Path | None, typer.Option(help="jets: YAML of other constants, as calibrate writes.")
    ] = None,
    geometry: Annotated[
        Path | None,
        typer.Option(help="jets: YAML or JSON file of a cv.Geometry, such as one with muons."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Simulate labelled events into an event set.

    Run the same command again after an interruption: it goes on where it stopped. Sets of one seed
    hold the same events: give the set that tests a model another --seed than its training set.

    Example: calovision data simulate jets --events 20000 --out data/jets --workers 2

    Example: calovision data simulate egamma --events 100000 --out data/egamma --workers 2
    """
    of_jets: dict[str, Any] = {
        "particles": particles,
        "pt_hat": pt_hat,
        "tune": tune,
        "pythia": tuple(pythia or ()),
        "pileup": pileup,
        "detector": detector,
        "noise": noise,
        "geometry": geometry,
    }
    _check(kind, engine, of_jets != OF_JETS)
    start = time.perf_counter()
    common: dict[str, Any] = {
        "seed": seed,
        "workers": workers,
        "scheduler": scheduler,
        "out": out,
        "overwrite": overwrite,
        "time_limit": time_limit,
    }
    with warnings_to_stderr() as warned:
        if kind is Kind.jets:
            store = api.jets(events, **of_jets, **common)
        else:
            store = api.egamma(events, engine=(engine or EngineName.fast).value, **common)
    seconds = time.perf_counter() - start
    result: dict[str, Any] = {
        "path": str(store.path),
        "kind": kind.value,
        "events": len(store),
        "seed": seed,
        "hash": store.hash,
        "seconds": round(seconds, 3),
        "warnings": warned,
    }
    text = f"{len(store)} {kind.value} in {store.path}, after {seconds:.0f} s"
    if kind is Kind.egamma:
        from calovision.simulation.egamma.driver import without_deposit

        result["without_deposit"] = without_deposit(store)
        text += f"; {result['without_deposit']} of them leave nothing in the calorimeter"
    emit(result, text, json)


def _check(kind: Kind, engine: EngineName | None, of_jets: bool) -> None:
    """Raise an :class:`InputError` for options that belong to another kind."""
    if kind is Kind.jets and engine is not None:
        raise InputError("--engine is for egamma", "leave it out")
    if kind is Kind.egamma and of_jets:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in OF_JETS)
        raise InputError(f"{options} are for jets", "leave them out")
