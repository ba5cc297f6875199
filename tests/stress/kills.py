"""Kill commands at random moments, run them to their end, and compare with a quiet run.

Half of the kills come from outside after a random time; the other half strike just before a random
operation on files, so that the short moments between two of them are met as well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import small

MOST_IN_A_ROW = 3  #: kills before a command may run to its end
SAME = {".parquet", ".safetensors", ".npy", ".yaml", ".npz"}  #: files that have the same bytes
TAKEN = "already holds a finished event set"


@dataclass
class Job:
    """A command that is killed.

    Attributes:
        name: what it does.
        words: of the command.
        out: folder that it writes.
        again: words added when it is run again.
        timed: names of files whose bytes depend on the clock.
        kills: how often it was killed.
        rounds: how often it was then run to its end and compared.
        faults: what was wrong.
    """

    name: str
    words: list[str]
    out: Path
    again: list[str] = field(default_factory=list)
    timed: tuple[str, ...] = ()
    kills: int = 0
    rounds: int = 0
    faults: list[str] = field(default_factory=list)


def jobs(place: Path) -> list[Job]:
    """The commands, with the events and runs that they need."""
    make = small.toys()
    from calovision.events.store import save

    for name, events in (("jets", make.toy_jets(60, 1)), ("crops", make.toy_crops(160, 2))):
        save(events, place / name, provenance={})
    make.write_hdf5(place / "jets.h5", make.toy_jets(500, 3))
    sets = {name: str(place / name) for name in ("jets", "crops", "jets.h5", "vae", "gen")}
    tiny = ["--set", "validate_every=1", "--set", "batch=16", "--set", "epochs=3"]
    vae = [*tiny, "--set", "points=16", "--set", "code=8", "--set", "width=8"]
    hits = [*tiny, "--set", "width=8", "--set", "layers=1", "--set", "heads=2"]
    hits += ["--set", "companion_width=8", "--set", "jet_width=8"]
    _done(["train", "jet-vae", "--data", sets["jets"], "--out", sets["vae"], *vae], place / "vae")
    learn = ["train", "jet-generator", "--model", "hits", "--data", sets["jets"]]
    _done([*learn, "--out", sets["gen"], *hits], place / "gen")

    def job(name: str, *words: str, **more: object) -> Job:
        out = place / "out" / name
        return Job(name, [*words, "--out", str(out)], out, **more)  # type: ignore[arg-type]

    resume = {"again": ["--resume"]}
    return [
        job("simulate", "data", "simulate", "jets", "--events", "16", "--particles"),
        job("simulate-egamma", "data", "simulate", "egamma", "--events", "400"),
        job("convert", "data", "convert", sets["jets.h5"], "--workers", "1"),
        job("convert-two", "data", "convert", sets["jets.h5"], "--workers", "2"),
        job("train-vae", "train", "jet-vae", "--data", sets["jets"], *vae, **resume),
        job("train-egamma", "train", "egamma", "--data", sets["crops"], *tiny, **resume),
        job("generate", "generate", sets["gen"], "--events", "30"),
        job("reconstruct", "reconstruct", sets["vae"], "--data", sets["jets"]),
        job("study", "study", "egamma", "--workers", "1", timed=("scores.npz",)),
        job("digits", "data", "digits"),
    ]


def _done(words: list[str], folder: Path) -> None:
    ended = small.run(words, folder)
    if ended.status:
        raise SystemExit(f"{' '.join(words)}:\n{ended.told}")


def state(job: Job) -> dict[str, str]:
    """Every file of the result and a digest of what does not depend on the clock."""
    found = {}
    for path in sorted(p for p in job.out.rglob("*") if p.is_file()):
        name = str(path.relative_to(job.out))
        if path.suffix == ".jsonl":
            content = json.dumps(small.rows(path)).encode()
        elif path.suffix == ".json":
            content = json.dumps(small.without_times(json.loads(path.read_text()))).encode()
        elif path.suffix in SAME and path.name not in job.timed:
            content = path.read_bytes()
        else:
            content = b""  # it must be there; a report shows times
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def quiet(job: Job) -> tuple[dict[str, str], small.Ended]:
    """The result of an undisturbed run."""
    ended = small.run(job.words, job.out)
    if ended.status:
        raise SystemExit(f"{job.name} fails undisturbed:\n{ended.told}")
    return state(job), ended


def torment(
    job: Job, expected: dict[str, str], calm: small.Ended, rng: np.random.Generator
) -> None:
    """One round: kill a few times, run to the end, compare."""
    shutil.rmtree(job.out)
    words, moments = job.words, []
    for _ in range(int(rng.integers(1, MOST_IN_A_ROW + 1))):
        if rng.random() < 0.5:
            moment = {"fuse": int(rng.integers(1, calm.operations + 1))}
        else:
            moment = {"kill_after": float(rng.uniform(0, calm.seconds))}
        ended = small.run(words, job.out, **moment)  # type: ignore[arg-type]
        if ended.orphans:
            job.faults.append(f"{moment}: {ended.orphans} processes live on")
        if ended.status != -signal.SIGKILL:
            break  # it was through before
        moments.append(str(moment))
        job.kills += 1
        words = [*job.words, *job.again]
    if ended.status == -signal.SIGKILL:
        ended = small.run(words, job.out)
    job.rounds += 1
    if ended.status and not (ended.status == 2 and TAKEN in ended.told):
        job.faults.append(f"after {moments}: exit code {ended.status}\n{ended.told[-2000:]}")
        return
    found = state(job)
    differ = [n for n in sorted({*found, *expected}) if found.get(n) != expected.get(n)]
    if differ:
        job.faults.append(f"after {moments}: other than undisturbed: {', '.join(differ)}")


def main() -> int:
    """Kill until every command has had its share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="least number of kills, together")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--only", nargs="*", help="commands to kill, by name")
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    begin = time.monotonic()
    small.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "out").mkdir()
        every = [j for j in jobs(place) if not chosen.only or j.name in chosen.only]
        share = -(-chosen.kills // len(every))
        for job in every:
            expected, calm = quiet(job)
            while job.kills < share:
                torment(job, expected, calm, rng)
            verdict = f"{len(job.faults)} faults" if job.faults else "as undisturbed"
            sys.stdout.write(
                f"{job.name:16} {job.kills:3} kills, {job.rounds:3} runs to the end, {verdict}"
                f" ({len(expected)} files, {calm.operations} operations, {calm.seconds:.1f} s)\n"
            )
            for fault in job.faults:
                sys.stdout.write(f"    {fault}\n")
            sys.stdout.flush()
    kills, faults = (sum(x) for x in ([j.kills for j in every], [len(j.faults) for j in every]))
    minutes = (time.monotonic() - begin) / 60
    sys.stdout.write(f"{kills} kills, {faults} faults, seed {chosen.seed}, {minutes:.1f} min\n")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
