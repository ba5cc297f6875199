from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.evaluation.symmetry import breaking as breaking_module
from calovision.evaluation.symmetry.breaking import breaking
from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.symmetry import data as reading
from calovision.models.symmetry.data import ImageData, read_images
from calovision.models.symmetry.runs import Flows
from calovision.models.symmetry.settings import load_settings


def test_broken_and_kept_symmetries_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(breaking_module, "STEPS", 80)
    random = np.random.default_rng(0)
    axis = np.arange(13) - 6
    row, col = axis[:, None], axis[None]
    # spots that are longer along columns, and broader for one class
    label = np.arange(600) % 2
    width = random.uniform(1.0, 1.3, 600)[:, None, None] * (1 + 0.4 * label[:, None, None])
    images = np.exp(-(((row / width) ** 2 + (col / width / 1.8) ** 2) / 2))
    flat = torch.from_numpy(images.reshape(600, -1).astype(np.float32))
    kind = torch.from_numpy(label)
    train, test = ((flat[r], kind[r]) for r in (slice(400), slice(400, None)))
    data = ImageData(tmp_path, "hash", (0, 1), train, test, turning=False)
    found = breaking(Flows(None, None, (), None, {}), data)  # type: ignore[arg-type]
    assert found["tagger_auc"].value > 0.9
    for motion in ("eta_mirrored", "phi_mirrored", "half_turn"):
        assert found[f"seen_{motion}"].value == pytest.approx(0.5, abs=0.01)
        assert found[f"shift_{motion}"].value < 0.05
    assert found["seen_quarter_turn"].value > 0.95
    assert found["shift_quarter_turn"].value > 0.05


def test_events_are_read_as_they_are(
    toy_jets: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 50)
    save(toy_jets, tmp_path / "jets", provenance={})
    data = read_images(tmp_path / "jets")
    assert len(data.train[0]) == 40
    assert len(data.test[0]) == 10
    assert data.periods == (360.0, 360.0)
    drawn, _ = data.stream(load_settings().angles)(5, torch.Generator().manual_seed(0))
    # By differences: the default way through a product rounds equal points to .001 apart.
    nearest = torch.cdist(drawn, data.train[0], compute_mode="donot_use_mm_for_euclid_dist").amin(1)
    assert float(nearest.max()) < 1e-3
    toy = toy_jets[:]
    toy.columns["label"] = np.full(len(toy), -1, np.int8)
    save(toy, tmp_path / "unknown", provenance={})
    with pytest.raises(InputError, match="without a class"):
        read_images(tmp_path / "unknown")
