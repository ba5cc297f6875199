"""Checks of the events, files and folders that a user gives."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.events.reader import EventStore
from calovision.utils.plain_yaml import value_of
from calovision.utils.unreadable import exists, reading


def events_of(given: Any, *, skip_corrupt: bool = False) -> EventSet:
    """Events themselves, or those of a set on disk, which stay there.

    Args:
        given: events, or the folder of a set.
        skip_corrupt: leave out damaged shards, with a warning.

    Raises:
        InputError: something else, or no set is there.
    """
    found = events_or_path(given)
    if isinstance(found, EventSet):
        return found
    return EventStore.open(found, skip_corrupt=skip_corrupt)


def events_or_path(given: Any) -> EventSet | Path:
    """Events, or a path where there may be some.

    Raises:
        InputError: it is something else.
    """
    return given if isinstance(given, EventSet) else path_of(given, "events or their folder")


def geometry_of(given: Geometry | str | Path | None) -> Geometry:
    """A grid, by default that of the public jets, or the one in a YAML, JSON or XML file.

    Such a file holds what ``Geometry.to_dict()`` gives, or is a binning of the CaloChallenge.

    Raises:
        InputError: a file that holds none.
    """
    if given is None or isinstance(given, Geometry):
        return given or JET_IMAGES
    from calovision.events.formats.calochallenge import geometry_of_binning

    file = path_of(given, "a Geometry, or a YAML, JSON or XML file of one")
    if not exists(file):
        raise InputError(f"{file} does not exist", "give the file of a geometry")
    with reading(file):
        content = file.read_bytes()
    try:
        text = content.decode()
        if text.lstrip().startswith("<"):
            return geometry_of_binning(text)
        return Geometry.from_dict(value_of(text))
    except ValueError as error:
        raise InputError(
            f"{file} holds no geometry ({error})", "write Geometry.to_dict()"
        ) from None


def path_of(given: Any, wanted: str = "a path") -> Path:
    """A path that is given as text or as a path.

    Args:
        given: the path.
        wanted: what to ask for, if it is something else.

    Raises:
        InputError: it is something else, or empty.
    """
    if isinstance(given, str | os.PathLike) and not isinstance(given, EventSet):
        if not (text := os.fspath(given)):
            raise InputError("an empty path is given", f"give {wanted}")
        return Path(str(text))
    raise InputError(_named(given), _remedy(given, wanted))


def _named(given: Any) -> str:
    if isinstance(given, EventSet):
        return f"{len(given)} events are given where {given.where} does not fit"
    article = "an" if type(given).__name__[0] in "AEIOUaeiou" else "a"
    return f"{article} {type(given).__name__} is given"


def _remedy(given: Any, wanted: str) -> str:
    from calovision.events.digits import DigitSet

    if isinstance(given, DigitSet):
        return "of digits, use digits.save(FOLDER), digits.plot() and digits.images"
    if isinstance(given, list | tuple) and given and isinstance(given[0], EventSet | str | Path):
        return f"give {wanted}; cv.concatenate joins several sets"
    if hasattr(given, "shape") or isinstance(given, list | tuple):
        return f"give {wanted}; cv.from_images makes events of arrays"
    return f"give {wanted}"


def lines_of(given: Any) -> tuple[str, ...]:
    """Settings in another program's words, a line each.

    Raises:
        InputError: not a sequence of texts.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"settings are {given!r}", "give a list of texts")
    if not all(isinstance(line, str) for line in given):
        raise InputError(f"settings are {given!r}", "give a list of texts")
    return tuple(given)
