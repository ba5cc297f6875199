from __future__ import annotations

import numpy as np

from calovision.reports.plots import tagging as figures


def test_condition_bars_hold_changes_and_percent():
    rows = [
        {"condition": "nominal", "model": "ours", "change": None, "flagged": 0.05},
        {"condition": "noise", "model": "ours", "change": {"value": -0.1, "error": 0.01}},
        {"condition": "noise", "model": "trees", "change": {"value": 0.1}, "flagged": 0.5},
    ]
    left, right = figures.condition_bars(rows).axes
    assert [t.get_text() for t in left.get_yticklabels()] == ["nominal", "noise"]
    widths = [bar.get_width() for bar in left.patches]
    np.testing.assert_allclose(widths, [np.nan, -0.1, np.nan, 0.1])
    flagged = [bar.get_width() for bar in right.patches]
    np.testing.assert_allclose(flagged, [5, np.nan, np.nan, 50])


def test_auc_in_bins_has_units_and_bin_widths():
    rows = [
        {"model": m, "lo": lo, "hi": lo + 20, "auc": {"value": 0.8, "error": 0.01}}
        for m in ("ours", "baseline")
        for lo in (60, 80)
    ]
    (ax,) = figures.auc_against(rows, label="jet pT", unit="GeV").axes
    assert ax.get_xlabel() == "jet pT [GeV]"
    bars = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([b[:, 0] for b in bars], [[60, 80], [80, 100]])


def test_occlusion_map_names_layers_and_rings():
    change = np.array([[0.1, 0.2], [0.3, 0.4]])
    figure = figures.occlusion_map(["track", "ecal"], [0, 0.1, 0.4], change, change - 0.2, "quark")
    top, bottom = figure.axes[:2]
    assert [t.get_text() for t in top.get_yticklabels()] == ["Track", "ECAL"]
    assert [t.get_text() for t in bottom.get_xticklabels()] == ["0-0.1", "0.1-0.4"]
    assert [t.get_text() for t in top.texts] == ["0.10", "0.20", "0.30", "0.40"]
    assert bottom.texts[0].get_text() == "-0.10"
    limits = bottom.images[0].norm.vmin, bottom.images[0].norm.vmax
    np.testing.assert_allclose(limits, (-0.2, 0.2))


def test_observables_are_ranked_by_importance():
    rows = [
        {"name": name, "spearman": {"value": rho, "error": 0.1}, "importance": size}
        for name, rho, size in (("small", 0.9, 0.1), ("large", -0.5, 0.7))
    ]
    left, right = figures.observable_ranking(rows, {"large": "Large"}).axes
    assert [t.get_text() for t in left.get_yticklabels()] == ["Large", "small"]
    assert [bar.get_width() for bar in right.patches] == [0.7, 0.1]


def test_examples_say_what_is_right(toy_jets):
    chosen = toy_jets[np.concatenate([np.flatnonzero(toy_jets.label == c)[:2] for c in (0, 1)])]
    figure = figures.scored_examples(chosen, [0.1, 0.8, 0.9, 0.4])
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["gluon: 0.10 ✓", "gluon: 0.80 ✗", "quark: 0.90 ✓", "quark: 0.40 ✗"]
