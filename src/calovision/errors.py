"""The one exception that means "your input is wrong", with the remedy; and what it replaces."""

from __future__ import annotations

#: what libraries raise at a file that is not what it says; some have errors of their own besides
DAMAGE: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class InputError(Exception):
    """Bad input from the user: what is wrong, where, and what to do about it.

    The command line prints it as one line and exits with code 2; a traceback
    is shown only with ``--debug``.

    Args:
        problem: what is wrong and where, without a trailing full stop.
        remedy: what the user can do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
