from __future__ import annotations

import matplotlib as mpl

from calovision.reports.plots.style import MODELS, colours, figure_style, looks


def test_names_keep_their_colour_in_every_figure():
    assert colours(["original", "ours"])["ours"] == colours(["baseline", "ours"])["ours"]
    many = colours(["original", "baseline", "ours", "a", "b", "c"])
    assert len(set(many.values())) == 6


def test_settings_end_with_the_block():
    before = mpl.rcParams["font.size"]
    with figure_style():
        assert mpl.rcParams["axes.labelsize"] == 12
    assert mpl.rcParams["font.size"] == before


def test_models_look_the_same_in_every_figure():
    few, many = looks(["ours", "trees"]), looks(["ours", *MODELS, "new", "newer"])
    assert few["trees"] == many["trees"]
    assert len(set(many.values())) == len(many)
    assert looks(["net"])["net"] == looks(["ours"])["ours"]
