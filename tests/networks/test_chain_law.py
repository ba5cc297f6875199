"""Several numbers, each given those before."""

from __future__ import annotations

import pytest
import torch

from calovision.networks.chain_law import ChainLaw


def test_what_is_drawn_has_the_density() -> None:
    """The mean of 1/p over drawn numbers is the volume between the bounds."""
    torch.manual_seed(1)
    law = ChainLaw(2, 8, 2)
    law.low.fill_(-1)
    label = (torch.arange(40_000) % 2).float()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        drawn = law.sample(label, torch.rand(40_000, 2, 2, generator=random))
        volume = (-law.log_prob(label, drawn)).exp()
    assert float(drawn.min()) >= -1
    assert float(drawn.max()) <= 1
    for one in (0, 1):
        assert float(volume[label == one].mean()) == pytest.approx(4, rel=0.03)


def test_numbers_do_not_see_those_behind_them() -> None:
    torch.manual_seed(1)
    law, uniform = ChainLaw(3, 8, 2), torch.rand(5, 3, 2)
    with torch.no_grad():
        before = law.sample(torch.ones(5), uniform)
        uniform[:, 2] = 0.5
        after = law.sample(torch.ones(5), uniform)
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])
