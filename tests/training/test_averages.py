"""The average of the weights that is kept, and what is no weight but belongs to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load_file

from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.config import load_config
from calovision.models.train import train

SMALL = {"hidden": 8, "epochs": 6, "batch": 32, "validate_every": 2, "test": 0.0}


@pytest.fixture(scope="module")
def weights(
    tmp_path_factory: pytest.TempPathFactory, make_crops: Callable[..., Events]
) -> dict[float, dict[str, torch.Tensor]]:
    """Weights of a network that counts and averages its inputs, by how long averages remember."""
    place = tmp_path_factory.mktemp("averages")
    store = save(make_crops(160, 5), place / "crops", provenance={"made_by": "toys"})
    found = {}
    for ema in (0.0, 0.9):
        config = load_config("egamma", overrides=SMALL | {"ema": ema, "learning_rate": 1e-9})
        found[ema] = load_file(train(config, store, place / str(ema), quiet=True).weights)
    return found


def test_statistics_of_the_inputs_are_those_of_the_training(
    weights: dict[float, dict[str, torch.Tensor]],
) -> None:
    """They follow the batches by themselves; an average that starts anew would forget them."""
    plain, average = weights[0.0], weights[0.9]
    counted = [k for k in plain if k.endswith("num_batches_tracked")]
    running = [k for k in plain if k.endswith(("running_mean", "running_var"))]
    assert counted
    assert running
    for name in counted:
        assert int(average[name]) == int(plain[name]) > 3
    for name in running:
        torch.testing.assert_close(average[name], plain[name], rtol=1e-3, atol=1e-5)
        fresh = 0.0 if name.endswith("mean") else 1.0
        assert float((average[name] - fresh).abs().max()) > 1e-3
