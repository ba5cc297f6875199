"""How the images of a file lie in it and what unit they have, where nobody can tell by looking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calovision.errors import InputError
from calovision.events.events import Unit, is_gev
from calovision.events.geometry import Geometry

IMAGES, LABEL = "X", "y"  #: what ``keys`` call the images and the labels
_ALIASES = {"X_jets": IMAGES, "label": LABEL}


@dataclass(frozen=True)
class Layout:
    """What a user says of files that are not as the public ones; nothing of it must be said.

    Attributes:
        keys: names in the file by those of the public files: ``X`` (images), ``y`` (labels), ``pt``
            and ``m0`` (GeV), ``weight``, or a name that another column shall have.
        geometry: the grid of the images; of the public ones, by default, that which their key and
            shape tell.
        channels_first: the images are ``(n, channels, rows, cols)`` and nothing else; by default
            the shape tells.
        unit: of a pixel: ``"gev"``, ``"image"`` for the geometry's units, or as the content tells.
        threshold: GeV a pixel; energies below it are noise and become 0. By default
            :data:`~calovision.events.formats.units.THRESHOLD_GEV` in files in GeV, and nothing
            otherwise.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    geometry: Geometry | None = None
    channels_first: bool = False
    unit: Unit | None = None
    threshold: float | None = None

    @property
    def in_gev(self) -> bool:
        """Whether pixels are in GeV, once that is settled."""
        return self.unit == "gev"

    @property
    def is_own(self) -> bool:
        """Whether names or grid are the user's: nothing but the images must then be there."""
        return bool(self.keys) or self.geometry is not None

    def to_dict(self) -> dict[str, Any]:
        """What was said or found, JSON-ready, for the provenance of a set."""
        found: dict[str, Any] = {"unit": self.unit, "threshold": self.threshold}
        found |= {"keys": dict(self.keys) or None, "channels_first": self.channels_first or None}
        return {k: v for k, v in found.items() if v is not None}


def checked_layout(
    keys: Mapping[str, str] | None,
    geometry: Geometry | None,
    channels_first: bool,
    unit: Unit | None,
    threshold: float | None,
) -> Layout:
    """The layout that a user gives.

    Raises:
        InputError: names that are no text or that stand for two things, a grid on which no hits can
            lie, another unit, or a threshold that is negative or not finite.
    """
    if not isinstance(keys or {}, Mapping) or not all(
        isinstance(name, str) and name for pair in (keys or {}).items() for name in pair
    ):
        raise InputError(f"the keys are {keys!r}", "give names by names, as X=images,y=target")
    named = {_ALIASES.get(k, k): v for k, v in (keys or {}).items()}
    if len(named) < len(keys or {}) or len(set(named.values())) < len(named):
        raise InputError(f"the keys {dict(keys or {})} name one thing twice", "name each once")
    if geometry is not None and not geometry.is_sound():
        raise InputError(f"{geometry.name!r} is not a grid", "see help(cv.Geometry)")
    if unit is not None:
        unit = "gev" if is_gev(unit) else "image"
    return Layout(named, geometry, bool(channels_first), unit, checked_threshold(threshold))


def checked_threshold(threshold: float | None) -> float | None:
    """A threshold (GeV a pixel), or none.

    Raises:
        InputError: negative, not finite, or no number.
    """
    if threshold is None:
        return None
    if not isinstance(threshold, int | float) or not 0 <= threshold < math.inf:
        raise InputError(f"the threshold is {threshold!r}", "give GeV a pixel, at least 0")
    return float(threshold)


def keys_of(text: str) -> dict[str, str]:
    """The names in ``X=images,y=target``.

    Raises:
        InputError: it is written otherwise.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    names = [name.strip() for name, _, _ in pairs]
    complete = all(name.strip() and other.strip() for name, _, other in pairs)
    if not complete or len(set(names)) < len(names):
        raise InputError(f"the keys {text!r} are no list of names", "write X=images,y=target")
    return {name: other.strip() for name, (_, _, other) in zip(names, pairs, strict=True)}
