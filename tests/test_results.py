"""The results in README and docs are those of the stored study."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results", ROOT / "docs" / "write_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("page", "keys"), [("README.md", "SHORT"), ("docs/jet-vae.md", "LONG")])
def test_tables_are_the_ones_of_the_stored_study(writer: ModuleType, page: str, keys: str) -> None:
    comparison = json.loads((ROOT / "docs" / "results" / "jet-vae.json").read_text())
    assert writer.table(comparison, getattr(writer, keys)) in (ROOT / page).read_text()


def test_numbers_show_two_digits_of_their_error(writer: ModuleType) -> None:
    def shown(value: float, error: float, unit: str = "") -> str:
        text: str = writer.number({"value": value, "error": error, "unit": unit})
        return text

    assert shown(0.98765, 0.00123) == "0.9877 ± 0.0012"
    assert shown(3.0, 0.15, "GeV") == "3.000 ± 0.150 GeV"
    assert writer.number(None) == "-"


def test_picture_and_pages_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    for part in text.split("](")[1:]:
        target = part.split(")")[0]
        assert (ROOT / target).exists(), target
