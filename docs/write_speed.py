"""Measure the speed of the simulation and write it into docs/simulation.md.

Run by hand from the root of the checkout, on an idle machine with two cores:

    python docs/write_speed.py 6000      # measure with so many jets, some minutes
    python docs/write_speed.py           # the table again, from docs/results
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "simulation-speed.json"
PAGE = ROOT / "docs" / "simulation.md"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
BUSY = 0.7  #: load of the machine above which clock time says nothing
STEPS = {
    "pythia": "Pythia ({yield:.2f} accepted jets a collision)",
    "start": "Pythia's start, once per chunk",
    "jets": "reading the records, clustering, matching",
    "detector": "detector with pile-up",
    "rest": "the rest, with the bytes of the shard",
}


def processor() -> str:
    """The processor's name, and how many of its cores there are."""
    names = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    name = names[0].split(":")[1].strip() if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores"


class Clock:
    """CPU time spent in functions (s), by step."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.collisions = 0

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time is counted for ``step``."""

        def call(*arguments: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.spent[step] += time.process_time() - begun

        return call

    def pythia(self, start: Callable[..., Any]) -> Callable[..., Any]:
        """A start of Pythia after which every batch of collisions is timed."""

        def started(*arguments: Any) -> Any:
            made = start(*arguments)
            batch = self.timed("pythia", made.nextBatch)

            def next_batch(collisions: int) -> Any:
                self.collisions += collisions
                return batch(collisions)

            return mock.Mock(nextBatch=next_batch)

        return started


def one_core(jets: int) -> dict[str, Any]:
    """CPU time (ms) of every step of one jet, in this process."""
    from calovision.events.store import shard_bytes
    from calovision.simulate import chunk, driver, generator, pythia

    chunk.warm_up()
    chunk.simulate_chunk(driver.plan(20, 0)[0])  # loads what is loaded on first use
    clock = Clock()
    generate = clock.timed("generate", generator.DijetGenerator.generate)
    with (
        mock.patch.object(generator, "start_dijets", clock.pythia(pythia.start_dijets)),
        mock.patch.object(generator.DijetGenerator, "generate", lambda *a: generate(*a)),
        mock.patch.object(chunk, "DijetGenerator", clock.timed("start", generator.DijetGenerator)),
        mock.patch.object(chunk, "detect", clock.timed("detector", chunk.detect)),
    ):
        begun = time.process_time()
        for task in driver.plan(jets, 1):
            shard_bytes(chunk.simulate_chunk(task)[0])
        together = time.process_time() - begun
    spent = clock.spent
    spent["jets"] = spent.pop("generate") - spent["pythia"]
    spent["rest"] = together - sum(spent.values())
    ms = {step: 1e3 * spent[step] / jets for step in STEPS}
    return {"ms": ms, "yield": jets / clock.collisions}


def rate(jets: int, workers: int) -> float:
    """Jets per second of wall time of a set in the making, without start-up and last chunks."""
    from calovision.simulate.driver import simulate_jets

    done = []

    def note(made: int, found: bool) -> None:
        if made and not found:
            done.append((time.monotonic(), made))

    with tempfile.TemporaryDirectory() as folder:
        simulate_jets(folder, jets, 1, workers=workers, progress=note)
    counted = done[workers - 1 :]  # every worker has made its first chunk
    return sum(made for _, made in counted[1:]) / (counted[-1][0] - counted[0][0])


def measure(jets: int) -> dict[str, Any]:
    """All that the table shows."""
    idle = os.getloadavg()[0] < BUSY
    result = one_core(jets) | {"jets": jets, "processor": processor()}
    rates = [rate(jets, workers) for workers in (1, 2)] if idle else None
    return result | {"wall_rate": rates}


def table(result: dict[str, Any]) -> str:
    """A Markdown table of the steps, and what follows from it."""
    ms = result["ms"]
    together = sum(ms.values())
    lines = ["| step | ms a jet |", "| --- | --- |"]
    lines += [f"| {title.format(**result)} | {ms[step]:.2f} |" for step, title in STEPS.items()]
    lines.append(f"| together | {together:.2f}, that is {1e3 / together:.0f} jets/s |")
    about = (
        f"CPU time of {result['jets']:,} jets on one core ({result['processor']}). A jet costs "
        f"{together / ms['pythia']:.2f} times what Pythia alone needs for it. "
    )
    if result["wall_rate"] is None:
        about += "Other work ran on the machine, so the gain from a second process is not measured."
    else:
        one, two = result["wall_rate"]
        about += (
            f"By the clock, one process makes {one:.0f} jets/s and two make {two:.0f}, "
            f"{two / one:.2f} times as many (start-up left out)."
        )
    return "\n".join([*lines, "", about])


def fill(page: Path, text: str) -> None:
    """Put ``text`` between the markers of ``page``."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    """Measure if a number of jets is given, then write the table."""
    if len(sys.argv) > 1:
        result = measure(int(sys.argv[1]))
        STORED.write_text(json.dumps(result, indent=1) + "\n")
    fill(PAGE, table(json.loads(STORED.read_text())))


if __name__ == "__main__":
    main()
