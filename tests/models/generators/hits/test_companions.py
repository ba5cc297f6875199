"""Companions: where they can be, and what their pixels see."""

from __future__ import annotations

import pytest
import torch

from calovision.models.generators.hits.companions import (
    EMPTY,
    CompanionLaw,
    Surroundings,
    sample_companions,
    with_margin,
)
from calovision.models.generators.hits.tokens import Grid

GRID = Grid(6, 5, 3)


@pytest.fixture
def law() -> CompanionLaw:
    torch.manual_seed(1)
    made = CompanionLaw(GRID, 3, 16, 2)
    made.reach.fill_(2)
    made.seed.fill_(2.5)
    return made.eval()


def images(n: int) -> Surroundings:
    random = torch.Generator().manual_seed(1)
    pixels, towers = (n, 18, 15), (n, 6, 5)
    sparse = [
        torch.where(torch.rand(s, generator=random) < 0.05, 3.0, EMPTY)
        for s in (pixels, pixels, towers)
    ]
    return Surroundings(sparse[0], torch.full(pixels, EMPTY), sparse[1], sparse[2])


def test_companions_have_a_seed_nearby(law: CompanionLaw) -> None:
    around, eta, shown = images(20), torch.rand(20, 18), torch.rand(20, 3)
    at, strength = sample_companions(law, around, shown, eta, torch.Generator().manual_seed(1))
    assert len(at) > 100
    assert len(torch.unique(at, dim=0)) == len(at)
    assert float(strength.min()) >= 0
    assert float(strength.max()) < 2.5
    for jet, row, col in at.tolist():
        part = around.seeds[jet, max(row - 2, 0) : row + 3, max(col - 2, 0) : col + 3]
        assert float(part.max()) > EMPTY
        assert float(around.seeds[jet, row, col]) == EMPTY


def test_later_turns_are_not_seen(law: CompanionLaw) -> None:
    around, eta, shown = images(1), torch.rand(1, 18), torch.rand(1, 3)
    rows, cols = torch.meshgrid(torch.arange(5, 9), torch.arange(5, 9), indexing="ij")
    at = torch.stack([torch.zeros(16).long(), rows.flatten(), cols.flatten()], 1)
    turn = at[:, 1] % 2 * 2 + at[:, 2] % 2
    with torch.no_grad():
        before = law.laws(with_margin(around), shown, eta, at)
        for row, col in ((6, 6), (6, 7), (7, 6), (7, 7)):
            changed = around._replace(companions=around.companions.clone())
            changed.companions[0, row, col] = 1.0
            moved = law.laws(with_margin(changed), shown, eta, at) != before
            near = ((at[:, 1] - row).abs() <= 3) & ((at[:, 2] - col).abs() <= 3)
            seen = near & (turn > row % 2 * 2 + col % 2)
            assert moved.any(1).tolist() == seen.tolist()


def test_a_density(law: CompanionLaw) -> None:
    """Strengths and their absence have all of the probability."""
    around, eta, shown = images(1), torch.rand(1, 18), torch.rand(1, 3)
    at = torch.tensor([[0, 8, 8]])
    total = 0.0
    with torch.no_grad():
        for strength in torch.linspace(0.0025, 2.4975, 500):
            around.companions[0, 8, 8] = strength
            lit, density = law.log_prob(around, shown, eta, at)
            total += float((lit + density).exp()[0]) * 0.005
        around.companions[0, 8, 8] = EMPTY
        empty, none = law.log_prob(around, shown, eta, at)
    assert len(none) == 0
    assert total + float(empty.exp()[0]) == pytest.approx(1, abs=2e-3)
