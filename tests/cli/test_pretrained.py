"""The models that come with the package do what their cards say, without any training."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from calovision.events.store import EventStore, save
from calovision.simulate.crops.driver import Task, simulate_chunk
from calovision.tasks.generate import generate
from calovision.tasks.pretrained import pretrained_run

Command = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.xdist_group("pretrained")


@pytest.fixture(scope="module")
def jets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("jets") / "set"
    generate(pretrained_run("jet-generator"), 250, out, seed=5, quiet=True)
    return out


def scored(calovision: Command, data: Path, out: Path, column: str) -> float:
    done = calovision("classify", "--pretrained", "--data", str(data), "--out", str(out))
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out).to_pydict()
    assert np.mean(table["foreign"]) < 0.1
    return float(roc_auc_score(table["label"], table[column]))


def test_jets_are_tagged(jets: Path, tmp_path: Path, calovision: Command) -> None:
    assert scored(calovision, jets, tmp_path / "s.parquet", "quark_probability") > 0.7


def test_electrons_are_told_from_photons(tmp_path: Path, calovision: Command) -> None:
    save(simulate_chunk(Task(0, 6, 250, 250, 0, "fast")), tmp_path / "crops", provenance={})
    out = tmp_path / "s.parquet"
    assert scored(calovision, tmp_path / "crops", out, "electron_probability") > 0.7


def test_jets_are_reconstructed(jets: Path, tmp_path: Path, calovision: Command) -> None:
    out = tmp_path / "rebuilt"
    done = calovision("reconstruct", "--pretrained", "--data", str(jets), "--out", str(out))
    assert done.returncode == 0, done.stderr
    true, rebuilt = EventStore.open(jets).load(), EventStore.open(out).load()
    np.testing.assert_allclose(rebuilt.sums().sum(0), true.sums().sum(0), rtol=0.01)
    assert abs(rebuilt.counts().mean() / true.counts().mean() - 1) < 0.02


def test_a_model_of_its_own_or_the_shipped_one(tmp_path: Path, calovision: Command) -> None:
    out = str(tmp_path / "tagger.onnx")
    both = calovision("export", "run", "--pretrained", "jet-tagger", "--out", out)
    none = calovision("export", "--out", out)
    unknown = calovision("export", "--pretrained", "jets", "--out", out)
    assert {r.returncode for r in (both, none, unknown)} == {2}
    assert "which model" in both.stderr
    assert "which model" in none.stderr
    assert "egamma, jet-generator, jet-tagger, jet-vae" in unknown.stderr


def test_they_are_small_and_have_cards() -> None:
    weights = list(pretrained_run("jet-vae").parent.glob("*/model.safetensors"))
    assert len(weights) >= 4
    assert sum(w.stat().st_size for w in weights) < 20_000_000
    for file in weights:
        card = (file.parent / "card.md").read_text()
        assert "## Limits" in card
        assert "| metric |" in card
