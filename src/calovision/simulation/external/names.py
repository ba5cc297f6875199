"""Names of particle quantities and collections in the files of other programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from calovision.errors import InputError
from calovision.simulation.external.particles import Rows

#: names of quantities, in order of preference: alone or behind that of a collection of particles
#: and ``_`` or ``.``; upper or lower case
NAMES = {
    "px": ("px", "momentum.x"),
    "py": ("py", "momentum.y"),
    "pz": ("pz", "momentum.z"),
    "pt": ("pt",),
    "eta": ("eta",),
    "phi": ("phi",),
    "rapidity": ("rapidity", "y"),
    "energy": ("energy", "e"),
    "mass": ("mass",),
    "pdg": ("pdg", "pdgid", "pdg_id", "pid"),
    "charge": ("charge",),
    "status": ("status", "generatorstatus"),
    "photon": ("isphoton",),
    "electron": ("iselectron",),
    "muon": ("ismuon",),
}
_MOMENTUM = ("px", "py", "pz", "pt", "eta", "phi", "rapidity")
#: collections that are known, in order of preference, and what a row with them is
COLLECTIONS: dict[str, Rows] = {
    "": "jets",  # one's own
    "part": "jets",  # JetClass
    "fjet_clus": "jets",  # ATLAS top tagging
    "GenCands": "events",  # PFNano
    "PFCands": "events",
    "GenPart": "events",  # NanoAOD, pruned
    "Particle": "events",  # Delphes
    "MCParticles": "events",  # EDM4hep
    "MCParticle": "events",
    "ReconstructedParticles": "events",
    "PandoraPFOs": "events",
}
PRUNED = "GenPart"
LABEL, WEIGHT = "label", "weight"  #: per-row numbers that are kept
PER_ROW = {
    LABEL: ("label", "labels"),
    WEIGHT: (
        *("weight", "genweight", "event_weight", "event.weight", "eventheader.weight"),
        *("weights", "training_weights"),
    ),
}
FLAG = "label_"  #: begins a column for every class, one of which is 1, as in JetClass
_OTHER_LABEL = "y"  #: the public image files' and EnergyFlow's
_SHOWN = 12  #: names in a message


@dataclass(frozen=True)
class Layout:
    """The columns that are read from a file.

    Attributes:
        collection: whose particles, ``""`` for names without one.
        rows: what a row with them is, ``None`` if that is unknown.
        particles: column of every quantity of particles.
        per_row: column of every per-row number.
        flags: columns with a flag of every class, where there is no label.
    """

    collection: str
    rows: Rows | None
    particles: dict[str, str]
    per_row: dict[str, str]
    flags: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that have flags."""
        return tuple(name.removeprefix(FLAG) for name in self.flags)


def find(depths: Mapping[str, int], wanted: str | None, where: str) -> Layout:
    """Choose what to read among columns.

    Args:
        depths: names of the columns, with 1 for one number a row, 2 for a list of them.
        wanted: collection of particles; by default, the first one that is known.
        where: what holds the columns, for messages.

    Raises:
        InputError: no particles are there, or none that is known.
    """
    found = collections(depths)
    if wanted is not None:
        name = next((c for c in found if c.lower() == wanted.strip("_.").lower()), None)
        if name is None:
            raise InputError(
                f"{where} has no momenta of {wanted} (it has {_listed(found)})",
                "name another collection by --particles",
            )
    else:
        name = next((c for k in COLLECTIONS for c in found if c.lower() == k.lower()), None)
    if name is None and found:
        raise InputError(
            f"{where} has no particles by a known name, but momenta of {_listed(found)}",
            "name one by --particles",
        )
    if name is None:
        known = ", ".join(c for c in COLLECTIONS if c)
        raise InputError(
            f"{where} has no lists of momenta by a known name (it has {_listed(depths)})",
            f"known are px, py, pz or pt, eta, phi, alone or behind {known} and '_' or '.'",
        )
    chosen = found[name]
    if name:
        # A list without a collection's name completes it; momenta are not mixed.
        rest = _quantities(depths).get("", {})
        chosen = {k: v for k, v in rest.items() if k not in _MOMENTUM} | chosen
    rows = next((r for c, r in COLLECTIONS.items() if c.lower() == name.lower()), None)
    numbers = per_row(depths)
    flags = tuple(k for k, depth in depths.items() if k.startswith(FLAG) and depth == 1)
    return Layout(name, rows, chosen, numbers, () if LABEL in numbers or len(flags) < 2 else flags)


def collections(depths: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Collections with momenta, and the columns of their quantities."""
    return {
        c: q
        for c, q in _quantities(depths).items()
        if {"px", "py", "pz"} <= q.keys()
        or ({"pt", "phi"} <= q.keys() and {"eta", "rapidity"} & q.keys())
    }


def known_names(names: Iterable[str]) -> list[str]:
    """The names that stand for some quantity."""
    several = dict.fromkeys(names, 2)
    inside = {n for q in _quantities(several).values() for n in q.values()}
    lower = {c for candidates in PER_ROW.values() for c in candidates} | {_OTHER_LABEL}
    return [n for n in several if n in inside or n.lower() in lower or n.startswith(FLAG)]


def per_row(depths: Mapping[str, int]) -> dict[str, str]:
    """Columns with labels and weights of rows."""
    lower: dict[str, str] = {}
    for name in depths:
        lower.setdefault(name.lower(), name)
    found = {}
    for quantity, candidates in PER_ROW.items():
        if known := [lower[c] for c in candidates if c in lower]:
            found[quantity] = known[0]
    other = lower.get(_OTHER_LABEL)
    if LABEL not in found and other is not None and depths[other] == 1:
        found[LABEL] = other
    return found


def _quantities(depths: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Columns that hold lists, by collection and quantity."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for name, depth in depths.items():
        for quantity, candidates in NAMES.items() if depth > 1 else ():
            for rank, candidate in enumerate(candidates):
                if name.lower() == candidate or name.lower().endswith(
                    (f"_{candidate}", f".{candidate}")
                ):
                    mine = found.setdefault(name[: -len(candidate)].rstrip("_."), {})
                    mine[quantity] = min(mine.get(quantity, (rank, name)), (rank, name))
    return {c: {k: n for k, (_, n) in q.items()} for c, q in found.items()}


def _listed(names: Mapping[str, object]) -> str:
    shown = [n or "names without a collection" for n in list(names)[:_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") or "nothing"
