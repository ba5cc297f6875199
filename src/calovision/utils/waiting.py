"""Messages about one-time preparations, such as compilation, beside a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Show = Callable[[str], object]  #: called with what is waited for; "" when that is over

_show: ContextVar[Show | None] = ContextVar("show", default=None)


@contextmanager
def showing_waits(show: Show) -> Iterator[None]:
    """Call ``show`` within the block with what is being waited for, in a few words."""
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


def waits_for(what: str) -> None:
    """Show what is being waited for from now on; ``""`` when that is over."""
    show = _show.get()
    if show is not None:
        show(what)
