from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from calovision.events.events import Events
from calovision.models.autoencoders.hits_vae import HitsVAETask
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.studies.rates import of_sizes, rate

SMALL = {"width": 16, "layers": 1, "heads": 2, "components": 2, "companion_width": 8}
SMALL |= {"jet_width": 16, "jet_components": 2}


@pytest.fixture(scope="module")
def jets(make_jets: Callable[[int, int], Events]) -> Events:
    return make_jets(100, 5)


def test_a_longer_code_costs_more_and_loses_less(jets: Events) -> None:
    torch.manual_seed(1)
    task = build(load_config("jet-vae", "hits", overrides=SMALL), jets.geometry, jets).eval()
    assert isinstance(task, HitsVAETask)
    options = {"slow_events": 10, "judges": ()}
    few, many = (rate(t, jets, **options) for t in of_sizes(task, (64, 600), jets))
    assert [r["bits"]["numbers"] for r in (few, many)] == [64, 600]
    assert few["bits"]["written"] < many["bits"]["written"] / 3
    assert few["metrics"]["emd"]["value"] > 2 * many["metrics"]["emd"]["value"]
