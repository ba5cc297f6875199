from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from calovision.events.geometry import JET_IMAGES
from calovision.metrics.classification import rejection
from calovision.reports.event_kinds import EventKind
from calovision.reports.plots import classifier as figures

JETS = EventKind(JET_IMAGES)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 4000)
    logit = {name: gap * (gap * (label - 0.5) + rng.normal(size=4000)) for name, gap in GAPS}
    return {name: 1 / (1 + np.exp(-x)) for name, x in logit.items()}, label


GAPS = (("ours", 1.4), ("baseline", 1.0))


def test_roc_curves_are_rejections_and_the_ratio_is_to_the_baseline(scores):
    taggers, label = scores
    top, bottom = figures.roc_curves(taggers, label, JETS, {"ours": "AUC 0.8"}).axes
    ours = top.lines[0]
    at = int(np.argmin(np.abs(ours.get_xdata() - 0.5)))
    expected = rejection(taggers["ours"], label, ours.get_xdata()[at])
    assert ours.get_ydata()[at] == pytest.approx(expected)
    base = rejection(taggers["baseline"], label, ours.get_xdata()[at])
    assert bottom.lines[0].get_ydata()[at] == pytest.approx(expected / base)
    assert ours.get_label() == "ours: AUC 0.8"
    assert top.get_yscale() == "log"
    assert "gluon" in top.get_ylabel()
    assert "quark" in bottom.get_xlabel()


def test_roc_curves_end_where_too_few_jets_are_left(scores):
    taggers, label = scores
    (top,) = figures.roc_curves({"net": taggers["ours"]}, label, JETS).axes
    found = top.lines[0].get_ydata()
    assert np.isnan(found[0])
    assert np.nanmax(found) <= (label == 0).sum() / figures.MIN_PASSING


def test_score_distributions_are_normalised_per_class(scores):
    figure = figures.score_distributions(*scores, JETS)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["ours", "baseline"]
    for patch in figure.axes[0].patches:
        heights, edges, _ = patch.get_data()
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)


def test_reliability_shows_what_is_wrong_with_a_score():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.3, 0.7, 20_000)
    label = (rng.uniform(size=len(true)) < true).astype(int)
    figure = figures.reliability({"good": true, "bold": 2.5 * (true - 0.5) + 0.5}, label, JETS)
    good, bold = (line.lines[0].get_xydata() for line in figure.axes[1].containers)
    assert np.abs(good[:, 1]).max() < 0.05
    assert bold[0, 1] > 0.2
    assert bold[-1, 1] < -0.2


def test_auc_by_model_is_sorted_and_shows_seeds():
    def result(value, seeds):
        return {"metrics": {"auc": {"value": value, "error": 0.01}}, "seeds": {"auc": seeds}}

    models = {"baseline": result(0.7, [0.69, 0.71]), "ours": result(0.8, [0.79])}
    figure = figures.auc_by_model(models, {"ours": result(0.75, [])})
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["ours", "baseline"]
    rings = [c.get_offsets() for c in ax.collections if isinstance(c, PathCollection)]
    assert [len(r) for r in rings] == [1, 2, 0]  # the last is the legend's
    words = {t.get_text() for legend in figure.legends for t in legend.get_texts()}
    assert words == {"AUC and error", "single seeds", "published protocol"}


def test_scaling_curves_run_along_rising_sizes():
    rows = [{"model": "ours", "jets": n, "auc": {"value": v}} for n, v in ((8000, 0.8), (200, 0.7))]
    (ax,) = figures.scaling_curves(rows).axes
    assert ax.get_xscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[200, 0.7], [8000, 0.8]])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["200", "8k"]
