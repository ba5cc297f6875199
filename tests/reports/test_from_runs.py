from __future__ import annotations

import json
import re
import shutil

import pytest

from calovision.errors import InputError
from calovision.reports.from_runs import headlines, report
from calovision.reports.sources import read_source


@pytest.fixture(scope="module")
def study_and_page(make_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    study = make_study(folder / "study")
    return study, report([study], folder / "report.html")


@pytest.fixture(scope="module")
def page(study_and_page):
    return study_and_page[1].read_text(encoding="utf-8")


def test_a_study_gives_every_part(page):
    titles = re.findall(r"<h2>([^<]+)</h2>", page)
    assert titles == [
        "Originals and reconstructions",
        "Which cells are lit",
        "How far the energy is misplaced",
        "Can they be told apart",
        "Pixel-wise scores, and why not to trust them",
        "Other numbers",
        "Response, jet by jet",
        "Distributions",
        "Map of the latent space",
        "Training",
        "How it was made",
    ]
    assert page.count("<img ") == 2 + 1 + 1 + 3 + 1
    assert page.count('<iframe class="display"') == 1
    for fact in ("1,000 events of data/test", "abababababababab", "<dd>7</dd>", "12,345", "2.13.0"):
        assert fact in page
    assert "/anywhere" not in page


def test_the_numbers_are_those_of_the_study(page):
    for number in ("0.600 ± 0.010", "0.200 ± 0.010", "16.7 ± 0.5", "0.333 x", "3 x"):
        assert number in page
    assert "Strange number" in page


def test_three_headlines_compare_ours_with_the_baseline(make_study, tmp_path):
    found = headlines(read_source(make_study(tmp_path / "study")))
    assert [h.value for h in found] == ["0.600 ± 0.010", "16.7 ± 0.5 GeV", "0.700 ± 0.010"]
    assert found[0].note == "baseline 0.200 ± 0.010; higher is better"
    assert "0.5 is perfect" in found[2].note


def test_one_page_for_several_studies(make_study, tmp_path):
    folders = [make_study(tmp_path / name) for name in ("first", "second")]
    for folder in folders:
        shutil.rmtree(folder / "examples")  # drawn in the other tests
    text = report(folders, tmp_path / "both.html").read_text(encoding="utf-8")
    anchors = re.findall(r'<section id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors)) == 19


def test_a_run_without_baseline(tmp_path):
    entry = {"value": 0.8, "error": 0.01, "unit": "", "floor": None, "higher_is_better": True}
    content = {"task": "jet-tagger", "model": "net", "metrics": {"auc": entry}}
    (tmp_path / "results.json").write_text(json.dumps(content))
    text = report([tmp_path], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "0.800 ± 0.010" in text
    assert "baseline" not in text.partition("<body>")[2]


def test_it_can_be_made_again(study_and_page, tmp_path):
    study, first = study_and_page
    again = report([study], tmp_path / "again.html")
    assert again.read_bytes() == first.read_bytes()


def test_no_folder_or_no_study_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        report([], tmp_path / "report.html")
    with pytest.raises(InputError, match="neither"):
        report([tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_runs_of_one_task_stand_in_one_table(make_study, tmp_path):
    runs = []
    for name, model in (("one", "ours"), ("two", "own:CNN"), ("three", "ours")):
        study = make_study(tmp_path / f"of-{name}")
        results = json.loads((study / "comparison.json").read_text())["models"][0]
        run = tmp_path / name
        run.mkdir()
        (run / "results.json").write_text(json.dumps(results | {"model": model}))
        runs.append(run)
    page = report(runs, tmp_path / "r.html").read_text()
    titles = re.findall(r"<h2>([^<]+)</h2>", page)
    assert len(titles) == len(set(titles))
    assert all(
        re.search(rf">\s*{re.escape(name)}\s*<", page)
        for name in ("ours", "own:CNN", "ours (three)")
    )


def test_a_page_is_a_few_screens_and_links_unfold_the_rest(study_and_page, show_page):
    text = study_and_page[1].read_text(encoding="utf-8")
    page = show_page(text, viewport={"width": 1280, "height": 800})
    assert page.evaluate("document.documentElement.scrollHeight") <= 6 * 800
    assert not page.locator("#training figure").is_visible()
    page.locator('nav a[href="#training"]').click()
    page.locator("#training figure").wait_for(state="visible")
    page.locator("details:has(#training) > summary").click()
    page.locator("#training figure").wait_for(state="hidden")


def test_a_phone_scrolls_tables_and_not_the_page(study_and_page, show_page):
    text = study_and_page[1].read_text(encoding="utf-8")
    page = show_page(text, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.scrollHeight") <= 12 * 844
    wider = "[...document.querySelectorAll('.scroll')].some(s => s.scrollWidth > s.clientWidth)"
    assert page.evaluate(wider)
    bar = "getComputedStyle(document.querySelector('.scroll'), '::-webkit-scrollbar').height"
    assert page.evaluate(bar) == "9px"
