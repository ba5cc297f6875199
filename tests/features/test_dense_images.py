from __future__ import annotations

import numpy as np
import torch

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.features.dense_images import hits_above, readout_cells, threshold_for


def cells_of(jets: Events) -> list[torch.Tensor]:
    return readout_cells(torch.from_numpy(jets.to_dense("image")), JET_IMAGES)


def test_there_and_back(toy_jets: Events) -> None:
    jets = toy_jets[:9]
    cells = cells_of(jets)
    assert [c.shape for c in cells] == [(9, 125, 125), (9, 125, 125), (9, 25, 25)]
    back = hits_above(cells, torch.zeros(3), JET_IMAGES)
    for name in ("offsets", "cell", "code"):
        np.testing.assert_array_equal(getattr(back, name), getattr(jets, name))
        assert getattr(back, name).dtype == getattr(jets, name).dtype
    np.testing.assert_allclose(back.value, jets.value, rtol=1e-5)


def test_each_channel_has_its_own_threshold(toy_jets: Events) -> None:
    threshold = torch.tensor([0.02, 0.001, torch.inf])
    got = hits_above(cells_of(toy_jets), threshold, JET_IMAGES)
    least = threshold.numpy()[toy_jets.channel]
    assert len(got) == len(toy_jets)
    assert len(got.cell) == int((toy_jets.value >= least).sum())
    assert (got.value >= threshold.numpy()[got.channel]).all()


def test_events_may_be_empty(toy_jets: Events) -> None:
    got = hits_above(cells_of(toy_jets[:3]), torch.full((3,), 1e9), JET_IMAGES)
    assert got.n_hits.tolist() == [0, 0, 0]


def test_threshold_gives_the_wanted_occupancy() -> None:
    generator = torch.Generator().manual_seed(2)
    cells = [torch.rand(8, n, n, generator=generator) for n in (125, 125, 25)]
    threshold = threshold_for(cells, [80.25, 250.0, 0.0])
    counts = hits_above(cells, threshold, JET_IMAGES).counts()
    np.testing.assert_array_equal(counts.sum(0), [642, 2000, 0])


def test_cells_without_content_are_never_hits() -> None:
    cells = [torch.zeros(2, n, n) for n in (125, 125, 25)]
    cells[1][0, 3, 4] = 0.5
    threshold = threshold_for(cells, [10.0, 10.0, 10.0])
    assert hits_above(cells, threshold, JET_IMAGES).cell.tolist() == [3 * 125 + 4]
