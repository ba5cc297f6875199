"""Rows on the simulation: against Pythia alone, one worker against two, and what cores allow."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import BrokenBarrierError
from typing import Any

from calovision.events.store import shard_bytes
from calovision.parallel.cluster import run
from calovision.simulation.chunks import Chunk
from calovision.simulation.conditions import NOMINAL
from calovision.simulation.constituents import constituents
from calovision.simulation.generator import DijetGenerator
from calovision.simulation.jets import detect, simulate_chunk, warm_up
from calovision.simulation.pythia import GLUON, QUARK
from calovision.studies.bench.clock import Side, Work, cpu, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.row import Goal, Row, UnavailableError
from calovision.utils import cache

YIELD = 1.46  #: accepted jets a collision, about; the measured number is used
BATCH = 150  #: collisions generated at a time, as in the simulation
CHUNKS = 16  #: of the comparison of workers
LIMIT = 900.0  #: seconds that a chunk may take
FIRST = 500  #: jets of a first simulation


def simulation(material: Material) -> Row:
    """All of the simulation against the collisions that it uses."""
    made, seed = material.size.made, material.seed
    warm_up()
    steps, used = _steps(made, seed)
    chunks, starts = count(), count()

    def simulated() -> Work:
        task = Chunk(0, seed + next(chunks), 0, made)
        return lambda: _bytes(task, LIMIT)

    def collided() -> Work:
        generator = _generator(seed + next(starts))
        return lambda: _collide(generator, used)

    first, second = Side("simulated jet", made, simulated), Side("Pythia alone", made, collided)
    pairs = in_turns(first, second, material.size.few, warm=True)  # by _steps
    details = {"ms": steps, "yield": made / used, "jets": made}
    title = "Pythia alone, the same number of collisions"
    return Row("simulated jet", title, pairs, "s a jet", details=details)


def _generator(seed: int) -> DijetGenerator:
    return DijetGenerator(seed, NOMINAL.detector().jet_radius, NOMINAL.settings())


def _collide(generator: DijetGenerator, collisions: int) -> None:
    for label in (GLUON, QUARK):
        for first in range(0, collisions // 2, BATCH):
            generator.collide(label, min(BATCH, collisions // 2 - first))


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


def workers(material: Material) -> Row:
    """One process against two, by the clock, without their start and the last chunks.

    Raises:
        UnavailableError: there is one core.
    """
    if len(os.sched_getaffinity(0)) < 2:
        raise UnavailableError("needs two cores")
    warm_up()
    pairs = [(_rate(material, 1), _rate(material, 2)) for _ in range(material.size.few)]
    first, second, goal = "jet simulated by one worker", "by two workers", Goal("at least", 1.8)
    return Row(first, second, pairs, "s a jet", "wall time", goal)


def _rate(material: Material, workers: int) -> float:
    """Seconds of wall time a jet."""
    half = material.size.made // 8  # small chunks, so that the last ones matter little
    tasks = [Chunk(i, material.seed + i, 0, 2 * half) for i in range(CHUNKS)]
    done = [
        time.monotonic()
        for _ in run(tasks, _bytes, prepare=warm_up, workers=workers, time_limit=LIMIT)
    ]
    # From when every worker has made its first chunk to when the first finds no more of them.
    counted = done[workers - 1 : len(done) - workers + 1]
    return (counted[-1] - counted[0]) / (len(counted) - 1) / (2 * half)


def _bytes(chunk: Chunk, time_limit: float) -> bytes:
    return shard_bytes(simulate_chunk(chunk, time_limit)[0])


def alone(material: Material) -> Row:
    """One process against two that have nothing to do with each other, by the clock.

    It is what this machine allows workers to reach: cores may share caches, memory and, where
    they are two threads of one core, all of the arithmetic.

    Raises:
        UnavailableError: there is one core, or a process does not come up.
    """
    if len(os.sched_getaffinity(0)) < 2:
        raise UnavailableError("needs two cores")
    warm_up()
    few = material.size.few
    pairs = [(_independent(material, 1), _independent(material, 2)) for _ in range(few)]
    first, second = "jet simulated by one process", "by two independent processes"
    return Row(first, second, pairs, "s a jet", "wall time")


def _independent(material: Material, processes: int) -> float:
    """Seconds of wall time a jet of processes that begin together and make the same jets."""
    context = multiprocessing.get_context("spawn")
    half = material.size.made // 8
    tasks = [Chunk(i, material.seed + i, 0, 2 * half) for i in range(CHUNKS // 2)]
    barrier = context.Barrier(processes)
    pool = ProcessPoolExecutor(processes, context, initializer=_meet, initargs=(barrier,))
    try:
        with pool:
            spent = list(pool.map(_seconds, [tasks] * processes))
    except BrokenBarrierError:
        raise UnavailableError("processes do not start together") from None
    return sum(spent) / processes / (2 * half * len(tasks) * processes)


_start: list[Any] = []  #: where a process waits for the others


def _meet(barrier: Any) -> None:
    _start.append(barrier)


def _seconds(tasks: list[Chunk]) -> float:
    warm_up()
    _start[0].wait(LIMIT)
    begun = time.monotonic()
    for task in tasks:
        _bytes(task, LIMIT)
    return time.monotonic() - begun


def first(material: Material) -> Row:
    """A command on an empty cache, which compiles and makes the pile-up library, and again."""
    pairs = []
    for _ in range(material.size.few):
        with TemporaryDirectory(dir=material.folder) as folder:
            pairs.append((_command(Path(folder), "one"), _command(Path(folder), "two")))
    return Row(f"simulate {FIRST} jets, the first time on a machine", "again", pairs, "s each")


def _command(folder: Path, name: str) -> float:
    """CPU time (s) of a simulation whose cache is in a folder."""
    words = [sys.executable, "-m", "calovision.cli.app", "data", "simulate", "jets"]
    words += ["--events", str(FIRST), "--out", str(folder / name)]
    begun = cpu()
    own = {cache.VARIABLE: str(folder / "cache")}
    subprocess.run(words, env=os.environ | own, check=True, capture_output=True)
    return cpu() - begun
