"""Halvings of the window: nested, complete, and along the readout cells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.models.generators.splitting.binary_tree import BinaryTree, halvings


@given(st.integers(1, 40), st.integers(1, 6))
def test_halvings_nest_and_end_in_single_pixels(blocks: int, block: int) -> None:
    depths = halvings(blocks * block, (block, 1))
    for coarse, fine in pairwise(depths):
        assert set(coarse) < set(fine)
        assert np.diff(fine).max() < np.diff(coarse).max()
    assert np.array_equal(depths[-1], np.arange(blocks * block + 1))
    assert any(np.array_equal(d, block * np.arange(blocks + 1)) for d in depths)


@pytest.mark.parametrize("geometry", [JET_IMAGES, EGAMMA_CROPS], ids=lambda g: g.name)
def test_children_share_out_their_parent(geometry: Geometry) -> None:
    partition = BinaryTree(geometry)
    for axis in partition.axes:
        for depth in range(axis.depth):
            first, second = axis.children(depth)
            widths, after = axis.widths(depth), axis.widths(depth + 1)
            whole = after[first] + np.where(second >= 0, after[second], 0)
            assert np.array_equal(whole, widths)
            assert np.array_equal(axis.ancestors(depth + 1, depth)[first], np.arange(len(widths)))


def test_towers_are_nodes_before_crystals_are() -> None:
    partition = BinaryTree(JET_IMAGES)
    assert partition.finest == (18, 18, 12)
    assert partition.shape(12) == (25, 25)
    assert partition.shape(partition.stages) == (125, 125)
    assert partition.channels(12) == (0, 1, 2)
    assert partition.channels(13) == (0, 1)


def test_the_core_of_a_jet_is_cut_out_first() -> None:
    eta = BinaryTree(JET_IMAGES).axes[0]
    for depth, core in ((2, (50, 75)), (4, (60, 65))):
        assert core in list(pairwise(eta.edges[depth].tolist()))
