from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.reports.plots import general as figures

ROWS = [{"step": i, "wall_s": 5.0 * i, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2, 3)]


def test_loss_curves_show_every_model_against_time():
    figure = figures.loss_curves({"baseline": ROWS, "ours": [{"wall_s": 1.0, "val_loss": 3.0}]})
    first, second = figure.axes
    assert [line.get_label() for line in first.lines] == ["training", "validation"]
    np.testing.assert_allclose(first.lines[1].get_xydata(), [[5, 2], [10, 1], [15, 2 / 3]])
    assert [line.get_label() for line in second.lines] == ["validation"]
    assert second.get_xlabel() == "training time [s]"


def test_training_and_validation_have_colours_of_their_own():
    figure = figures.loss_curves({"baseline": ROWS, "ours": ROWS})
    for ax in figure.axes:
        colours = {line.get_label(): line.get_color() for line in ax.get_lines()}
        assert len(set(colours.values())) == 2, colours


def test_latent_map_has_units_and_classes():
    place = np.random.default_rng(0).normal(size=(50, 2))
    figure = figures.latent_map(place, np.arange(50.0), title="jet pT", unit="GeV")
    assert figure.axes[1].get_ylabel() == "jet pT [GeV]"
    figure = figures.latent_map(place, np.arange(50) % 2, title="class", classes=("gluon", "quark"))
    legend = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert legend == ["gluon", "quark"]


def test_latent_map_refuses_other_shapes():
    with pytest.raises(InputError, match="shape"):
        figures.latent_map(np.ones((5, 3)), np.ones(5), title="x")


def test_distribution_is_normalised_and_has_units():
    rng = np.random.default_rng(0)
    samples = {"original": rng.exponential(50, 900), "ours": rng.exponential(60, 500)}
    figure = figures.distribution(samples, label="energy", unit="GeV")
    top, bottom = figure.axes
    heights, edges, _ = top.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1, abs=0.01)
    assert top.get_ylabel() == "density [1/GeV]"
    assert bottom.get_xlabel() == "energy [GeV]"


def test_counts_are_binned_around_integers():
    counts = np.random.default_rng(0).poisson(200, 500)
    figure = figures.distribution({"original": counts, "ours": counts}, label="hits")
    edges = figure.axes[0].patches[0].get_data().edges
    assert (edges % 1 == 0.5).all()
    assert len(set(np.diff(edges))) == 1


@pytest.mark.parametrize("value", [0.0, 3.7])
def test_a_constant_observable_can_be_drawn(value):
    figures.distribution({"a": np.full(5, value), "b": np.full(5, value)}, label="x", log=True)


def test_response_histogram_counts_outliers_and_quotes_mean():
    figure = figures.response_histogram({"ecal": {"ours": np.array([0.9, 1.1, 7.0])}})
    heights, _, _ = figure.axes[0].patches[0].get_data()
    assert heights.sum() == pytest.approx(1)
    assert heights[-1] == pytest.approx(1 / 3)
    text = figure.axes[0].get_legend().get_texts()[0].get_text()
    assert text.startswith("ours: 3.000")
