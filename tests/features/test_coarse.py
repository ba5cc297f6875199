from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.features import coarse
from calovision.features.coarse import coarse_images


def one(geometry: Geometry, hits: list[tuple[int, int, int, float]]) -> Events:
    """An event of hits (row, column, channel, value)."""
    row, col, code, value = (np.array(v) for v in zip(*hits, strict=True))
    order = np.lexsort((row * geometry.cols + col, code))
    return Events(
        geometry,
        np.array([0, len(hits)]),
        (row * geometry.cols + col)[order].astype(np.uint16),
        code[order].astype(np.uint8),
        value[order].astype(np.float32),
    )


def test_channels_are_summed_by_tower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coarse, "SMEARED", 0.0)
    monkeypatch.setattr(coarse, "BRIGHTEST", 1.0)
    # four corners of the tower (10, 14) and its HCAL cell; another tower; one out of the disc
    hits = [(50, 70, 0, 1.0), (54, 74, 1, 1.0), (52, 72, 2, 1.0), (64, 64, 1, 2.0), (0, 0, 1, 9.0)]
    event = one(JET_IMAGES, hits)
    share = coarse_images(event).reshape(25, 25) ** 2
    track, ecal, hcal = (c.gev_per_unit for c in JET_IMAGES.channels)
    expected = np.zeros((25, 25))
    expected[10, 14], expected[12, 12] = track + ecal + 25 * hcal, 2 * ecal
    np.testing.assert_allclose(share, expected / expected.sum(), rtol=1e-5)


def test_the_brightest_crystal_is_in_the_middle_and_times_are_no_energy() -> None:
    event = one(EGAMMA_CROPS, [(16, 16, 0, 1.0), (5, 5, 1, 2.0)])
    image = coarse_images(event).reshape(31, 31)
    np.testing.assert_allclose(image, image[::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(image, image.T, atol=1e-6)
    assert image[15, 15] == image.max()


def test_every_image_has_one_norm(toy_jets: Events, toy_crops: Events) -> None:
    for events, pixels in ((toy_jets, 625), (toy_crops, 961)):
        images = coarse_images(events)
        assert images.shape == (len(events), pixels)
        np.testing.assert_allclose((images**2).sum(1), coarse.BRIGHTEST**-2, rtol=1e-4)
        assert images.min() >= 0
