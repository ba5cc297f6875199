"""Rows on generation: against the simulation, and against showers of Geant4."""

from __future__ import annotations

from itertools import count

import numpy as np

from calovision.errors import InputError
from calovision.simulate.chunk import Task, simulate_chunk
from calovision.simulate.crops.driver import ENGINES
from calovision.simulate.crops.particles import draw
from calovision.studies.bench.clock import Side, Work, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.row import Goal, Row, UnavailableError
from calovision.tasks.generator import GeneratorTask, generated
from calovision.tasks.models import load_generator
from calovision.tasks.pretrained import pretrained_run
from calovision.tasks.request import Request
from calovision.tasks.rundir import RunDir


def _generator(name: str) -> GeneratorTask:
    try:
        return load_generator(RunDir(pretrained_run(name)))
    except InputError as error:
        raise UnavailableError(error.problem) from None


def _made(material: Material, task: GeneratorTask) -> Side:
    """A chunk of jets of a generator."""
    jets, calls = min(task.chunk, material.size.made), count()

    def ready() -> Work:
        seed = material.seed + next(calls)
        return lambda: generated(task, jets, Request(), seed=seed)

    return Side("jet generated", jets, ready)


def against_simulation(material: Material, name: str, title: str) -> Row:
    """Jets of a shipped generator against simulated ones.

    Raises:
        UnavailableError: it is not shipped.
    """
    made, calls = material.size.made, count()
    first = _made(material, _generator(name))

    def simulated() -> Work:
        task = Task(0, material.seed + next(calls), made - made // 2, made // 2, 0)
        return lambda: simulate_chunk(task)

    pairs = in_turns(first, Side("jet simulated", made, simulated), material.size.few)
    return Row(f"jet generated ({title})", "jet simulated", pairs, "s a jet")


def _showers(material: Material, engine: str, showers: int) -> Side:
    """Showers of an engine, its start included."""
    calls = count()

    def ready() -> Work:
        seed = material.seed + next(calls)
        particles = draw(showers - showers // 2, showers // 2, np.random.default_rng(seed))
        return lambda: ENGINES[engine].showers(particles, seed, 900.0)

    return Side(f"{engine} shower", showers, ready)


def against_geant4(material: Material, name: str | None) -> Row:
    """A generated jet, or an electron's or photon's shower of the fast engine, against Geant4.

    Args:
        material: what is worked on.
        name: of the generator; the fast engine without one.

    Raises:
        UnavailableError: Geant4 or the generator is missing.
    """
    try:
        ENGINES["geant4"].check()
    except InputError as error:
        raise UnavailableError(str(error)) from None
    if name is None:
        title, first = "shower of the fast engine", _showers(material, "fast", 500)
    else:
        title, first = "jet generated", _made(material, _generator(name))
    pairs = in_turns(first, _showers(material, "geant4", material.size.showers), material.size.few)
    other = "one shower of Geant4, 50 GeV, starting included"
    return Row(title, other, pairs, "s each", goal=Goal("at most", 1.0))
