from __future__ import annotations

import math

import torch

from calovision.events.rotation import Rotated, rotate


def test_a_quarter_turn_moves_pixels_exactly() -> None:
    images = torch.rand(3, 28 * 28)
    turned = rotate(images, math.pi / 2).reshape(3, 28, 28)
    expected = torch.rot90(images.reshape(3, 28, 28), 1, (1, 2))
    torch.testing.assert_close(turned, expected, atol=1e-4, rtol=0)


def test_every_image_has_its_own_angle() -> None:
    images = torch.rand(2, 64)
    both = rotate(images, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(both[:1], images[:1], atol=1e-5, rtol=0)
    torch.testing.assert_close(both[1:], rotate(images[1:], 1.0))


def test_a_stream_repeats_with_its_seed_and_knows_steps() -> None:
    image = torch.zeros(1, 784)
    image.view(28, 28)[4, 13:15] = 1
    stream = Rotated(image, torch.tensor([5]), steps=4)
    a, label = stream(40, torch.Generator().manual_seed(1))
    b, _ = stream(40, torch.Generator().manual_seed(1))
    assert torch.equal(a, b)
    assert label.tolist() == [5] * 40
    assert len((a * 100).round().unique(dim=0)) == 4
    free, _ = Rotated(image, torch.tensor([5]))(40, torch.Generator().manual_seed(1))
    assert len((free * 100).round().unique(dim=0)) == 40


def test_a_warp_moves_what_a_pixel_shows_by_so_many_pixels() -> None:
    images = torch.rand(2, 64)
    warp = torch.zeros(2, 2, 5, 5)
    warp[0, 0], warp[1, 1] = 1.0, 2.0
    moved = rotate(images, 0.0, warp).view(2, 8, 8)
    torch.testing.assert_close(moved[0, :, :-1], images.view(2, 8, 8)[0, :, 1:])
    torch.testing.assert_close(moved[1, :-2], images.view(2, 8, 8)[1, 2:])


def test_a_stream_bends_images_every_time_anew() -> None:
    stream = Rotated(torch.rand(1, 64), torch.tensor([1]), steps=1, warp=0.5)
    a, _ = stream(3, torch.Generator().manual_seed(1))
    assert len(a.unique(dim=0)) == 3
    b, _ = stream(3, torch.Generator().manual_seed(1))
    assert torch.equal(a, b)
