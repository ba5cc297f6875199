"""Rows on what makes events: the simulation on one core and on two, generators, showers."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any
from unittest import mock

from calovision.errors import InputError
from calovision.events.store import shard_bytes
from calovision.models.generators.base import GeneratorTask, Request, generated
from calovision.models.load import load_generator
from calovision.models.pretrained import pretrained_run
from calovision.parallel.cluster import run
from calovision.simulation import jets as jet_chunks
from calovision.simulation.chunks import Chunk
from calovision.simulation.conditions import NOMINAL
from calovision.simulation.egamma.driver import ENGINES
from calovision.simulation.egamma.particles import draw
from calovision.simulation.generator import DijetGenerator
from calovision.simulation.jets import simulate_chunk, warm_up
from calovision.simulation.pythia import GLUON, QUARK
from calovision.studies.bench.clock import (
    NO_SLOWER,
    Goal,
    Row,
    Side,
    UnavailableError,
    Work,
    compared,
    cpu,
    in_turns,
    need_two_cores,
)
from calovision.studies.bench.material import Material
from calovision.training.run import RunDir
from calovision.utils import streams

COLLISIONS = 150  #: generated at a time
CHUNKS = 16  #: of the comparison of workers
LIMIT_S = 900.0  #: time that a chunk may take
#: what is called in every chunk, by the steps of the table; the rest has no name
STEPS: tuple[tuple[str, Any, str], ...] = (
    ("start", DijetGenerator, "__init__"),
    ("pythia", DijetGenerator, "collide"),
    ("jets", DijetGenerator, "jets"),
    ("detector", jet_chunks, "detect"),
)


def simulation(material: Material) -> Row:
    """All of the simulation against the collisions that it uses."""
    made, seed = material.size.made, material.seed
    warm_up()

    def task(call: int) -> Chunk:
        return Chunk(0, seed + call, 0, made)

    ms, used = _steps(task(0))

    def collided(call: int) -> Work:
        radius = NOMINAL.detector().jet_radius
        generator = DijetGenerator(seed + call, radius, NOMINAL.settings())

        def work() -> None:
            for label in (GLUON, QUARK):
                for first in range(0, used // 2, COLLISIONS):
                    generator.collide(label, min(COLLISIONS, used // 2 - first))

        return work

    first = Side("simulated jet", made, lambda call: partial(_shard, task(call)))
    second = Side("Pythia alone, the same number of collisions", made, collided)
    pairs = in_turns(first, second, material.size.few, warm=True)  # by _steps
    details = {"ms": ms, "yield": made / used, "jets": made}
    return Row(first.title, second.title, pairs, "s a jet", details=details)


def _steps(task: Chunk) -> tuple[dict[str, float], int]:
    """CPU time (ms) of the simulation's steps for one jet, and the collisions that it uses."""
    spent = {step: 0.0 for step, _, _ in STEPS}
    used = 0

    def timed(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal used
            if step == "pythia":
                used += arguments[-1]
            begun = cpu()
            found = function(*arguments)
            spent[step] += cpu() - begun
            return found

        return call

    with ExitStack() as patches:
        for step, owner, name in STEPS:
            with_clock = timed(step, getattr(owner, name))
            patches.enter_context(mock.patch.object(owner, name, with_clock))
        begun = cpu()
        _shard(task)
        total = cpu() - begun
    spent["rest"] = total - sum(spent.values())
    return {step: 1e3 * time / task.events for step, time in spent.items()}, used


def _shard(task: Chunk, time_limit: float = LIMIT_S) -> bytes:
    return shard_bytes(simulate_chunk(task, time_limit))


def _small_chunks(material: Material, number: int) -> list[Chunk]:
    """Chunks so small that the last ones, when not all work any more, matter little."""
    half = material.size.made // 8
    return [Chunk(i, material.seed + i, 0, 2 * half) for i in range(number)]


def workers(material: Material) -> Row:
    """One process against two, by the clock, without their start and the last chunks."""
    need_two_cores()
    tasks = _small_chunks(material, CHUNKS)

    def seconds_a_jet(workers: int) -> float:
        done = [
            time.monotonic()
            for _ in run(tasks, _shard, prepare=warm_up, workers=workers, time_limit=LIMIT_S)
        ]
        # From when every worker has made its first chunk to when the first finds no more of them.
        counted = done[workers - 1 : len(done) - workers + 1]
        return (counted[-1] - counted[0]) / (len(counted) - 1) / tasks[0].events

    warm_up()
    pairs = [(seconds_a_jet(1), seconds_a_jet(2)) for _ in range(material.size.few)]
    first, second, goal = "jet simulated by one worker", "by two workers", Goal("at least", 1.8)
    return Row(first, second, pairs, "s a jet", "wall time", goal)


def alone(material: Material) -> Row:
    """One process against two that have nothing to do with each other, by the clock.

    It is what this machine allows workers to reach: cores may share caches, memory and, where
    they are two threads of one core, all of the arithmetic.
    """
    need_two_cores()
    tasks = _small_chunks(material, CHUNKS // 2)
    context = multiprocessing.get_context("spawn")

    def seconds_a_jet(processes: int) -> float:
        with context.Manager() as manager, ProcessPoolExecutor(processes, context) as pool:
            together = manager.Barrier(processes)
            spent = list(pool.map(_seconds, [tasks] * processes, [together] * processes))
        return sum(spent) / processes / (tasks[0].events * len(tasks) * processes)

    warm_up()
    try:
        pairs = [(seconds_a_jet(1), seconds_a_jet(2)) for _ in range(material.size.few)]
    except BrokenBarrierError:
        raise UnavailableError("processes do not start together") from None
    first, second = "jet simulated by one process", "by two independent processes"
    return Row(first, second, pairs, "s a jet", "wall time")


def _seconds(tasks: list[Chunk], together: Barrier) -> float:
    """Wall time (s) of some chunks, from when all processes are ready."""
    warm_up()
    together.wait(LIMIT_S)
    begun = time.monotonic()
    for task in tasks:
        _shard(task)
    return time.monotonic() - begun


def shipped(material: Material) -> Row:
    """The generator that comes with the package against the simulation."""
    return _against_simulation(material, _generated(material, "jet generated", _shipped()))


def small(material: Material) -> Row:
    """The generator with small networks against the simulation."""
    task = load_generator(material.generator("hits-small"), "cpu")
    title = "jet generated by small networks"
    return _against_simulation(material, _generated(material, title, task))


def call(material: Material, jets: int) -> Row:
    """Calls of the generator that comes with the package for so many jets, against the simulation.

    The CaloChallenge times generators so, for 1, 100 and 10,000 events (arXiv:2410.21611).
    """
    first = _generated(material, f"jet generated, {jets:,} a call", _shipped(), jets)
    return _against_simulation(material, first, goal=None)


def jet_against_geant4(material: Material) -> Row:
    """A generated jet against one shower of Geant4."""
    return _against_geant4(material, _generated(material, "jet generated", _shipped()))


def shower_against_geant4(material: Material) -> Row:
    """A shower of the fast engine against one of Geant4."""
    return _against_geant4(material, _showers(material, "shower of the fast engine", "fast", 500))


def _shipped() -> GeneratorTask:
    return load_generator(RunDir(pretrained_run("jet-generator")), "cpu")


def _generated(
    material: Material, title: str, task: GeneratorTask, wanted: int | None = None
) -> Side:
    """Jets of a generator, a chunk by default; of a small bench no more than it has time for."""
    jets = min(task.chunk, material.size.made)
    if wanted is not None:
        jets = min(wanted, 10 * material.size.made)

    def prepared(call: int) -> Work:
        return lambda: generated(task, jets, Request(), seed=material.seed + call)

    return Side(title, jets, prepared)


def _against_simulation(material: Material, first: Side, goal: Goal | None = NO_SLOWER) -> Row:
    made = material.size.made

    def simulated(call: int) -> Work:
        task = Chunk(0, material.seed + call, 0, made)
        return lambda: simulate_chunk(task)

    second = Side("jet simulated", made, simulated)
    return compared(first, second, material.size.few, goal=goal)


def _showers(material: Material, title: str, engine: str, showers: int) -> Side:
    """Showers of an engine, its start included."""

    def prepared(call: int) -> Work:
        seed = material.seed + call
        random = streams.rng(streams.Stream.SHOWERS, seed)
        particles = draw(showers - showers // 2, showers // 2, random)
        return lambda: ENGINES[engine].showers(particles, seed, 900.0)

    return Side(title, showers, prepared)


def _against_geant4(material: Material, first: Side) -> Row:
    try:
        ENGINES["geant4"].check()
    except InputError as error:
        raise UnavailableError(str(error)) from None
    showers = material.size.showers
    title = f"shower of Geant4, pt 50 GeV (its start shared by {showers})"
    second = _showers(material, title, "geant4", showers)
    return compared(first, second, material.size.few, "s each", NO_SLOWER)
