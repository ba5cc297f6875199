"""Pythia 8: its settings here, a silent start, and a filter of hard processes."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import tempfile
from pathlib import Path
from typing import Any

import pythia8mc

from calovision.utils import cache
from calovision.utils.quiet import quiet as quiet
from calovision.utils.waiting import waits_for

GLUON, QUARK = 0, 1  #: labels, as in the public quark/gluon set

ENERGY = 8000.0  #: of the collision, GeV
TUNE = 18  #: the CMS underlying-event tune CUETP8M1 (arXiv:1512.00815)
PT_HAT = (90.0, 170.0)  #: of the hard process, GeV


def dijets(
    pt_hat: tuple[float, float] = PT_HAT, tune: int = TUNE, more: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Settings of pp to two gluons or two quarks, and ``more`` of them."""
    return (
        f"Beams:eCM = {ENERGY:.0f}.",
        f"Tune:pp = {tune}",
        "HardQCD:gg2gg = on",
        "HardQCD:qqbar2gg = on",
        "HardQCD:qq2qq = on",
        "HardQCD:gg2qqbar = on",
        "HardQCD:qqbar2qqbarNew = on",
        f"PhaseSpace:pTHatMin = {pt_hat[0]:g}",
        f"PhaseSpace:pTHatMax = {pt_hat[1]:g}",
        *more,
    )


DIJETS = dijets()
MINIMUM_BIAS = (f"Beams:eCM = {ENERGY:.0f}.", f"Tune:pp = {TUNE}", "SoftQCD:inelastic = on")

PARTON_ETA = 1.5  #: both hard partons lie within it
_WRITE_INTEGRALS = "MultipartonInteractions:reuseInit = 1"
#: No test of events, since the generator tests their sums of energy; prepared integrals
_QUICK_START = ("Check:event = off", "MultipartonInteractions:reuseInit = 2")
_START_SEED = 20130131  #: of the integrals for multiparton interactions
#: groups of settings that make the collisions those of the public set, or that calovision needs
_OWN_SETTINGS = ("Beams", "HardQCD", "PhaseSpace", "Tune", "Random", "Main", "Print", "Check")
_MAX_SEED = 900_000_000  #: Pythia's largest seed


class CentralPair(pythia8mc.UserHooks):  # type: ignore[misc]
    """Lets a hard process pass if both partons are central and of the wanted kind."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = GLUON

    def canVetoProcessLevel(self) -> bool:  # noqa: N802 (Pythia's name)
        """Switch the veto on."""
        return True

    def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802 (Pythia's name)
        """Whether to throw the hard process away, before anything else is generated."""
        first, second = process[5], process[6]
        if (first.id() == 21) != (self.wanted == GLUON):
            return True
        return bool(max(abs(first.eta()), abs(second.eta())) > PARTON_ETA)


def refusal(line: str) -> str:
    """Why a setting in Pythia's words cannot be added to those of a simulation; empty if it can."""
    group = line.split(":")[0].strip()
    if group in _OWN_SETTINGS:
        return f"{group} is decided by the simulation"
    settings = pythia8mc.Settings(default_pythia().settings)
    with quiet():
        known = line.count("=") == 1 and settings.readString(line)
    return "" if known else "Pythia does not know it"


@functools.cache
def default_pythia() -> Any:
    """A Pythia with the settings and particle data of its files, which others copy."""
    return pythia8mc.Pythia("", False)


def start_pythia(
    settings: tuple[str, ...], seed: int, hook: Any = None, integrals: Path | None = None
) -> Any:
    """A fresh, silent Pythia.

    Args:
        settings: in Pythia's words.
        seed: taken modulo Pythia's largest.
        hook: is asked about hard processes.
        integrals: file that the settings let Pythia write its integrals for multiparton
            interactions to, or read them from.

    Raises:
        RuntimeError: Pythia does not take the settings.
    """
    pythia = pythia8mc.Pythia(default_pythia().settings, default_pythia().particleData, False)
    own = ("Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed % _MAX_SEED + 1}")
    if integrals is not None:
        # not in words, where a value cannot have spaces
        pythia.settings.word("MultipartonInteractions:initFile", str(integrals))
    for line in (*settings, *own):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia refuses the setting {line!r}")
    if hook is not None:
        pythia.setUserHooksPtr(hook)
    if not pythia.init():
        raise RuntimeError("Pythia does not start with its settings")
    return pythia


@functools.cache
def _folder() -> Path:
    """The cache folder, or one for this process alone if it cannot be written."""
    folder = cache.folder()
    if cache.writable(folder):
        return folder
    return Path(tempfile.mkdtemp(prefix="calovision-"))


def integrals(settings: tuple[str, ...]) -> Path:
    """File with the integrals for multiparton interactions, half the work of a start.

    Pythia integrates at random, here with a seed of its own, so that they are the same everywhere.
    """
    version = importlib.metadata.version("pythia8mc")
    path = _folder() / f"multiparton-{cache.digest(version, settings, _START_SEED)}.txt"
    if not path.exists():
        waits_for("preparing Pythia, once per machine")
        part = path.with_suffix(f".{os.getpid()}.part")
        start_pythia((*settings, _WRITE_INTEGRALS), _START_SEED, integrals=part)
        os.replace(part, path)
    return path


def start_dijets(seed: int, hook: Any, settings: tuple[str, ...]) -> Any:
    """A fresh, silent Pythia for hard processes, sooner ready than by :func:`start_pythia`."""
    return start_pythia((*settings, *_QUICK_START), seed, hook, integrals(settings))
