from __future__ import annotations

import numpy as np
import pytest

from calovision.reports.plots.whole import correlation_maps, correlator, weights


def test_maps_show_the_truth_and_the_difference() -> None:
    truth = np.array([[1.0, 0.5], [0.5, 1.0]])
    own = np.array([[1.0, 0.4], [0.4, 1.0]])
    figure = correlation_maps(truth, own, ["hits", "energy"], ("simulated", "difference"))
    first, second = (ax.images[0] for ax in figure.axes[:2])
    assert np.array_equal(first.get_array(), truth)
    assert np.asarray(second.get_array()) == pytest.approx(own - truth)
    assert (first.get_clim(), second.get_clim()) == ((-1, 1), (-0.2, 0.2))
    assert [t.get_text() for t in figure.axes[1].get_yticklabels()] == ["hits", "energy"]


def test_weights_are_drawn_of_both_samples_of_every_model() -> None:
    found = {
        "edges": [-2.0, 0.0, 2.0],
        "made": [0.25, 0.75],
        "truth": [0.0, 1.0],
    }
    figure = weights({"ours": found, "baseline": found})
    (ax,) = figure.axes
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels[0] == "ours, generated jets"
    assert len(labels) == 4
    assert ax.get_ylim()[0] == pytest.approx(0.175)


def test_a_correlator_is_a_density_with_its_ratio() -> None:
    table = np.zeros((5, 160))
    table[:, 8:12] = 0.1
    figure = correlator({"simulated": table, "made": 1.1 * table}, 0.005, "hits", step=4)
    top, bottom = figure.axes
    drawn = top.patches[0].get_data()
    assert drawn.values[2] == pytest.approx(0.4 / 0.02)
    assert drawn.values.sum() == drawn.values[2]
    assert bottom.patches[-1].get_data().values[2] == pytest.approx(1.1)
    assert "distance of two hits" in bottom.get_xlabel()
