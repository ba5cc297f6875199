"""Whole studies: events, ours and the published baseline trained alike, comparison, report."""

from __future__ import annotations

import importlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from calovision.errors import InputError
from calovision.utils.interruption import Interrupted

ALL = "all"
StudyName = Literal["jet-vae", "jet-tagging", "jet-generation", "egamma", "symmetry", "all"]
STUDIES = tuple(name for name in get_args(StudyName) if name != ALL)
Scale = Literal["quick", "standard", "full"]
SCALES = get_args(Scale)


@dataclass(frozen=True)
class Study:
    """A finished study.

    Attributes:
        path: its folder.
        comparison: content of ``comparison.json``: ``models``, ``differences`` and ``floor``; of
            all studies, by their names.
        report: the HTML page.
        headline: what was found, a line each.
    """

    path: Path
    comparison: dict[str, Any]
    report: Path
    headline: tuple[str, ...]


def study(
    name: str | None = None,
    *,
    out: str | Path,
    scale: str | None = None,
    seed: int | None = None,
    workers: int = 2,
) -> Study:
    """Simulate, train ours and the published baseline, compare, and write a report.

    A script must call this below ``if __name__ == "__main__":``.

    Args:
        name: ``"jet-vae"``, ``"jet-tagging"``, ``"jet-generation"``, ``"egamma"``,
            ``"symmetry"``, or ``"all"``, each in a folder of its name; ``out`` knows it if it
            was begun there.
        out: folder to write; an unfinished study goes on there.
        scale: amount of data and training, ``"quick"``, ``"standard"`` or ``"full"``; quick
            unless begun otherwise.
        seed: of all random numbers; 1 unless begun otherwise.
        workers: processes that simulate and train.

    Returns:
        What was found, and where the report is.

    Raises:
        InputError: no such study, or ``out`` holds another one or something else.
        Interrupted: by Ctrl-C; what is finished is kept.

    Example:
        >>> import calovision as cv
        >>> found = cv.study("jet-vae", out="demo")  # doctest: +SKIP
        >>> found.report  # doctest: +SKIP
        PosixPath('demo/report.html')
    """
    folder = Path(out)
    begun = _begun(folder)
    chosen = str(name or begun.get("study"))
    if chosen not in (*STUDIES, ALL):
        raise InputError("which study?", f"give one of {', '.join(STUDIES)}, {ALL}")
    scale = scale or begun.get("scale", "quick")
    if scale not in SCALES:
        raise InputError(f"no scale {scale!r}", f"give one of {', '.join(SCALES)}")
    seed = begun.get("seed", 1) if seed is None else seed
    options: dict[str, Any] = {"scale": scale, "seed": seed, "workers": workers}
    try:
        # Here, since it loads everything there is.
        from calovision.studies.runner import run

        if chosen == ALL:
            return _all(folder, options)
        module = importlib.import_module(f"calovision.studies.{chosen.replace('-', '_')}")
        comparison, page, headline = run(module.STUDY, folder, **options)
    except KeyboardInterrupt:
        go_on = f"go on with: calovision study {chosen} --out {shlex.quote(str(out))}"
        raise Interrupted(go_on) from None
    return Study(folder, comparison, page, tuple(headline))


def _all(folder: Path, options: dict[str, Any]) -> Study:
    """Every study in a folder of its own, and one report on all."""
    from calovision.reports.from_runs import report
    from calovision.studies.runner import check_free

    page = folder / "report.html"
    check_free(folder, (*STUDIES, page.name))
    done = [study(name, out=folder / name, **options) for name in STUDIES]
    report([one.path for one in done], page)
    found = {one.path.name: one.comparison for one in done}
    return Study(folder, found, page, tuple(line for one in done for line in one.headline))


def _begun(out: Path) -> dict[str, Any]:
    """What was begun in a folder: study, scale and seed; nothing if that is not known."""
    try:
        found = json.loads((out / "study.json").read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
