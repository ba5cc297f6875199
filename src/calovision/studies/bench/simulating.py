"""Rows on the simulation: against Pythia alone, one worker against two, and what cores allow."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from threading import Barrier, BrokenBarrierError

from calovision.events.store import shard_bytes
from calovision.parallel.cluster import run
from calovision.simulation.conditions import NOMINAL
from calovision.simulation.constituents import constituents
from calovision.simulation.generator import DijetGenerator
from calovision.simulation.jets import Task, detect, simulate_chunk, warm_up
from calovision.simulation.pythia import GLUON, QUARK
from calovision.studies.bench.clock import (
    Goal,
    Row,
    Side,
    UnavailableError,
    Work,
    cpu,
    in_turns,
    need_two_cores,
)
from calovision.studies.bench.material import Material

YIELD = 1.46  #: accepted jets a collision, about; the measured number is used
BATCH = 150  #: collisions generated at a time, as in the simulation
CHUNKS = 16  #: of the comparison of workers
LIMIT_S = 900.0  #: time that a chunk may take


def simulation(material: Material) -> Row:
    """All of the simulation against the collisions that it uses."""
    made, seed = material.size.made, material.seed
    warm_up()
    steps, used = _steps(made, seed)

    def simulated(call: int) -> Work:
        task = Task(0, seed + call, made - made // 2, made // 2, 0)
        return lambda: _shard(task, LIMIT_S)

    def collided(call: int) -> Work:
        generator = _generator(seed + call)

        def work() -> None:
            for label in (GLUON, QUARK):
                for first in range(0, used // 2, BATCH):
                    generator.collide(label, min(BATCH, used // 2 - first))

        return work

    first = Side("simulated jet", made, simulated)
    second = Side("Pythia alone, the same number of collisions", made, collided)
    pairs = in_turns(first, second, material.size.few, warm=True)  # by _steps
    details = {"ms": steps, "yield": made / used, "jets": made}
    return Row(first.title, second.title, pairs, "s a jet", details=details)


def _generator(seed: int) -> DijetGenerator:
    return DijetGenerator(seed, NOMINAL.detector().jet_radius, NOMINAL.settings())


def _steps(jets: int, seed: int) -> tuple[dict[str, float], int]:
    """CPU time (ms) of the simulation's steps for one jet, and the collisions that were used."""
    spent = dict.fromkeys(("start", "pythia", "jets", "detector", "rest"), 0.0)
    before = cpu()

    def lap(step: str) -> None:
        nonlocal before
        now = cpu()
        spent[step] += now - before
        before = now

    generator = _generator(seed)
    lap("start")
    used = made = 0
    threshold = NOMINAL.detector().jet_threshold
    for label, enough in ((GLUON, jets / 2), (QUARK, jets)):
        while made < enough:
            wanted = min(int((enough - made) / YIELD) + 1, BATCH)
            used += wanted
            collisions = generator.collide(label, wanted)
            lap("pythia")
            found = generator.jets(collisions, label)
            lap("jets")
            seen = detect(found, seed)
            lap("detector")
            good = (seen.columns["pt"] > threshold).nonzero()[0]
            part = seen[good]
            part.columns |= constituents(found)[good].shapes()
            shard_bytes(part)
            made += len(part)
            lap("rest")
    return {step: 1e3 * time / made for step, time in spent.items()}, round(used * jets / made)


def _shard(task: Task, time_limit: float) -> bytes:
    return shard_bytes(simulate_chunk(task, time_limit)[0])


def _small_chunks(material: Material, number: int) -> list[Task]:
    """Chunks so small that the last ones, when not all work any more, matter little."""
    half = material.size.made // 8
    return [Task(i, material.seed + i, half, half, 0) for i in range(number)]


def workers(material: Material) -> Row:
    """One process against two, by the clock, without their start and the last chunks.

    Raises:
        UnavailableError: there is one core.
    """
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

    Raises:
        UnavailableError: there is one core, or a process does not come up.
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


def _seconds(tasks: list[Task], together: Barrier) -> float:
    """Wall time (s) of some chunks, from when all processes are ready."""
    warm_up()
    together.wait(LIMIT_S)
    begun = time.monotonic()
    for task in tasks:
        _shard(task, LIMIT_S)
    return time.monotonic() - begun
