"""Figures are drawn into files here, which no backend of matplotlib for windows can disturb."""

from __future__ import annotations

import os
import sys
import warnings

VARIABLE = "MPLBACKEND"  #: of the environment; names matplotlib's backend


def ignore_unknown_backend() -> None:
    """Import matplotlib, or let others do so, whatever ``MPLBACKEND`` says.

    A backend that this matplotlib does not have would be an error in the midst of its import, and
    in that of libraries that import it; notebooks set theirs for all commands that they start. One
    that it has is set as ever.
    """
    name = os.environ.get(VARIABLE)
    if not name or "matplotlib" in sys.modules:
        return
    del os.environ[VARIABLE]
    try:
        from matplotlib import rcParams
    finally:
        os.environ[VARIABLE] = name
    try:
        rcParams["backend"] = name
    except ValueError:
        warnings.warn(
            f"{VARIABLE}={name} names no backend of the matplotlib here and is left aside; "
            "calovision draws into files and needs none",
            stacklevel=2,
        )
