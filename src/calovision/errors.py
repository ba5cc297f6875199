"""The one exception that means "your input is wrong", with the remedy."""

from __future__ import annotations


class InputError(Exception):
    """Bad input from the user: what is wrong, where, and what to do about it.

    The command line prints it as one line and exits with code 2; a traceback
    is shown only with ``--debug``.

    Args:
        problem: what is wrong and where, without a trailing full stop.
        remedy: what the user can do about it.

    Example:
        >>> import calovision as cv
        >>> try:
        ...     cv.load("nowhere")
        ... except cv.InputError as error:
        ...     print(error)
        no event set at nowhere; check the path
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


class DamagedError(InputError):
    """What a file holds is not what it should hold; the system could read it."""


class ContentError(ValueError):
    """Raised by our own checks of a file's content; readers turn it into an :class:`InputError`."""
