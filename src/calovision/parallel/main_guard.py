"""Scripts that start processes must say what new processes shall not run again."""

from __future__ import annotations

import ast
import linecache
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from calovision.errors import InputError

GUARD = 'if __name__ == "__main__":'


@contextmanager
def processes_may_start() -> Iterator[None]:
    """A context in which new Python processes, which import the main script, can start.

    A package that runs by ``python -m``, and what is typed or piped in, is not imported.

    Raises:
        InputError: a script calls this outside of its main guard: they would run it again.
    """
    main = vars(sys.modules["__main__"])
    file, name = main.get("__file__"), getattr(main.get("__spec__"), "name", "")
    if not file or name == "__main__" or name.endswith(".__main__"):
        yield
    elif name or os.path.exists(file):
        _check(main, file)
        yield
    else:  # such as "<stdin>", which processes would look for
        del main["__file__"]
        try:
            yield
        finally:
            main["__file__"] = file


def _check(main: dict[str, Any], file: str) -> None:
    frame = next((f for f in _module_frames(main) if _is_of(f, file)), None)
    if frame is not None and not _guarded(file, frame.f_lineno):
        script = Path(file).name
        raise InputError(
            f"line {frame.f_lineno} of {script} starts worker processes, each of which imports "
            f"{script} and would come to that line again",
            f"put it, indented, below a line that reads {GUARD}",
        )


def _module_frames(variables: dict[str, Any]) -> Iterator[FrameType]:
    """What a module is just executing: in this thread, or in the first one that started it."""
    threads = sys._current_frames()
    for start in (sys._getframe(), threads.get(threading.main_thread().ident or 0)):
        frame: FrameType | None = start
        while frame is not None:
            if frame.f_code.co_name == "<module>" and frame.f_globals is variables:
                yield frame
            frame = frame.f_back


def _is_of(frame: FrameType, file: str) -> bool:
    """Whether a frame is of the script itself, not of what it executes or of what is typed."""
    return Path(frame.f_code.co_filename).name == Path(file).name


def _guarded(file: str, line: int) -> bool:
    """Whether a line of a script runs only under a condition on what runs the script."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:  # something else than Python, such as a notebook
        return True
    return any(
        isinstance(node, ast.If)
        and node.lineno <= line <= (node.end_lineno or line)
        and any(_tells_processes_apart(part) for part in ast.walk(node.test))
        for node in ast.walk(tree)
    )


def _tells_processes_apart(part: ast.AST) -> bool:
    names = ("__name__", "current_process", "parent_process")
    if isinstance(part, ast.Name):
        return part.id in names
    return isinstance(part, ast.Attribute) and part.attr in names
