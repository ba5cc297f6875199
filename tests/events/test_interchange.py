"""Arrays, tables, tensors, histograms and figures of other libraries hold the same events."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from matplotlib.figure import Figure

from calovision.errors import InputError
from calovision.events.events import Events


def test_awkward_and_pandas(toy_jets: Events) -> None:
    array = toy_jets.to_awkward()
    np.testing.assert_allclose(ak.sum(array.hits.energy, axis=1), toy_jets.sums().sum(1), rtol=1e-5)
    np.testing.assert_array_equal(ak.num(array.hits), toy_jets.n_hits)
    np.testing.assert_array_equal(array.pt, toy_jets.pt)
    hits = toy_jets.to_pandas("hits")
    by = hits.groupby(["event", "channel"], observed=False).energy.sum().unstack()
    np.testing.assert_allclose(by[["track", "ecal", "hcal"]], toy_jets.sums(), rtol=1e-5)
    events = toy_jets.to_pandas()
    np.testing.assert_array_equal(events.hits_hcal, toy_jets.counts()[:, 2])
    np.testing.assert_array_equal(events.label, toy_jets.label)
    with pytest.raises(InputError, match="choose 'events' or 'hits'"):
        toy_jets.to_pandas("jets")  # type: ignore[arg-type]


def test_torch_nested_and_padded(toy_jets: Events) -> None:
    nested, (padded, mask) = toy_jets.to_torch(), toy_jets.to_torch("padded")
    np.testing.assert_array_equal(mask.sum(1).numpy(), toy_jets.n_hits)
    for number in (0, 17, 63):
        hits = nested[number].numpy()
        np.testing.assert_allclose(hits, padded[number][mask[number]].numpy())
        assert (np.diff(hits[:, 3]) <= 0).all()
        np.testing.assert_allclose(hits[:, 3].sum(), toy_jets[number].energy.sum(), rtol=1e-5)


def test_graphs(toy_jets: Events) -> None:
    graph = toy_jets[:3].to_pyg(k=4)[2]
    pixels = (toy_jets[2].to_dense() != 0).any(1).sum()
    assert graph.x.shape == (pixels, 3)
    assert graph.edge_index.shape == (2, 4 * pixels)
    assert int(graph.y) == toy_jets.label[2]


def test_histograms_count_and_know_their_errors(toy_jets: Events) -> None:
    counted = toy_jets.to_hist("pt", by="label", bins=10)
    assert counted.sum().value == 64
    expected, _ = np.histogram(
        toy_jets.pt[toy_jets.label == 1], 10, (toy_jets.pt.min(), toy_jets.pt.max())
    )
    np.testing.assert_array_equal(counted[:, "quark"].values(), expected)
    weighted = Events(
        *(getattr(toy_jets, k) for k in ("geometry", "offsets", "cell", "code", "value")),
        {**toy_jets.columns, "weight": np.full(64, 0.5)},
    ).to_hist("pt", bins=1)
    assert (weighted.values()[0], weighted.variances()[0]) == (32, 16)
    for column, by in (("nothing", None), ("pt", "gen_pt"), ("pt", "nothing")):
        with pytest.raises(InputError):
            toy_jets.to_hist(column, by=by)


def test_figures_have_a_row_per_channel(toy_jets: Events, toy_crops: Events) -> None:
    figure = toy_jets.plot([0, 1], beside=toy_jets)
    assert isinstance(figure, Figure)
    images = [ax for ax in figure.axes if ax.images]
    assert len(images) == 3 * 4
    np.testing.assert_array_equal(
        images[0].images[0].get_array().filled(0), toy_jets[0].to_dense()[0, 0]
    )
    mean = toy_jets.mean_image()
    assert set(mean.images) == {"gluon", "quark"}
    np.testing.assert_allclose(
        mean.images["quark"], toy_jets[toy_jets.label == 1].to_dense().mean(0), rtol=1e-4
    )
    assert mean.plot().axes[0].get_title().startswith("gluon, mean of")
    assert "ns" in toy_crops.plot(0).axes[3].get_ylabel() + toy_crops.plot(0).axes[-1].get_ylabel()
    for wrong in (64, -65, [0, 99]):
        with pytest.raises(InputError, match="there is no event"):
            toy_jets.plot(wrong)
    with pytest.raises(InputError, match="different geometry"):
        toy_jets.plot(0, beside=toy_crops)
    with pytest.raises(InputError, match="no events to average"):
        toy_jets[:0].mean_image()
