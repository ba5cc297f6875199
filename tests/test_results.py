"""The results in README and docs are those of the stored studies."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
STUDIES = ("jet-vae", "jet-tagging", "jet-generation", "egamma", "symmetry")
STORED = [s for s in STUDIES if (ROOT / "docs" / "results" / f"{s}.json").exists()]


@pytest.fixture(scope="module")
def writer(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("write_results")


@pytest.mark.parametrize("study", STORED)
def test_tables_are_the_ones_of_the_stored_study(writer: ModuleType, study: str) -> None:
    content = json.loads((ROOT / "docs" / "results" / f"{study}.json").read_text())
    for page, text in writer.PAGES[study].items():
        assert text(content) in (ROOT / page).read_text(), page


def test_every_stored_study_is_shown(writer: ModuleType) -> None:
    assert set(STUDIES) == set(writer.PAGES)


def test_the_readme_has_a_row_of_every_stored_study(writer: ModuleType) -> None:
    text = sys.modules["tables_summary"].summary(writer.stored())
    assert (
        f"<!-- summary: begin -->\n{text}\n<!-- summary: end -->"
        in (ROOT / "README.md").read_text()
    )
    links = [line.split("(")[1].split(")")[0] for line in text.splitlines() if "](" in line]
    assert links == [f"docs/{s}.md" for s in STORED]
    alone = sys.modules["tables_summary"].summary({"jet-generation": generation()})
    assert "| 0.600 ± 0.010 | 1.000 ± 0.010 |" in alone
    assert "not measured" not in alone


def test_the_baseline_tells_how_often_it_went_through_its_crops(writer: ModuleType) -> None:
    content = writer.stored()["egamma"]
    baseline = next(m for m in content["models"] if m["model"] == "baseline")
    baseline["budget"]["steps"] = 10_000  # of 64 crops, 70,000 for training
    assert "went through its training crops 9.14 times" in writer.PAGES["egamma"]["docs/egamma.md"](
        content
    )


def test_a_study_that_is_not_stored_has_no_numbers(writer: ModuleType) -> None:
    for study in set(STUDIES) - set(STORED):
        for page in writer.PAGES[study]:
            _, _, rest = (ROOT / page).read_text().partition(f"<!-- {study}: begin -->")
            between, end, _ = rest.partition(f"<!-- {study}: end -->")
            assert end, page
            assert not between.strip(), page


def test_generators_stand_side_by_side(writer: ModuleType) -> None:
    content = generation()
    short = writer.PAGES["jet-generation"]["docs/results.md"](content)
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in short.splitlines()[:4]]
    assert rows[2] == ["**ours** (particles)", "0.600 ± 0.010", "0.600 ± 0.010", "3", "812"]
    assert rows[3] == ["published DDPM", "1.000 ± 0.010", "1.000 ± 0.010", "2", "0.25"]
    full = writer.PAGES["jet-generation"]["docs/jet-generation.md"](content)
    for line in (
        "| Jet mass m0 [GeV] | 0.120 ± 0.010 | 0.04 | 3 | - |",
        "| ECAL summed energy [GeV] | 4.000 ± 0.010 | 2 | 2 | 10 |",
        "| Jet mass m0: W1 / floor | 3 |",
        "| true jet pT 90 to 110 GeV | 1.030 ± 0.014 |",
        "| simulation | 120 | 1 |",
        "| parameters | 5,432 | - |  |",
    ):
        assert line in full, line
    for optional in ("response", "costs"):
        del content[optional]
    assert "Response" not in writer.PAGES["jet-generation"]["docs/jet-generation.md"](content)


def generation() -> dict[str, Any]:
    """What a study of two generators stores; the baseline has no masses and no classes."""

    def metric(value: float, error: float = 0.01, unit: str = "", floor: float = 0.0) -> Any:
        return {"value": value, "error": error, "unit": unit, "floor": floor or None}

    ours = {
        "classifier_auc_strictest": metric(0.6, floor=0.5),
        "classifier_auc": metric(0.6, floor=0.5),
        "fpd": metric(0.0021, 0.0001, floor=0.0007),
        "w1_sum_e_ecal": metric(4.0, unit="GeV", floor=2.0),
        "w1_column_m0": metric(0.12, unit="GeV", floor=0.04),
        "jets_per_s": metric(812.3, 0.0, "jets/s"),
    }
    published = {
        "classifier_auc_strictest": metric(1.0, floor=0.5),
        "classifier_auc": metric(1.0, floor=0.5),
        "fpd": metric(0.4, floor=0.2),
        "w1_sum_e_ecal": metric(30.0, unit="GeV", floor=3.0),
        "jets_per_s": metric(0.25, 0.0, "jets/s"),
    }
    versions = {"calovision": "1", "torch": "2", "python": "3"}
    shared = {"data": {"events": 1000, "hash": "ab" * 32}, "seed": 1, "versions": versions}
    budget = {"wall_s": 600.0, "device": "cpu"}
    models = [
        {
            **shared,
            "model": "particles",
            "budget": {**budget, "parameters": 5432},
            "metrics": ours,
            "classes": {"gluon": {k: m for k, m in ours.items() if k.startswith("w1_")}},
        },
        {**shared, "model": "baseline", "budget": budget, "metrics": published, "classes": {}},
    ]
    mean = {"simulated": metric(200.0, 2.0), "generated": metric(206.0, 2.0)}
    row = {"condition": "gen_pt 90 to 110 GeV", "observable": "n_hit_ecal", "unit": "hits", **mean}
    return {
        "study": "jet-generation",
        "scale": "quick",
        "models": models,
        "response": {"rows": [row]},
        "costs": {"rows": [{"what": "simulation", "jets_per_s": 120.0, "speedup": 1.0}]},
    }


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


def test_the_front_page_and_the_costs_are_those_of_the_stored_studies(writer: ModuleType) -> None:
    """What ``write_results`` would write is there already."""
    tables, contents = sys.modules["tables_summary"], writer.stored()
    front, models = ((ROOT / "docs" / f"{p}.md").read_text() for p in ("index", "which-model"))
    assert tables.sentence(contents) in (ROOT / "README.md").read_text()
    assert tables.sentence(contents).replace("(docs/", "(") in front
    assert tables.summary(contents).replace("(docs/", "(") in front
    assert tables.costs(contents) in models
    assert tables.shipped_costs() in models


def test_what_constants_move_is_what_was_measured(docs_script: Callable[[str], ModuleType]) -> None:
    writer = docs_script("write_constants")
    result = json.loads(writer.STORED.read_text())
    assert writer.table(result) in writer.PAGE.read_text()
    assert set(result["rows"]) <= set(writer.CMS_BARREL._fields)
