from __future__ import annotations

import numpy as np
import torch

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.features.padded_hits import INPUTS, Hits, Towers, prepared
from calovision.features.towers import TowerImages, planes
from calovision.networks.tower_net import BINS


def test_images_hold_all_energy_and_every_hit(toy_jets: Events) -> None:
    images = TowerImages.of(toy_jets).batch(np.arange(len(toy_jets)))
    energy, count = images.chunk(2, 1)
    assert np.allclose((0.3 * torch.expm1(2 * energy)).sum((2, 3)), toy_jets.sums(), rtol=1e-4)
    assert np.allclose(torch.expm1(1.5 * count).sum((2, 3)), toy_jets.counts(), rtol=1e-4)


def test_towers_are_blocks_of_pixels(toy_jets: Events) -> None:
    """Of Track and ECAL, against a sum over blocks of the dense images."""
    pixels = toy_jets.to_dense("gev")[:, :2]
    blocks = pixels.reshape(len(toy_jets), 2, BINS, 5, BINS, 5).sum((3, 5))
    want = planes(torch.from_numpy(blocks).float(), torch.zeros(blocks.shape))
    found = TowerImages.of(toy_jets).batch(np.arange(len(toy_jets)))
    assert torch.allclose(found[:, :2], want[:, :2], atol=1e-4)


def test_batches_are_images_of_the_chosen_events(toy_jets: Events) -> None:
    towers = TowerImages.of(toy_jets)
    chosen = np.array([7, 2, 2])
    every = towers.batch(np.arange(len(toy_jets)))
    assert torch.equal(towers.batch(chosen), every[chosen])


def test_events_without_hits_are_empty_images(toy_jets: Events) -> None:
    nothing = Events(
        JET_IMAGES,
        np.zeros(3, np.int64),
        toy_jets.cell[:0],
        toy_jets.channel[:0],
        toy_jets.energy[:0],
        {},
    )
    assert not TowerImages.of(nothing).batch(np.arange(2)).any()


def test_tables_of_hits_give_the_same_images(toy_jets: Events) -> None:
    given = prepared(toy_jets)
    found = Towers(JET_IMAGES)(Hits(*(torch.from_numpy(given[k]) for k in INPUTS)))
    want = TowerImages.of(toy_jets).batch(np.arange(len(toy_jets)))
    assert torch.allclose(found, want, atol=1e-4)
