"""Run commands on a disk that fills up, then on one with room, and compare with a quiet run.

The disk is a small file system in memory, which only root may mount.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kills
import small

FULL = (0.1, 0.5, 0.9)  #: of the space that a command needs
PAGE = 4096  #: bytes; the least that a file takes there
ROOMY = "1g"


def needed(folder: Path) -> int:
    """Bytes that a folder's files take on the disk."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return sum(-(-p.stat().st_size // PAGE) * PAGE for p in files)


def problems(job: kills.Job, ended: small.Ended) -> list[str]:
    """What is wrong with how a command ended that had too little room."""
    lines = [line for line in ended.told.replace("\r", "\n").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("calovision: ")]
    found = []
    if ended.status != 2:
        found.append(f"exit code {ended.status}: {ended.told[-500:]}")
    elif len(told) != 1 or str(job.out) not in told[0] or "free some space" not in told[0]:
        found.append(f"told {told or lines[-3:]}")
    left = [p.name for p in job.out.rglob("*.part")] if job.out.exists() else []
    if left:
        found.append(f"left {', '.join(left)}")
    return found


def fill(job: kills.Job, expected: dict[str, str], space: int) -> list[str]:
    """Run a command with ``space`` bytes, then with room."""
    disk = job.out.parent
    mount = ["mount", "-t", "tmpfs", "-o", f"size={space},nr_inodes=1k", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    try:
        found = problems(job, small.run(job.words, job.out, log=disk.with_name("log")))
        subprocess.run(["mount", "-o", f"remount,size={ROOMY}", str(disk)], check=True)
        resumed = [*job.words, *job.again] if (job.out / "config.yaml").exists() else job.words
        ended = small.run(resumed, job.out, log=disk.with_name("log"))
        if ended.status:
            found.append(f"with room: exit code {ended.status}: {ended.told[-500:]}")
        elif kills.state(job) != expected:
            found.append("with room: other than undisturbed")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    return found


def main() -> int:
    """Fill the disk of every command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="commands, by name")
    chosen = parser.parse_args()
    begin, faults, runs = time.monotonic(), 0, 0
    small.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "out").mkdir()
        for job in kills.jobs(place):
            if chosen.only and job.name not in chosen.only:
                continue
            expected, _ = kills.quiet(job)
            size = needed(job.out)
            shutil.rmtree(job.out)
            for share in FULL:
                runs += 1
                found = fill(job, expected, max(int(size * share) // PAGE, 2) * PAGE)
                faults += len(found)
                verdict = "refused, then as undisturbed" if not found else "; ".join(found)
                sys.stdout.write(f"{job.name:16} {share:.0%} of {size} bytes: {verdict}\n")
                sys.stdout.flush()
    minutes = (time.monotonic() - begin) / 60
    sys.stdout.write(f"{runs} full disks, {faults} faults, {minutes:.1f} min\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
