"""Pythia 8: its settings here, a silent start, and a filter of hard processes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import pythia8mc

GLUON, QUARK = 0, 1  #: labels, as in the public quark/gluon set

#: pp at 8 TeV with the CMS underlying-event tune CUETP8M1 (arXiv:1512.00815)
COMMON = ("Beams:eCM = 8000.", "Tune:pp = 18")
DIJETS = (
    *COMMON,
    "HardQCD:gg2gg = on",
    "HardQCD:qqbar2gg = on",
    "HardQCD:qq2qq = on",
    "HardQCD:gg2qqbar = on",
    "HardQCD:qqbar2qqbarNew = on",
    "PhaseSpace:pTHatMin = 90.",
    "PhaseSpace:pTHatMax = 170.",
)
MINIMUM_BIAS = (*COMMON, "SoftQCD:inelastic = on")

PARTON_ETA = 1.5  #: both hard partons lie within it
_MAX_SEED = 900_000_000  #: Pythia's largest seed


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ libraries print off the standard output."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class CentralPair(pythia8mc.UserHooks):  # type: ignore[misc]
    """Lets a hard process pass if both partons are central and of the wanted kind."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = GLUON

    def canVetoProcessLevel(self) -> bool:  # noqa: N802 (Pythia's name)
        """Tell Pythia to ask."""
        return True

    def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802 (Pythia's name)
        """Whether to throw the hard process away, before anything else is generated."""
        first, second = process[5], process[6]
        if (first.id() == 21) != (self.wanted == GLUON):
            return True
        return bool(max(abs(first.eta()), abs(second.eta())) > PARTON_ETA)


def start_pythia(settings: tuple[str, ...], seed: int, hook: Any = None) -> Any:
    """A fresh, silent Pythia; ``seed`` is taken modulo Pythia's largest."""
    pythia = pythia8mc.Pythia("", False)
    own = ("Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed % _MAX_SEED + 1}")
    for line in (*settings, *own):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia refuses the setting {line!r}")
    if hook is not None:
        pythia.setUserHooksPtr(hook)
    if not pythia.init():
        raise RuntimeError("Pythia does not start with its settings")
    return pythia
