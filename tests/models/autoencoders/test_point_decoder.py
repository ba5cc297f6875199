from __future__ import annotations

import torch

from calovision.models.autoencoders.point_decoder import draw, first_in_cell, hardest


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_draw_takes_the_number_asked_for_and_nothing_taken() -> None:
    logits = torch.randn(6, 100, generator=generator())
    taken = torch.rand(6, 100, generator=generator()) < 0.3
    number = torch.tensor([0, 1, 7, 30, -2, 1000])
    owner, cell = draw(logits, taken, number, generator())
    found = torch.bincount(owner, minlength=6).tolist()
    assert found == [0, 1, 7, 30, 0, int((~taken[5]).sum())]
    assert not taken[owner, cell].any()
    assert len(set(zip(owner.tolist(), cell.tolist(), strict=True))) == len(owner)


def test_draw_follows_the_odds() -> None:
    logits = torch.log(torch.tensor([0.7, 0.2, 0.1])).expand(20_000, 3)
    free = torch.zeros_like(logits, dtype=torch.bool)
    _, cell = draw(logits, free, torch.ones(20_000), generator())
    share = torch.bincount(cell, minlength=3) / 20_000
    assert torch.allclose(share, torch.tensor([0.7, 0.2, 0.1]), atol=0.015)


def test_hardest_point_of_a_cell_stays() -> None:
    index = torch.tensor([[5, 5, 3, 5, 3]])
    energy = torch.tensor([[1.0, 3.0, 2.0, 9.0, 4.0]])
    keep = torch.tensor([[True, True, True, False, True]])
    first = first_in_cell(index, energy, keep) & keep
    assert first.tolist() == [[False, True, False, False, True]]


def test_hardest_points_of_a_channel_stay() -> None:
    energy = torch.tensor([[1.0, 3.0, 2.0, 9.0, 4.0]])
    kind = torch.tensor([[0, 0, 0, 1, 1]])
    keep = torch.tensor([[True, True, True, True, False]])
    chosen = hardest(energy, kind, keep, torch.tensor([[2, 5]]))
    assert chosen.tolist() == [[False, True, True, True, False]]
