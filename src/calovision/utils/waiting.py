"""What a command waits for once on a machine, told to whoever shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[str], object]  #: told what is being waited for; "" when that is over

_tell: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def told(tell: Tell) -> Iterator[None]:
    """Hear within the block what is being waited for, in a few words, again and again."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def waits_for(what: str) -> None:
    """Say what is being waited for from now on, or ``""``: for nothing any more."""
    tell = _tell.get()
    if tell is not None:
        tell(what)
