"""Checks of numbers among a user's arguments: counts, seeds, quantities and ranges."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence

from calovision.errors import InputError


def count(what: str, value: object, least: int = 1) -> int:
    """A whole number, such as of events; 1e3 is one.

    Args:
        what: what is counted, for messages.
        value: what was given.
        least: the smallest value allowed.

    Raises:
        InputError: no whole number, or a smaller one.
    """
    number = _real(value)
    if number is None or number != int(number):
        raise InputError(f"{what} is {value!r}", f"give a whole number, {least} or more")
    found = int(value) if isinstance(value, numbers.Integral) else int(number)
    if found < least:
        raise InputError(f"{what} is {found}", f"give {least} or more")
    return found


def quantity(what: str, value: object) -> float:
    """A finite number.

    Raises:
        InputError: it is none.
    """
    number = _real(value)
    if number is None:
        raise InputError(f"{what} is {value!r}", "give a finite number")
    return number


def pair(what: str, value: object) -> tuple[float, float]:
    """Two finite numbers, such as the ends of a range.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InputError(f"{what} is {value!r}", "give two numbers, (LOW, HIGH)")
    return quantity(what, value[0]), quantity(what, value[1])


def _real(value: object) -> float | None:
    """A finite number, if it is one; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
