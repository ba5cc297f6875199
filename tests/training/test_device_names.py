"""Names of devices: what they stand for, and one line where there is no such device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from calovision.errors import InputError
from calovision.models.config import load_config
from calovision.models.symmetry.settings import load_settings
from calovision.training.devices import chosen_device
from pretended_gpu import with_gpus


@pytest.mark.parametrize(
    ("name", "gpus", "expected"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cpu", 2, "cpu"),
        ("cuda", 2, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_names_of_devices(
    name: str, gpus: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(monkeypatch, gpus)
    assert str(chosen_device(name)) == expected


@pytest.mark.parametrize(
    ("name", "gpus", "problem"),
    [
        ("gpu", 1, "there is no device 'gpu'; give auto, cpu, cuda, cuda:N or mps"),
        ("cuda:", 1, "there is no device 'cuda:'"),
        ("cuda:2", 2, "there is no GPU 2: PyTorch finds 2, counted from 0"),
        ("cuda", 0, "PyTorch finds no GPU for device cuda; .* or give --device cpu"),
        ("cuda", -1, "this PyTorch is built without CUDA, which device cuda needs"),
        ("mps", 0, "PyTorch finds no GPU of a Mac for device mps; give --device cpu"),
    ],
)
def test_a_device_that_is_not_there_is_one_line(
    name: str, gpus: int, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(monkeypatch, gpus)
    with pytest.raises(InputError, match=problem) as told:
        chosen_device(name)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("load", [load_config, lambda task, **how: load_settings(**how)])
def test_settings_refuse_what_is_no_device(load: Callable[..., Any]) -> None:
    assert load("jet-vae", overrides={"device": "cuda:3"}).device == "cuda:3"
    with pytest.raises(
        InputError, match="device: choose auto, cpu, cuda, cuda:1 or the like, or mps"
    ):
        load("jet-vae", overrides={"device": "gpu"})
