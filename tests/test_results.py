"""The results in README and docs are those of the stored studies."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
STUDIES = ("jet-vae", "jet-tagging")


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results", ROOT / "docs" / "write_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("study", STUDIES)
def test_tables_are_the_ones_of_the_stored_study(writer: ModuleType, study: str) -> None:
    content = json.loads((ROOT / "docs" / "results" / f"{study}.json").read_text())
    for page, text in writer.PAGES[study].items():
        assert text(content) in (ROOT / page).read_text(), page


def test_every_stored_study_is_shown(writer: ModuleType) -> None:
    assert set(STUDIES) == set(writer.PAGES) == set(writer.DRAW)


def test_numbers_show_two_digits_of_their_error(writer: ModuleType) -> None:
    tables = sys.modules["tables"]

    def shown(value: float, error: float, unit: str = "") -> str:
        text: str = tables.number({"value": value, "error": error, "unit": unit})
        return text

    assert shown(0.98765, 0.00123) == "0.9877 ± 0.0012"
    assert shown(3.0, 0.15, "GeV") == "3.000 ± 0.150 GeV"
    assert tables.number(None) == "-"


def test_picture_and_pages_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    for part in text.split("](")[1:]:
        target = part.split(")")[0]
        assert (ROOT / target).exists(), target
