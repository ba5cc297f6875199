"""A few hundred of the inputs that ``make stress`` tries by the ten thousand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

STRESS = Path(__file__).parent / "stress"
EACH = 25  #: inputs of a kind


@pytest.fixture(scope="module")
def stress() -> dict[str, ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STRESS))
        return {name: importlib.import_module(name) for name in ("readers", "fuzz")}


@pytest.mark.parametrize(
    "family", ["_images", "_sets", "_settings", "_arrays", "_weights", "_particles"]
)
def test_spoiled_files_are_read_or_refused(
    stress: dict[str, ModuleType], tmp_path: Path, family: str
) -> None:
    sound = tmp_path / "sound"
    sound.mkdir()
    faults = {}
    for kind in getattr(stress["readers"], family)(sound):
        place = tmp_path / kind.name
        place.mkdir()
        tally = stress["fuzz"].fuzz(kind, range(EACH), 7, place)
        assert tally.fates.total() == EACH
        faults |= {f"{kind.name}:{n}": told for told, n in tally.faults.items()}
    assert faults == {}
