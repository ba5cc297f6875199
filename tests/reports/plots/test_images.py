from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.geometry import JET_IMAGES
from calovision.reports.plots.images import originals_vs_reconstructions, overlay


def test_one_row_per_channel_and_one_of_all(toy_jets, make_jets):
    others = {"ours": make_jets(64, 3), "baseline": make_jets(64, 4)}
    figure = originals_vs_reconstructions(toy_jets, others, 2)
    images = [ax.get_images()[0] for ax in figure.axes if ax.get_images()]
    assert len(images) == 12
    dense = toy_jets[2].to_dense()[0]
    shown = images[0].get_array()
    np.testing.assert_array_equal(shown.filled(0), dense[0])
    assert shown.mask.sum() == (dense[0] == 0).sum()
    # a row shares the colour scale of its original
    assert images[0].norm is images[2].norm
    assert images[0].norm.vmax == pytest.approx(dense[0].max())
    labels = " ".join(ax.get_ylabel() for ax in figure.axes)
    assert "pT [GeV]" in labels
    assert "E [GeV]" in labels


def test_rows_run_along_eta_upwards(make_jets, toy_jets):
    figure = originals_vs_reconstructions(toy_jets, {"ours": toy_jets}, 0)
    image = figure.axes[0].get_images()[0]
    left, right, bottom, top = image.get_extent()
    assert image.origin == "lower"
    assert top == pytest.approx(2.175 / 2)
    assert bottom == -top
    assert right == pytest.approx(np.pi / 360 * 125, rel=1e-5)
    assert left == -right


def test_an_empty_reconstruction_can_be_drawn(toy_jets):
    nothing = toy_jets[[0]]
    nothing.offsets[:] = 0
    nothing.cell, nothing.code, nothing.value = (
        a[:0] for a in (nothing.cell, nothing.code, nothing.value)
    )
    originals_vs_reconstructions(toy_jets[[0]], {"ours": nothing}, 0)
    originals_vs_reconstructions(nothing, {"ours": toy_jets[[0]]}, 0)


def test_overlay_mixes_channels_and_leaves_empty_pixels_black():
    image = np.zeros((3, 125, 125))
    image[1, 3, 4] = image[2, 3, 4] = image[1, 9, 9] = 10.0
    mixed = overlay(image, [(0.1, 10.0)] * 3, JET_IMAGES)
    assert mixed.shape == (125, 125, 3)
    assert (mixed[0, 0] == 0).all()
    assert (mixed[3, 4] >= mixed[9, 9]).all()
    assert mixed.max() <= 1


def test_events_that_are_not_there_are_refused(toy_jets):
    with pytest.raises(InputError, match="no event 64"):
        originals_vs_reconstructions(toy_jets, {"ours": toy_jets}, 64)
    with pytest.raises(InputError, match="number of events"):
        originals_vs_reconstructions(toy_jets, {"ours": toy_jets[:3]}, 0)
