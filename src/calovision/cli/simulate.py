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
}


class Kind(enum.StrEnum):
    """What can be simulated."""

    jets = "jets"
    egamma = "egamma"
    showers = "showers"


class ParticleName(enum.StrEnum):
    """What makes showers."""

    electron = "electron"
    photon = "photon"


class EngineName(enum.StrEnum):
    """How electrons and photons are simulated."""

    fast = "fast"
    geant4 = "geant4"


def simulate(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="Quark/gluon jets, crops of electrons and photons, or showers in a cylinder."
        ),
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
    particle: Annotated[
        ParticleName | None, typer.Option(help="showers: of what. Default: electron.")
    ] = None,
    energies: Annotated[
        tuple[float, float] | None,
        typer.Option(help="showers: lowest and highest energy, GeV. Default: 1 1000."),
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
        typer.Option(help="jets, showers: YAML, JSON or XML file of another cv.Geometry."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Simulate labelled events into an event set.

    Run the same command again after an interruption: it goes on where it stopped. Sets of one seed
    hold the same events: give the set that tests a model another --seed than its training set.

    Example: calovision data simulate jets --events 20000 --out data/jets --workers 2

    Example: calovision data simulate egamma --events 100000 --out data/egamma --workers 2

    Example: calovision data simulate showers --events 1000 --energies 1 100 --out data/showers
    """
    of_jets: dict[str, Any] = {
        "particles": particles,
        "pt_hat": pt_hat,
        "tune": tune,
        "pythia": tuple(pythia or ()),
        "pileup": pileup,
        "detector": detector,
        "noise": noise,
    }
    given = {k: v for k, v in (("particle", particle), ("energies", energies)) if v is not None}
    of_showers: dict[str, Any] = {k: getattr(v, "value", v) for k, v in given.items()}
    _check(kind, {"engine": engine, "geometry": geometry, **given}, of_jets != OF_JETS)
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
            store = api.jets(events, geometry=geometry, **of_jets, **common)
        elif kind is Kind.showers:
            store = api.showers(events, geometry=geometry, **of_showers, **common)
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


#: options that some kinds have
OF_KINDS = {
    "engine": {Kind.egamma},
    "geometry": {Kind.jets, Kind.showers},
    "particle": {Kind.showers},
    "energies": {Kind.showers},
}


def _check(kind: Kind, given: dict[str, Any], of_jets: bool) -> None:
    """Raise an :class:`InputError` for options that belong to another kind."""
    for name, value in given.items():
        if value is not None and kind not in OF_KINDS[name]:
            raise InputError(f"--{name} is for {', '.join(sorted(OF_KINDS[name]))}", "leave it out")
    if kind is not Kind.jets and of_jets:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in OF_JETS)
        raise InputError(f"{options} are for jets", "leave them out")
