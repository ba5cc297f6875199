from __future__ import annotations

import pytest
import torch

from calovision.networks.particle_transformer import ParticleTransformer, _turned
from calovision.networks.tower_net import BINS


def test_products_of_turned_vectors_depend_on_differences_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 8, generator=generator)
    angle, step, shift = torch.randn(3, 1, 1, 1, 4, generator=generator)

    def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        turns = (torch.polar(torch.ones_like(x), x) for x in (a, b))
        return (_turned(query, next(turns)) * _turned(key, next(turns))).sum()

    here, there = product(angle, angle + step), product(angle + shift, angle + shift + step)
    assert torch.isclose(here, there, atol=1e-5)
    assert not torch.isclose(here, product(angle, angle + 2 * step), atol=1e-2)


def test_position_matters_beyond_the_features() -> None:
    torch.manual_seed(1)
    network = ParticleTransformer(3, 2, 1, width=16, heads=2).eval()
    features, context = torch.randn(4, 6, 3), torch.randn(4, 2)
    towers = torch.randn(4, 1, BINS, BINS)
    mask = torch.ones(4, 6, dtype=torch.bool)
    near, far = torch.randn(2, 4, 6, 2)
    out = network(features, near, mask, context, towers)
    assert not torch.allclose(out, network(features, far, mask, context, towers), atol=1e-4)
    # the window may lie anywhere: a common shift changes nothing
    assert torch.allclose(out, network(features, near + 0.7, mask, context, towers), atol=1e-4)


def test_an_event_without_hits_has_a_logit() -> None:
    network = ParticleTransformer(3, 2, 1, width=16, heads=2).eval()
    nothing = torch.zeros(1, 5, dtype=torch.bool)
    empty = torch.zeros(1, 1, BINS, BINS)
    out = network(torch.zeros(1, 5, 3), torch.zeros(1, 5, 2), nothing, torch.zeros(1, 2), empty)
    assert out.isfinite().all()


def test_width_must_fit_the_heads() -> None:
    with pytest.raises(ValueError, match="multiple"):
        ParticleTransformer(3, 2, 1, width=18, heads=2)
