"""Files of the detector's constants."""

from __future__ import annotations

import math
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.utils.plain_yaml import mapping_of
from calovision.utils.unreadable import reading

CONSTANTS = "detector"  #: key of the constants; others describe where they are from
DESCRIBING = {"source", "fitted", "covariance", "table"}
#: constants below this value make no sense; of all others, below 0
_LEAST = {"jet_radius": 0.1, "crystal_eta": 1e-3, "crystal_phi": 1e-3, "jet_turn_on": 1e-3}
_FIXED = ("crystal_eta", "crystal_phi", "jet_radius")  #: what images and generator assume


def read_detector(file: Path) -> Detector:
    """The detector whose constants a YAML file holds below ``detector``; others are the usual ones.

    Raises:
        InputError: it holds none, an unknown one, or a value that makes no sense.
    """
    try:
        with reading(file):
            text = file.read_text(encoding="utf-8")
        content = mapping_of(text)
    except ValueError as error:
        raise InputError(
            f"{file} holds no detector ({error})", "see calovision data calibrate"
        ) from None
    given = content.get(CONSTANTS)
    if not isinstance(given, dict) or content.keys() - DESCRIBING != {CONSTANTS}:
        raise InputError(
            f"{file} holds no detector", "give 'detector:' and below it names and values"
        )
    return CMS_BARREL._replace(**{str(k): _checked(file, str(k), v) for k, v in given.items()})


def _checked(file: Path, name: str, value: Any) -> Any:
    usual = getattr(CMS_BARREL, name, None) if name in Detector._fields else None
    if usual is None:
        close = get_close_matches(name, Detector._fields, 1)
        remedy = f"did you mean {close[0]}?" if close else "see calovision.simulation.detector"
        raise InputError(f"{file}: the detector has no constant {name!r}", remedy)
    kinds = int if isinstance(usual, int) else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not math.isfinite(value):
        wanted = "a whole number" if isinstance(usual, int) else "a number"
        raise InputError(f"{file}: {name} is {value!r}", f"give {wanted}")
    if value < _LEAST.get(name, 0):
        raise InputError(f"{file}: {name} is {value}", f"give {_LEAST.get(name, 0):g} or more")
    if name in _FIXED and value != usual:
        raise InputError(f"{file}: {name} is {value}", f"it is fixed to {usual}")
    return type(usual)(value)
