"""Every model computes what it computed when the reference was written.

Where a change is meant, ``make reference`` writes the values anew.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from calovision import models
from calovision.models.pretrained import pretrained_run
from calovision.models.symmetry.settings import MODELS

KNOWN: dict[str, Any] = json.loads(
    Path(__file__).with_name("reference").joinpath("values.json").read_text()
)


@pytest.mark.parametrize("name", KNOWN["values"])
def test_nothing_changed(name: str, tmp_path: Path, reference: ModuleType) -> None:
    if name.startswith("onnx"):
        pytest.importorskip("onnxscript")
    found = reference.measured(name, tmp_path)
    same = reference.machine() == KNOWN["machine"]
    assert reference.differences(found, KNOWN["values"][name], same) == []


def test_every_model_has_values() -> None:
    known = {f"{task} {model}" for task in models.MODELS for model in models.MODELS[task]}
    known |= {f"symmetry {model}" for model in MODELS}
    room = pretrained_run("symmetry").parent
    known |= {f"shipped {file.parent.name}" for file in room.glob("*/model.safetensors")}
    assert known <= KNOWN["values"].keys()


@pytest.mark.parametrize(("same", "size"), [(True, 2e-6), (False, 3e-2)])
def test_a_change_is_told(same: bool, size: float, reference: ModuleType) -> None:
    known = KNOWN["values"]["shipped jet-tagger"]
    assert reference.differences(known, known, same) == []
    changed = copy.deepcopy(known)
    changed["logits"]["mean"] += size * changed["logits"]["rms"]
    (line,) = reference.differences(changed, known, same)
    assert line.startswith("logits changed by")
    del changed["logits"]
    assert reference.differences(changed, known, same) == ["logits is new or gone"]


def test_order_and_numbers_count(reference: ModuleType) -> None:
    was = {"x": reference.told([1.0, 2.0, 3.0])}
    for other in ([3.0, 2.0, 1.0], [1.0, 2.0], [1.0, 2.0, float("nan")]):
        assert reference.differences({"x": reference.told(other)}, was, True)
