"""Ctrl-C and SIGTERM, which batch systems send: both interrupt, between steps where it matters."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_S = 20.0  #: seconds that what is under way may take to end after an interruption


class Interrupted(KeyboardInterrupt):
    """An interruption that says what was reached and how to go on.

    Args:
        reached: a clause for the last line that a command prints.
    """

    def __init__(self, reached: str) -> None:
        self.reached = reached
        super().__init__(reached)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handler of a signal that interrupts like Ctrl-C."""
    raise KeyboardInterrupt


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Let ``handler`` see both signals, except those that are ignored, as SIGINT is by ``nohup``.

    Only the main thread can; in others nothing changes.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if (now := signal.getsignal(number)) not in (signal.SIG_IGN, None):
                before[number] = now
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started inside, by this thread or by threads begun inside, never see Ctrl-C.

    A terminal sends it to all of them, and each would print a traceback; the one that started
    them ends them. Here it is noticed at the end of the context.
    """
    _start_tracker()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_tracker() -> None:
    """Start the process that Python brings along with the first one that it starts.

    Its start lets Ctrl-C in again, and it counts on standard error what an interruption leaves to
    it, which it then removes.
    """
    before = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    os.environ["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


class Stop:
    """Interrupts at once, except inside :meth:`held`, whose content has to end first.

    What is held has :data:`PATIENCE_S` to end; a second interruption does not wait at all.

    Attributes:
        wanted: whether an interruption has arrived and waits.
        cut: whether the content of a :meth:`held` was left unfinished.
    """

    def __init__(self) -> None:
        self.wanted = self.cut = False
        self._held = 0
        self._timer: threading.Timer | None = None

    def arrived(self, number: int, frame: FrameType | None) -> None:
        """Handler of the signals."""
        if not self._held or self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
        self._timer = threading.Timer(PATIENCE_S, os.kill, (os.getpid(), number))
        self._timer.daemon = True
        self._timer.start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let what is inside end before an interruption; it comes right after."""
        self._held += 1
        try:
            yield
        except BaseException:
            self.cut = True
            raise
        finally:
            self._held -= 1
        self.now()

    def now(self) -> None:
        """Interrupt if it is wanted and nothing is held any more."""
        if self.wanted and not self._held:
            self.over()
            raise KeyboardInterrupt

    def over(self) -> None:
        """Forget an interruption that waited."""
        self.wanted = False
        if self._timer is not None:
            self._timer.cancel()
