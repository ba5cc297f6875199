"""Output of commands: text, or JSON on stdout with the text on stderr."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

SkipCorrupt = Annotated[
    bool, typer.Option("--skip-corrupt", help="Leave out damaged shards, with a warning.")
]

PRETRAINED = "--pretrained"
Pretrained = Annotated[
    str | None,
    typer.Option(
        PRETRAINED,
        metavar="[TASK]",
        help="Use the model that comes with calovision; its task need not be named where only one"
        " fits: jet-tagger, jet-vae, jet-generator, egamma or symmetry. Or a shared one,"
        " hf://OWNER/NAME.",
    ),
]


Device = Annotated[
    str, typer.Option(help="Where the network computes: auto, cpu, cuda, cuda:N or mps.")
]


Judges = Annotated[
    str | None,
    typer.Option(
        help="Who tells the samples apart: trees, patterns, cells, hits, with commas between; by"
        " default all. The first two are done in a minute. On request: challenge-high-level,"
        " challenge-dense, challenge-cnn.",
    ),
]


UpTo = Annotated[
    int, typer.Option(min=1, help="Use at most so many events of each set, the first ones.")
]
JsonFile = Annotated[Path | None, typer.Option(help="JSON file to write.")]


def with_task(arguments: list[str]) -> list[str]:
    """The command line with an empty task behind each ``--pretrained`` that names none.

    Typer has no option whose value may be left out.
    """
    found = []
    for argument, following in pairwise([*arguments, "--"]):
        found.append(argument)
        if argument == PRETRAINED and following.startswith("-"):
            found.append("")
    return found


def emit(result: Any, text: str, as_json: bool) -> None:
    """Print ``text``, or with ``as_json`` the ``result`` on stdout and ``text`` on stderr."""
    if as_json:
        typer.echo(json.dumps(result))
    typer.echo(text, err=as_json)


def kept(result: Any, out: Path | None) -> list[str]:
    """Write a result as JSON where a file is given; the line that says so."""
    if out is None:
        return []
    from calovision.utils.files import write_json

    write_json(out, result)
    return [f"written to {out}"]


def one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """A warning as commands show it, in place of ``warnings.formatwarning``."""
    del category, filename, lineno, line
    return f"warning: {message}\n"


@contextmanager
def warnings_to_stderr() -> Iterator[list[str]]:
    """Warnings of what happens inside become lines on standard error, and are collected."""
    lines: list[str] = []

    def show(message: Warning | str, *place: Any, **more: Any) -> None:
        del place, more
        lines.append(str(message))
        typer.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield lines
