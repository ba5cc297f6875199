"""Feed spoiled files to the readers: each is to be read or refused in one line.

Inputs are tried in forked processes with little memory and little time, so that a crash of a
library, a hang or a grab for memory is noticed and does not end the search. An input is made from
the seed, the kind of file and its number: ``--only KIND:NUMBER`` shows again what went wrong.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from readers import Kind, kinds

MEMORY = 1 << 30  #: bytes that reading may take beyond what the process has
SECONDS = 10  #: of processor time that an input may take
PORTION = 400  #: inputs tried by one process


@dataclass
class Tally:
    """What became of the inputs of one kind.

    Attributes:
        fates: how many were read, refused, and so on.
        faults: what went wrong, and the number of the first input that shows it.
    """

    fates: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)


def fuzz(kind: Kind, numbers: range, seed: int, place: Path) -> Tally:
    """Try some inputs of a kind."""
    tally = Tally()
    start = numbers.start
    while start < numbers.stop:
        stop = min(start + PORTION, numbers.stop)
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reader)
            _try_all(kind, range(start, stop), seed, place, writer)
        os.close(writer)
        with os.fdopen(reader) as lines:
            for line in lines:
                fate, _, told = line.rstrip("\n").partition("\t")
                tally.fates[fate] += 1
                if told:
                    tally.faults.setdefault(told, start)
                start += 1
        _, status = os.waitpid(process, 0)
        if start < stop:  # it died at this input
            code = os.waitstatus_to_exitcode(status)
            what = "a hang" if code == -signal.SIGPROF else f"the process died, {code}"
            tally.fates["died"] += 1
            tally.faults.setdefault(what, start)
            start += 1
    return tally


def _try_all(kind: Kind, numbers: range, seed: int, place: Path, writer: int) -> None:
    """Try inputs one after the other and write their fates; never returns."""
    status = 1
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 26, 1 << 26))
        for number in numbers:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            fate, told = fate_of(kind, number, seed, place)
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(writer, f"{fate}\t{told}\n".encode())
        status = 0
    finally:
        os._exit(status)


def fate_of(kind: Kind, number: int, seed: int, place: Path) -> tuple[str, str]:
    """What becomes of one input, and what went wrong if it is neither read nor refused."""
    from calovision.errors import InputError

    rng = np.random.default_rng([seed, sum(kind.name.encode()), number])
    path = kind.write(place, rng)
    try:
        kind.read(path)
    except InputError as error:
        if "\n" in str(error):
            return "bad message", "more than one line"
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                told = f"refused by the limit of memory alone: {_where(cause)}"
                return "memory", told if kind.bounded else ""
            cause = cause.__cause__ or cause.__context__
        return "refused", ""
    except Exception as error:
        return "error", f"{type(error).__name__}: {str(error)[:80]!r} at {_where(error)}"
    return "read", ""


def _where(error: BaseException) -> str:
    """The innermost line of the package that an exception passed through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "calovision" in f.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def main() -> int:
    """Try the wanted number of inputs of every kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=12_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="KIND, or KIND:NUMBER to see it")
    chosen = parser.parse_args()
    begin, tried, faults = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        every = kinds(Path(folder))
        wanted = dict(w.partition(":")[::2] for w in chosen.only)
        mine = [k for k in every if not wanted or k.name in wanted]
        share = -(-chosen.inputs // len(mine))
        for kind in mine:
            place = Path(folder) / "try" / kind.name
            place.mkdir(parents=True)
            if wanted.get(kind.name):
                rng = np.random.default_rng(
                    [chosen.seed, sum(kind.name.encode()), int(wanted[kind.name])]
                )
                kind.read(kind.write(place, rng))
                continue
            tally = fuzz(kind, range(share), chosen.seed, place)
            tried, faults = tried + tally.fates.total(), faults + len(tally.faults)
            fates = ", ".join(f"{n} {fate}" for fate, n in tally.fates.most_common())
            sys.stdout.write(f"{kind.name:14} {fates}\n")
            for told, first in tally.faults.items():
                sys.stdout.write(f"    {kind.name}:{first} {told}\n")
            sys.stdout.flush()
    minutes = (time.monotonic() - begin) / 60
    told = f"{tried} inputs, {faults} kinds of fault, seed {chosen.seed}, {minutes:.1f} min\n"
    sys.stdout.write(told)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
