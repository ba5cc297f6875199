from __future__ import annotations

import html
import json
import re
import shutil

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.reports.from_runs import headlines, report
from calovision.reports.pages.classification import quality
from calovision.reports.sources import read_source, save_arrays

TITLES = [
    "Quality",
    "ROC curves",
    "Scores and calibration",
    "Example jets",
    "The models and their cost",
    "The published protocol",
    "More training jets",
    "Other detectors, other jets",
    "Quality against momentum",
    "Mass sculpting",
    "Which hits drive the score",
    "Which observables drive the score",
    "Training",
    "What the numbers mean",
    "How it was made",
]


def titles_of(page: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)</h2>", page)


@pytest.fixture(scope="module")
def study(make_tagging, tmp_path_factory):
    return make_tagging(tmp_path_factory.mktemp("tagging") / "study")


@pytest.fixture(scope="module")
def page(study):
    path = report([study], study.parent / "report.html")
    return path.read_text(encoding="utf-8")


def test_a_study_gives_every_part(page):
    assert titles_of(page) == TITLES
    assert page.count("<img ") == 13
    assert page.count('<iframe class="display"') == 1
    assert "probability" in html.unescape(page.split("<iframe")[1].split("</iframe>")[0])
    assert "particle-transformer</th>" not in page  # it is called ours
    for words in ("What is special about baseline.", "arXiv:1706.04599", "ours - baseline"):
        assert words in page


def test_the_numbers_are_those_of_the_study(page, study):
    content = json.loads((study / "comparison.json").read_text())
    ours = content["models"][0]
    assert f"{ours['metrics']['auc']['value']:.3f}" in page
    for number in (
        "0.0015 (3)",  # spread of the seeds
        "+6.2 sigma",
        "3,120 ± 40",
        "0.7138",
        "98.0 %",
        "-0.0100 ± 0.0020",
        "+0.0020 ± 0.0020",
        "0.710 ± 0.010",
        "80,000",
    ):
        assert number in page, number
    # an observable that is smaller for quark jets separates as well as its opposite
    assert "<td>0.700</td>" in page


def test_headlines_are_auc_rejection_and_speed(study):
    source = read_source(study)
    assert list(source.models) == ["ours", "particlenet", "trees", "baseline"]
    found = headlines(source)
    assert [h.label for h in found] == ["ROC AUC", "Rejection at 50 %", "Inference speed"]
    assert found[0].note.startswith("baseline 0.")
    assert found[2].value == "3120 ± 40 jets/s"


def test_missing_files_leave_their_part_out(study, tmp_path):
    shutil.copy(study / "comparison.json", tmp_path)
    page = report([tmp_path], tmp_path / "r.html").read_text(encoding="utf-8")
    assert titles_of(page) == [
        "Quality",
        "The models and their cost",
        "The published protocol",
        "What the numbers mean",
        "How it was made",
    ]


def test_a_single_run(study, tmp_path):
    result = json.loads((study / "comparison.json").read_text())["models"][0]
    del result["seeds"]
    result["metrics"]["strange"] = {"value": 3.0, "error": 0.1}
    (tmp_path / "results.json").write_text(json.dumps(result))
    with np.load(study / "scores.npz") as arrays:
        mine = ("label", "m0", "score/particle-transformer")
        save_arrays(tmp_path / "scores.npz", {k: arrays[k] for k in mine})
    page = report([tmp_path], tmp_path / "r.html").read_text(encoding="utf-8")
    assert titles_of(page) == [
        "Quality",
        "ROC curves",
        "Scores and calibration",
        "The models and their cost",
        "Mass sculpting",
        "Other numbers",
        "What the numbers mean",
        "How it was made",
    ]
    assert page.count("<img ") == 4
    assert "seed spread" not in page


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("scaling.json", '{"rows": [{"model": "trees"}]}', "without model or jets or auc"),
        ("robustness.json", '{"pt_bins": [{"model": "trees"}]}', "without model or lo"),
        ("explanation.json", '{"occlusion": {"channels": []}}', "occlusion map"),
        ("examples/scores.json", '{"score": [0.5]}', "1 scores for 12 jets"),
        ("comparison.json", '{"study": "jet-tagging", "models": [1]}', "not a comparison"),
    ],
)
def test_broken_files_are_named(study, tmp_path, name, content, complaint):
    broken = shutil.copytree(study, tmp_path / "study")
    (broken / "scores.npz").unlink()
    (broken / name).write_text(content)
    with pytest.raises(InputError, match=complaint):
        report([broken], tmp_path / "r.html")


def test_a_study_beside_another(study, make_study, tmp_path):
    # the comparisons alone: pictures are drawn in the other tests
    for name, whole in (("study", study), ("vae", make_study(tmp_path / "whole"))):
        (tmp_path / name).mkdir()
        shutil.copy(whole / "comparison.json", tmp_path / name)
    folders = [tmp_path / "study", tmp_path / "vae"]
    page = report(folders, tmp_path / "r.html").read_text(encoding="utf-8")
    anchors = re.findall(r'<section id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert "Jet tagging: quark or gluon? (study): Quality" in page
    assert "(vae): Which cells are lit" in page


def test_the_page_is_a_few_screens(page, show_page):
    shown = show_page(page, viewport={"width": 1280, "height": 800})
    assert shown.evaluate("document.documentElement.scrollHeight") <= 6 * 800
    shown.locator("details:has(iframe.display) > summary").click()
    canvas = shown.frame_locator("iframe.display").locator("canvas").first
    canvas.wait_for(state="visible")
    shown.wait_for_function("document.querySelector('iframe.display').offsetHeight > 200")
    assert canvas.bounding_box()["width"] > 80


def test_a_study_says_what_ours_began_with(study, tmp_path):
    words = "Ours begins with the model that comes with the package, which 20,000 training jets"
    assert words not in quality(read_source(study)).text
    shutil.copytree(study, tmp_path / "study")
    file = tmp_path / "study" / "comparison.json"
    content = json.loads(file.read_text())
    content["models"][0]["begun_with"] = 20_000
    file.write_text(json.dumps(content))
    assert words in quality(read_source(tmp_path / "study")).text
