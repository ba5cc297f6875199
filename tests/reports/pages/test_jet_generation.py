from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.store import save
from calovision.reports.from_runs import headlines, report
from calovision.reports.pages import generation_pictures, jet_generation
from calovision.reports.pages.generation_tables import condition, quotient, ratios, response_table
from calovision.reports.pages.judges import judges as judge_section
from calovision.reports.plots.general import class_distribution
from calovision.reports.sources import read_source

TITLES = [
    "Told from simulated jets?",
    "What each judge says",
    "Generated beside simulated jets",
    "Mean images",
    "Distances of distributions",
    "Is all of it there, and nothing else",
    "Distributions",
    "Class by class",
    "Response to conditions",
    "Faster than the simulation?",
    "The models and their cost",
    "Training",
    "Other numbers",
    "What the numbers mean",
    "How it was made",
]
DRAWN = ("n_hit_ecal", "column_m0")  #: observables; all of them would take long
FIGURES = 2 + 3 + 2 + 1 + 1 + 2 * len(DRAWN) + 1 + 1 + 1


def metric(value, error=0.01, unit="", floor=None, up=False):
    return {
        "value": value,
        "error": error,
        "unit": unit,
        "floor": floor,
        "higher_is_better": up,
    }


def result(model, far):
    distances = {
        "w1_n_hit_ecal": metric(2.0 * far, 0.5, "hits", 0.5),
        "w1_girth_ecal": metric(0.003 * far, 0.001, "rad", 0.001),
        "w1_hit_energy_hcal": metric(0.2 * far, 0.01, "GeV", 0.0),
    }
    metrics = {
        "classifier_auc_strictest": metric(0.5 + 0.11 * far, floor=0.5),
        "classifier_auc": metric(0.5 + 0.1 * far, floor=0.5),
        "classifier_auc_hits": metric(0.5 + 0.05 * far, floor=0.5),
        "fpd": metric(0.0021 * far, 0.0002, floor=0.0007),
        "kpd": metric(None, None),
        "memorised": metric(0.011, 0.002, floor=0.01),
        "copied": metric(0.0, 0.0, "events", floor=0.0),
        "jets_per_s": metric(300.0 / far, 0.0, "jets/s", up=True),
        "unheard_of": metric(3.0),
        **distances,
    }
    if model != "baseline":
        distances["w1_column_m0"] = metrics["w1_column_m0"] = metric(0.12 * far, 0.04, "GeV", 0.04)
        metrics["tagger_auc_ratio"] = metric(0.987, 0.002, floor=1.0, up=True)
    classes = {k: distances | {"classifier_auc": metric(0.61)} for k in ("gluon", "quark")}
    return {
        "task": "jet-generator",
        "model": model,
        "about": "Diffusion (arXiv:2006.11239).",
        "data": {"path": "/anywhere/data/test", "hash": "cd" * 32, "events": 900, "split": "x"},
        "seed": 3,
        "budget": {"wall_s": 600.0, "parameters": 54321, "device": "cpu"},
        "metrics": metrics,
        "judges": judges(far) if model != "baseline" else {},
        "strictest": "trees",
        "classes": classes if model != "baseline" else {},
        "versions": {"python": "3.12.0"},
    }


def judges(far):
    def said(auc):
        curve = [{"events": n, "auc": metric(0.5 + (auc - 0.5) * n / 800)} for n in (200, 400, 800)]
        return {"auc": metric(auc), "curve": curve}

    return {
        name: {"metric": key, **said(0.5 + rise * far), "truth": said(0.501), "wall_s": 1.0}
        for name, key, rise in (
            ("trees", "classifier_auc", 0.1),
            ("hits", "classifier_auc_hits", 0.05),
        )
    }


def response():
    kinds = [f"{k}_{c}" for k in ("n_hit", "sum_e") for c in ("track", "ecal", "hcal")]
    rows = [
        {
            "condition": name,
            "observable": kind,
            "unit": "GeV" if kind.startswith("sum") else "hits",
            "simulated": {"value": 200.0, "error": 2.0},
            "generated": {"value": 206.0, "error": 2.0},
        }
        for name in ("gluon", "pt 90 to 110 GeV", "gen_pt 90 to 110 GeV")
        for kind in kinds
    ]
    rows[0]["simulated"] = {"value": 0.0, "error": 0.0}
    return {"rows": rows}


def write(path, jets):
    """A whole toy study; the baseline has neither classes nor masses."""
    path.mkdir(parents=True)
    found = {"particles": 1.0, "particles-small": 2.0, "baseline": 5.0}
    models = [result(m, far) for m, far in found.items()]
    comparison = {"study": "jet-generation", "scale": "quick", "models": models, "floor": {}}
    log = [{"step": i, "wall_s": 2.0 * i, "train_loss": 1 / i} for i in (1, 2, 3)]
    costs = [{"what": w, "jets_per_s": 98.7, "speedup": 3.21} for w in ("simulation", *found)]
    dial = {"model": "baseline", "steps": 2, "auc": 0.99, "error": 0.01, "jets_per_s": 3.0}
    files = {
        "dial": {"rows": [dial]},
        "comparison": comparison,
        "curves": dict.fromkeys(found, log),
        "response": response(),
        "costs": {"rows": costs},
    }
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    save(jets[:24], path / "data" / "test", provenance={})
    for start, model in zip((24, 36, 48), found, strict=True):
        made = jets[start : start + 12]
        if model == "baseline":
            made.columns = {}
        save(made, path / "generated" / model, provenance={})
    return path


@pytest.fixture(scope="module")
def study(toy_jets, tmp_path_factory):
    return write(tmp_path_factory.mktemp("generation") / "study", toy_jets)


@pytest.fixture(scope="module")
def page(study):
    assert set(DRAWN) < set(jet_generation.SHOWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jet_generation, "SHOWN", DRAWN)
        return report([study], study.parent / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def bare(study, tmp_path):
    """The study as it is when only its comparison was written."""
    folder = tmp_path / "bare"
    folder.mkdir()
    shutil.copy(study / "comparison.json", folder)
    return folder


def titles_of(path):
    return re.findall(r"<h2>([^<]+)</h2>", path.read_text(encoding="utf-8"))


def test_a_study_gives_every_part(page):
    assert re.findall(r"<h2>([^<]+)</h2>", page) == TITLES
    assert page.count("<img ") == FIGURES
    assert page.count('<iframe class="display"') == 1
    assert len(page) < 4_000_000
    for words in (
        "particles-small",
        "arXiv:2006.11239",
        "arXiv:2211.10295",
        "54,321",
        "True jet pT",
    ):
        assert words.lower() in page.lower(), words


def test_the_numbers_are_those_of_the_study(page):
    row = re.search(r'title="w1_n_hit_ecal">(.*?)</tr>', page, re.DOTALL)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row.group(1))
    assert cells == ["0.5", "2.0 ± 0.5", "4", "4.0 ± 0.5", "8", "10.0 ± 0.5", "20"]
    for number in ("0.600 ± 0.010", "0.9870 ± 0.0020", "1.030 ± 0.014", "0.0007"):
        assert number in page, number
    assert "simulated 200.0 ± 2.0, generated 206.0 ± 2.0 hits" in page


def test_ours_comes_first_and_the_headlines_compare_it(study):
    source = read_source(study)
    assert list(source.models) == ["ours", "particles-small", "baseline"]
    found = headlines(source)
    assert [h.value for h in found] == ["0.610 ± 0.010", "0.00210 ± 0.00020", "300 jets/s"]
    assert found[0].note == "baseline 1.050 ± 0.010; 0.5 is perfect"


def test_files_that_are_missing_leave_their_part_out(bare, study):
    words = ["The models and their cost", "Other numbers", "What the numbers mean"]
    page = report([bare], bare / "r.html")
    first = ["Told from simulated jets?", "What each judge says", "Distances of distributions"]
    first.append("Class by class")
    assert titles_of(page) == [*first, *words, "How it was made"]
    # an interrupted generation leaves shards without a manifest
    shutil.copytree(study / "generated" / "particles", bare / "generated" / "particles")
    (bare / "generated" / "particles" / "manifest.json").unlink()
    shutil.copytree(study / "data", bare / "data")
    assert titles_of(report([bare], bare / "r.html")) == [*first, *words, "How it was made"]


def test_costs_stand_beside_the_simulation(page):
    row = page.split("Faster than the simulation?")[-1].split("</table>")[0]
    assert row.count("98.7") == 4
    assert row.count("3.2") == 4


def test_a_single_run_is_reported(bare, study):
    (bare / "comparison.json").unlink()
    content = json.loads((study / "comparison.json").read_text())["models"][0]
    (bare / "results.json").write_text(json.dumps(content))
    page = report([bare], bare / "r.html")
    assert titles_of(page)[0] == "Told from simulated jets?"
    assert "0.9870 ± 0.0020" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("costs.json", '{"rows": [{"what": 3}]}'),
        ("response.json", '{"rows": [{"unit": "GeV"}]}'),
    ],
)
def test_broken_records_are_named(bare, name, content):
    (bare / name).write_text(content)
    with pytest.raises(InputError, match=f"{name} has a record without"):
        report([bare], bare / "r.html")


def test_w1_is_divided_by_the_floor_of_its_own_model():
    models = {
        "ours": {"w1_ptd_ecal": metric(0.03, 0.01, floor=0.01)},
        "baseline": {"w1_ptd_ecal": metric(0.8, 0.1, floor=0.04), "w1_pt": metric(None, None)},
        "run": {"w1_ptd_ecal": metric(0.05, 0.0)},
    }
    found = {r["model"]: r for r in ratios(models, {"w1_ptd_ecal": 0.025})}
    assert {m: pytest.approx(r["ratio"]) for m, r in found.items()} == {
        "ours": 3.0,
        "baseline": 20.0,
        "run": 2.0,
    }
    assert found["baseline"]["error"] == pytest.approx(2.5)


def test_a_ratio_has_the_errors_of_both_means():
    value, error = quotient({"value": 3.0, "error": 0.3}, {"value": 2.0, "error": 0.1})
    assert value == 1.5
    assert error == pytest.approx(1.5 * np.hypot(0.1, 0.05))
    assert quotient({"value": 3.0, "error": 0.3}, {"value": 0.0, "error": 0.1})[0] is None
    assert condition("gen_pt 9 to 10 GeV") == "true jet pT 9 to 10 GeV"


def test_means_without_a_ratio_are_no_points():
    table, points, names = response_table(response()["rows"])
    assert len(points) == 17
    assert [c.text for c in table.rows[0]][:2] == ["gluon jets", "-"]
    assert list(names) == ["gluon", "pt 90 to 110 GeV", "gen_pt 90 to 110 GeV"]


def test_mean_image_is_the_mean_over_all_events(toy_jets):
    jets = toy_jets[:7]
    expected = jets.to_dense().mean(axis=0)
    np.testing.assert_allclose(generation_pictures.mean_image(jets, batch=3), expected, rtol=1e-5)


def test_each_class_is_compared_with_its_own_kind():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 2000)
    true = rng.normal(5 + label, 1)
    own = np.where(label == 1, true + 0.5, true)  # wrong for quarks alone
    words = {"names": ("simulated", "generated"), "classes": ("gluon", "quark")}
    figure = class_distribution((true, label), (own, label), **words, label="x", unit="GeV")
    top, gluon, quark = figure.axes

    def distance(ax):
        _, y = ax.containers[0].lines[0].get_data()
        return np.nanmax(np.abs(y - 1))

    assert distance(gluon) == 0
    assert distance(quark) > 0.3
    assert quark.get_xlabel() == "x [GeV]"
    assert [t.get_text() for t in top.get_legend().get_texts()].count("gluon, generated") == 1


def test_a_jet_of_a_class_has_that_class(toy_jets):
    unlabelled = toy_jets[:5]
    unlabelled.columns = {}
    ranges = generation_pictures.pixel_ranges(toy_jets)
    samples = {"simulated": toy_jets, "baseline": unlabelled}
    figure = generation_pictures.jet_of_class(samples, 1, ranges)
    shown = [ax.get_images()[0].get_array().filled(0) for ax in figure.axes[:2]]
    quark = int(np.flatnonzero(toy_jets.label == 1)[0])
    np.testing.assert_array_equal(shown[0], toy_jets[quark].to_dense()[0, 0])
    np.testing.assert_array_equal(shown[1], toy_jets[1].to_dense()[0, 0])


def test_judges_stand_side_by_side_with_what_they_say_of_truth(study):
    source = read_source(study)
    section = judge_section(source)
    (table,) = section.tables
    assert [c.text for c in table.rows[0]] == [
        "AUC, trees on observables",
        "0.600 ± 0.010",
        "0.700 ± 0.010",
        "0.501 ± 0.010",
    ]
    assert [[c.best for c in row] for row in table.rows] == [
        [False, True, True, False],
        [False, False, False, False],
    ]
    assert len(section.figures) == 2
    for broken in ({}, {"trees": {"metric": 3}}, "trees", {"trees": None}):
        source.models = {"ours": source.models["ours"] | {"judges": broken}}
        assert judge_section(source) is None


def test_the_page_is_a_few_screens(page, show_page):
    shown = show_page(page, viewport={"width": 1280, "height": 800})
    assert shown.evaluate("document.documentElement.scrollHeight") <= 6 * 800
