"""Train on a set larger than the memory allowed, and write the figures into docs/scale-out.md.

Run by hand from the root of the checkout, on Linux; the set lies in the temporary folder:

    python docs/write_memory.py 800      # measure with a limit of 800 MB, some minutes
    python docs/write_memory.py          # the table again, from docs/results
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from calovision.events.geometry import JET_IMAGES
from calovision.events.store import EventStore, StoreWriter, shard_bytes
from calovision.simulation.driver import simulate_jets

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "memory.json"
PAGE = ROOT / "docs" / "scale-out.md"
MARKS = ("<!-- memory: begin -->", "<!-- memory: end -->")
TIMES = 3  #: the set is so many times the limit
SHARD = 1024  #: jets in a shard
ALL = 10**9  #: a window that holds every set
#: title, task, and settings: small networks, for the memory shall go to the data, and few steps
TRAININGS: dict[str, tuple[str, dict[str, Any]]] = {
    "jet-tagger, sets of hits": (
        "jet-tagger",
        {
            "width": 8,
            "heads": 1,
            "layers": 1,
            "hits": 20,
            "epochs": 0.03,
            "batch": 128,
            "window": 4096,
        },
    ),
    "jet-vae, points": (
        "jet-vae",
        {"width": 8, "points": 40, "epochs": 0.004, "batch": 64, "window": 1024},
    ),
    "jet-tagger, all in one window": ("jet-tagger", {"epochs": 1, "window": ALL}),
}


def make_set(path: Path, size: float) -> EventStore:
    """A set of at least ``size`` bytes: the same simulated jets in every shard."""
    with tempfile.TemporaryDirectory() as folder:
        payload = shard_bytes(simulate_jets(folder, SHARD, 1).load())
    writer = StoreWriter(path, JET_IMAGES, provenance={"made_by": "docs/write_memory.py"})
    for index in range(math.ceil(size / len(payload))):
        writer.write_bytes(index, payload)
    return writer.finish()


def limited(command: list[str], limit: float) -> dict[str, Any]:
    """Run a command whose memory for data must stay below ``limit`` bytes; what came of it."""

    def refuse_more() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))

    begun = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, preexec_fn=refuse_more, stderr=nowhere, stdout=nowhere)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit": process.returncode,
        "wall_s": time.monotonic() - begun,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }


def measure(limit: float) -> dict[str, Any]:
    """All that the table shows."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "jets"
        store = make_set(data, TIMES * limit)
        size = sum(s["bytes"] for s in store.manifest["shards"])
        for number, (title, (task, settings)) in enumerate(TRAININGS.items()):
            out = Path(folder) / f"run-{number}"
            command = [sys.executable, "-m", "calovision.cli.app", "train", task]
            command += ["--data", str(data), "--out", str(out)]
            command += [f"--set={k}={v}" for k, v in settings.items()]
            row = limited(command, limit)
            budget = out / "budget.json"
            steps = json.loads(budget.read_text())["steps"] if budget.exists() else 0
            rows[title] = row | {"jets": steps * settings.get("batch", 0)}
    return {"limit": limit, "set": size, "jets": len(store), "rows": rows}


def table(result: dict[str, Any]) -> str:
    """A Markdown table of the trainings, and what they were given."""
    lines = [
        "| training | jets learned from | peak of memory | outcome |",
        "| --- | --- | --- | --- |",
    ]
    for title, row in result["rows"].items():
        outcome = f"done in {row['wall_s']:.0f} s" if row["exit"] == 0 else "out of memory"
        peak = f"{row['peak_bytes'] / 1e6:,.0f} MB"
        lines.append(f"| {title} | {row['jets']:,} | {peak} | {outcome} |")
    about = (
        f"{result['jets']:,} jets in {result['set'] / 1e6:,.0f} MB of files; memory for data "
        f"limited to {result['limit'] / 1e6:,.0f} MB by the operating system (`RLIMIT_DATA`). The "
        "peak is of resident memory and counts the code of the libraries too."
    )
    return "\n".join([*lines, "", about])


def main() -> None:
    """Measure if a limit in MB is given, then write the table."""
    if len(sys.argv) > 1:
        STORED.write_text(json.dumps(measure(float(sys.argv[1]) * 1e6), indent=1) + "\n")
    before, rest = PAGE.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    text = table(json.loads(STORED.read_text()))
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
