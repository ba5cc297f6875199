"""A causal transformer: what an object may see, and drawing one after another."""

from __future__ import annotations

import pytest
import torch

from calovision.networks.sequence_transformer import SequenceTransformer


@pytest.fixture
def network() -> SequenceTransformer:
    torch.manual_seed(1)
    return SequenceTransformer(16, 2, 4)


def test_objects_do_not_see_those_behind_them(network: SequenceTransformer) -> None:
    objects = torch.randn(2, 6, 16)
    changed = objects.clone()
    changed[:, 4, 0] += 1
    before, after = network(objects), network(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 5], after[:, 5])


def test_one_after_another_is_the_same_as_all_at_once(network: SequenceTransformer) -> None:
    objects = torch.randn(5, 7, 16)
    memory = network.memory(5, 7, torch.device("cpu"))
    with torch.no_grad():
        whole = network(objects)
        for place, events in enumerate((5, 5, 5, 3, 3, 2, 1)):
            one = network.step(objects[:events, place], memory)
            torch.testing.assert_close(one, whole[:events, place], atol=1e-5, rtol=1e-4)


def test_heads_share_the_width() -> None:
    with pytest.raises(ValueError, match="multiple"):
        SequenceTransformer(10, 1, 4)
