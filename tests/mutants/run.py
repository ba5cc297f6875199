"""Change the package at random places, one at a time, and see whether the tests notice.

    make mutants                                  # 200 changes
    python tests/mutants/run.py --number 60 --only metrics/ --tests tests/metrics

First every file of tests runs once by itself, to find out which lines each test runs. Then every
change is made in a copy of the repository, where the tests that run the changed line follow, those
of the mirrored file first, until one fails or so many seconds of tests have passed. The changes are
those of Cosmic Ray; the session file is one of its own, which ``cr-report`` and ``cr-html`` read. A
run that was interrupted goes on where it was; --fresh starts again.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult
from sites import chosen, files
from slots import Slot, ended, first_failure, prepare, watched
from uses import Uses

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "calovision"
LIMIT_S = 1200.0  #: of a file of tests
SLOW = 4.0  #: times as long as without the change tests may take, and
EXTRA_S = 90.0  #: so much more, for what has to be compiled


@dataclass
class Job:
    """Some work for a slot, and what to do with its exit status and the seconds that it took."""

    name: str
    limit_s: float
    prepare: Callable[[Slot], Callable[[], int]]
    done: Callable[[int, float], None]


def main() -> int:
    """Run the command; its exit status."""
    options = _options()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    asked = [options.number, options.seed, options.only, sorted(options.tests), options.most]
    _drop(out, "code", _source(), ["watched/*", "session.sqlite"], options.fresh)
    _drop(out, "asked", json.dumps(asked), ["session.sqlite"], options.fresh)
    prepare()
    _say("copies of the repository")
    kept = out / "cache"  # what the first runs of tests have compiled
    slots = [Slot.made(out / "slots" / str(i), ROOT) for i in range(options.workers)]
    known = _watch(options, slots, kept)
    with use_db(out / "session.sqlite") as db:
        if not db.num_work_items:
            db.add_work_items(chosen(files(PACKAGE, options.only), options.number, options.seed))
        _try_all(db, slots, kept, known, options)
        _report(db, out)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--number", type=int, default=200, help="changes")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of changes")
    parser.add_argument("--only", default="", help="regular expression: files to change")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="files or folders of tests")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--most", type=float, default=60, help="seconds of tests for a change")
    parser.add_argument("--out", type=Path, default=ROOT / "mutants", help="folder for everything")
    parser.add_argument("--fresh", action="store_true", help="start again")
    options = parser.parse_args()
    options.out = options.out.absolute()
    return options


def _drop(out: Path, name: str, now: str, files: list[str], fresh: bool) -> None:
    """Remove some files if they are of something else than ``now``, which is remembered."""
    told = out / f"{name}.txt"
    if fresh or not told.exists() or told.read_text() != now:
        for path in (path for pattern in files for path in out.glob(pattern)):
            path.unlink()
        told.write_text(now)


def _source() -> str:
    """A digest of the package; tests may be added in between."""
    text = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        text.update(path.read_bytes())
    return text.hexdigest()


def _run(jobs: list[Job], slots: list[Slot], logs: Path) -> None:
    """Work off jobs, one at a time in every slot."""
    waiting, free = list(reversed(jobs)), list(slots)
    running: dict[int, tuple[Job, Slot, float]] = {}
    try:
        while waiting or running:
            while waiting and free:
                job, slot = waiting.pop(), free.pop()
                pid = slot.start(job.prepare(slot), logs / f"{job.name}.txt")
                running[pid] = job, slot, time.monotonic()
            time.sleep(0.05)
            for pid, (job, slot, start) in list(running.items()):
                found, status = os.waitpid(pid, os.WNOHANG)
                seconds = time.monotonic() - start
                if not found and seconds > job.limit_s:
                    os.killpg(pid, signal.SIGKILL)
                    found, status = os.waitpid(pid, 0)
                if found:
                    del running[pid]
                    free.append(slot)
                    job.done(ended(pid, status), seconds)
    finally:
        for pid in running:
            os.killpg(pid, signal.SIGKILL)


def _watch(options: argparse.Namespace, slots: list[Slot], kept: Path) -> dict[str, dict[str, Any]]:
    """By test, what it runs and how long it takes; compiles everything on the way."""
    paths = [ROOT / name for name in options.tests]
    found = [p for path in paths for p in ([path] if path.is_file() else path.rglob("test_*.py"))]
    names = sorted({p.relative_to(ROOT).as_posix() for p in found})
    results = {n: options.out / "watched" / (n.replace("/", "+") + ".json") for n in names}
    (options.out / "watched").mkdir(exist_ok=True)
    kept.mkdir(exist_ok=True)
    for slot in slots:
        slot.share(kept)

    def job(name: str) -> Job:
        def done(status: int, seconds: float) -> None:
            told = "" if status == 0 else f"  exit status {status}"
            _say(f"watched {name}  {seconds:.0f} s{told}")

        def begin(slot: Slot) -> Callable[[], int]:
            return lambda: watched(slot, name, results[name])

        return Job(f"watched+{name.replace('/', '+')}", LIMIT_S, begin, done)

    _run([job(n) for n in names if not results[n].exists()], slots, options.out / "logs")
    known = {}
    for path in results.values():
        if path.exists():
            known.update(json.loads(path.read_text()))
    bad = [node for node, told in known.items() if not told["ok"]]
    if bad:
        _say(f"{len(bad)} tests do not pass and are left out: {bad[:5]}")
    return {node: told for node, told in known.items() if told["ok"]}


def _try_all(
    db: WorkDB,
    slots: list[Slot],
    kept: Path,
    known: dict[str, dict[str, Any]],
    options: argparse.Namespace,
) -> None:
    uses = Uses(PACKAGE.parent, PACKAGE.name)
    waiting, total = list(db.pending_work_items), db.num_work_items

    def job(item: WorkItem) -> Job | None:
        (change,) = item.mutations
        name = change.module_path.relative_to(PACKAGE)
        where = f"{name}:{change.start_pos[0]}"
        text = change.module_path.read_text()
        operator = get_operator(change.operator_name)()
        changed = mutate_code(text, operator, change.occurrence)
        diff = "".join(_diff(text, changed, str(name)))
        tests, seconds = covering(change, uses, known, options.most)

        def done(status: int, took: float) -> None:
            survived = status == 0
            killed = TestOutcome.SURVIVED if survived else TestOutcome.KILLED
            ending = {-9: "time limit"}.get(status, f"exit status {status}")
            told = f"{sum(len(nodes) for _, nodes in tests)} tests, {ending}"
            db.set_result(item.job_id, WorkResult(WorkerOutcome.NORMAL, told, killed, diff))
            word = "SURVIVED" if survived else "killed"
            count = f"{db.num_results}/{total}"
            _say(f"{count:>9}  {word:8}  {where:40} {took:4.0f} s  {told}")

        if not tests:
            done(0, 0.0)
            return None

        def begin(slot: Slot) -> Callable[[], int]:
            _restore(slot)
            module = uses.module(change.module_path)
            names = uses.names(module, change.start_pos[0], change.end_pos[0])
            slot.warm(kept, {module, *uses.stale(names)})
            target = slot.source / name
            target.unlink()
            target.write_text(changed)
            return lambda: first_failure(slot, tests)

        return Job(item.job_id, EXTRA_S + SLOW * seconds, begin, done)

    def control(items: list[WorkItem]) -> Job:
        """The tests of some changes without a change: they have to pass."""
        some = [covering(item.mutations[0], uses, known, 10)[0] for item in items[:5]]
        tests = [file for of in some for file in of]

        def done(status: int, took: float) -> None:
            if status != 0:
                raise SystemExit(f"tests fail without a change: {options.out}/logs/control.txt")

        def begin(slot: Slot) -> Callable[[], int]:
            slot.warm(kept, ())
            return lambda: first_failure(slot, tests)

        return Job("control", LIMIT_S, begin, done)

    jobs = [j for j in map(job, waiting) if j]
    _run([control(waiting), *jobs] if jobs else [], slots, options.out / "logs")


def _restore(slot: Slot) -> None:
    """Undo the last change in a slot."""
    for path in PACKAGE.rglob("*.py"):
        target = slot.source / path.relative_to(PACKAGE)
        told = path.stat()
        if not target.exists() or target.stat().st_mtime_ns != told.st_mtime_ns:
            target.write_bytes(path.read_bytes())
            os.utime(target, ns=(told.st_atime_ns, told.st_mtime_ns))


def covering(
    change: MutationSpec, uses: Uses, known: dict[str, dict[str, Any]], most: float
) -> tuple[list[tuple[str, list[str]]], float]:
    """Tests that run what is changed, by file and in their order, and the seconds they take."""
    path, module = change.module_path, uses.module(change.module_path)
    first, last = _statement(path, change.start_pos[0])
    names = uses.names(module, first, last)
    wanted = [(path.relative_to(PACKAGE).as_posix(), first, last)]
    nodes = _running(known, wanted)
    if not nodes or any(name in uses.compiled for name in names):
        callers = uses.callers(names)
        wanted += [(_file(uses, name), a, b) for name, a, b in callers]
        nodes = _running(known, wanted)
    by: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        by[node.partition("::")[0]].append(node)
    room, _, stem = path.relative_to(PACKAGE).with_suffix("").as_posix().rpartition("/")

    def order(file: str) -> tuple[bool, bool, float]:
        mirrored = file == f"tests/{room}/test_{stem}.py"
        near = file.startswith(f"tests/{room}/")
        return not mirrored, not near, sum(known[n]["seconds"] for n in by[file])

    found: list[tuple[str, list[str]]] = []
    total = 0.0
    for file in sorted(by, key=order):
        some = []
        for node in by[file]:
            if total + known[node]["seconds"] <= most:
                some.append(node)
                total += known[node]["seconds"]
        if some:
            found.append((file, some))
    return found, total


def _running(known: dict[str, dict[str, Any]], wanted: list[tuple[str, int, int]]) -> list[str]:
    return [
        node
        for node, told in known.items()
        if any(a <= x <= b for file, a, b in wanted for x in told["lines"].get(file, ()))
    ]


def _file(uses: Uses, module: str) -> str:
    path = uses.root.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.relative_to(PACKAGE).as_posix()


def _statement(path: Path, line: int) -> tuple[int, int]:
    """First and last line of the innermost statement at a line; of a block, its head."""
    best = (line, line)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno
            if node.lineno >= best[0] or best == (line, line):
                best = (node.lineno, max(end or 0, node.lineno))
    return best if best[0] <= line <= best[1] else (line, line)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _diff(before: str, after: str, name: str) -> list[str]:
    lines = (x.splitlines(keepends=True) for x in (before, after))
    return list(difflib.unified_diff(*lines, name, name, n=2))


def _report(db: WorkDB, out: Path) -> None:
    """How many were killed, and the survivors with their diffs in a file."""
    results = sorted(db.results, key=lambda found: found[1].diff)
    lived = [result for _, result in results if result.test_outcome == TestOutcome.SURVIVED]
    killed = len(results) - len(lived)
    text = f"{killed} of {len(results)} changes killed, {len(lived)} survived\n\n"
    for result in lived:
        text += f"{result.output}\n{result.diff}\n"
    (out / "survivors.txt").write_text(text)
    _say(f"{killed} of {len(results)} killed; survivors: {out / 'survivors.txt'}")


if __name__ == "__main__":
    sys.exit(main())
