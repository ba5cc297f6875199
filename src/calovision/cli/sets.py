"""``calovision data merge``, ``split`` and ``select``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit, warnings_to_stderr
from calovision.errors import InputError

Data = Annotated[Path, typer.Argument(help="Event set.")]
Out = Annotated[Path, typer.Option(help="Folder of the event set to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]


def merge(
    sets: Annotated[list[Path], typer.Argument(help="Event sets, in order.")],
    out: Out,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write several event sets into one; events that are there more than once are counted.

    Example: calovision data merge jets-1 jets-2 --out jets
    """
    from calovision.api.sets import merge as run

    with warnings_to_stderr():
        store = run(sets, out, overwrite=overwrite)
    content = {"path": str(out), "events": len(store), "hash": store.hash}
    emit(content, f"{len(store)} events of {len(sets)} sets: {out}", json)


def split(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the parts, each a set of its name.")],
    share: Annotated[
        list[str], typer.Option(help="NAME=SHARE of a part, such as train=0.8; repeatable.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same parts.")] = 1,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Divide an event set at random; jets of one collision and copies stay together.

    Example: calovision data split jets --out parts --share train=0.8 --share test=0.2
    """
    from calovision.api.sets import split as run

    shares = dict(_share(text) for text in share)
    with warnings_to_stderr():
        parts = run(data, out, seed=seed, overwrite=overwrite, **shares)
    content = {
        name: {"path": str(part.path), "events": len(part), "hash": part.hash}
        for name, part in parts.items()
    }
    lines = [f"{name}: {len(part)} events in {part.path}" for name, part in parts.items()]
    emit(content, "\n".join(lines), json)


def _share(text: str) -> tuple[str, float]:
    """A name and its share.

    Raises:
        InputError: not of the form ``NAME=NUMBER``, or a name that is no name.
    """
    name, _, number = text.partition("=")
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if share < 0 or not name.isidentifier():
        raise InputError(f"--share {text!r} is not NAME=SHARE", "write e.g. train=0.8")
    return name, share


def select(
    data: Data,
    where: Annotated[str, typer.Argument(help="Expression in columns, such as 'pt > 100'.")],
    out: Out,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the events that satisfy an expression in their columns.

    Names of classes stand for their labels; 'calovision data info' lists the columns.

    Example: calovision data select jets 'pt > 100 and label == quark' --out hard-quarks
    """
    from calovision.api.sets import select as run

    with warnings_to_stderr():
        store = run(data, where, out, overwrite=overwrite)
    content = {"path": str(out), "events": len(store), "hash": store.hash}
    emit(content, f"{len(store)} events: {out}", json)
