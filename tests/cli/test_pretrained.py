"""The models that come with the package do what their cards say, without any training."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events.fingerprints import fingerprints
from calovision.events.store import EventStore, save
from calovision.events.training_fingerprints import find_index
from calovision.models.pretrained import copied_run, pretrained_run
from calovision.simulation.chunks import Chunk, chunks_of
from calovision.simulation.egamma.driver import CHUNK, simulate_chunk

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def jets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("jets") / "set"
    cv.load_model(pretrained_run("jet-generator")).generate(250, out=out, seed=5)
    return out


def scored(calovision: Command, data: Path, out: Path, column: str) -> float:
    done = calovision("classify", "--data", str(data), "--out", str(out), "--pretrained")
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out).to_pydict()
    assert np.mean(table["out_of_distribution"]) < 0.1
    return float(roc_auc_score(table["label"], table[column]))


def test_jets_are_tagged(jets: Path, tmp_path: Path, calovision: Command) -> None:
    assert scored(calovision, jets, tmp_path / "s.parquet", "quark_probability") > 0.7


def test_electrons_are_told_from_photons(tmp_path: Path, calovision: Command) -> None:
    save(simulate_chunk(Chunk(0, 6, 0, 500)), tmp_path / "crops", provenance={})
    out = tmp_path / "s.parquet"
    assert scored(calovision, tmp_path / "crops", out, "electron_probability") > 0.7


def test_the_default_simulation_is_what_they_were_trained_on(tmp_path: Path) -> None:
    (chunk,) = chunks_of(1000, 1, CHUNK["fast"])
    save(simulate_chunk(chunk), tmp_path / "crops", provenance={})
    data, run = ["--data", str(tmp_path / "crops"), "--out"], CliRunner().invoke
    done = run(app, ["classify", "--pretrained", *data, str(tmp_path / "s.csv"), "--json"])
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["training_events"] == 1000
    done = run(app, ["evaluate", "--pretrained", "egamma", *data, str(tmp_path / "copy")])
    said = "has 0 events that the run has not seen, and 1000 of its training"
    assert said in str(done.exception)


def test_jets_of_its_seed_are_known_to_the_shipped_generator() -> None:
    known = find_index(pretrained_run("jet-generator"), "")
    assert known is not None
    seen = {
        seed: fingerprints(cv.simulate.jets(30, seed=seed, quiet=True)).isin(known)
        for seed in (930, 1)
    }
    assert seen[930].sum() >= 10  # a shorter set begins with the same gluon jets
    assert seen[1].sum() == 0


def test_jets_are_reconstructed(jets: Path, tmp_path: Path, calovision: Command) -> None:
    out = tmp_path / "rebuilt"
    done = calovision("reconstruct", "--pretrained", "--data", str(jets), "--out", str(out))
    assert done.returncode == 0, done.stderr
    true, rebuilt = EventStore.open(jets).load(), EventStore.open(out).load()
    np.testing.assert_allclose(rebuilt.sums().sum(0), true.sums().sum(0), rtol=0.01)
    assert abs(rebuilt.counts().mean() / true.counts().mean() - 1) < 0.02


def test_a_model_is_measured_in_a_copy(jets: Path, tmp_path: Path, calovision: Command) -> None:
    out, data = tmp_path / "copy", ("--data", str(jets))
    done = calovision("evaluate", "--pretrained", "jet-tagger", *data, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "results.json").read_text())["metrics"]["auc"]["value"] > 0.7
    homeless = calovision("evaluate", "--pretrained", "jet-tagger", *data)
    assert homeless.returncode == 2
    assert "--out" in homeless.stderr


def test_reconstructions_are_shown(jets: Path, tmp_path: Path, calovision: Command) -> None:
    out = tmp_path / "page.html"
    which = ("--pretrained", "jet-vae", "--data", str(jets))
    done = calovision("view", *which, "--events", "2", "--no-browser", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "original" in done.stdout
    assert out.stat().st_size > 10_000


def test_generated_jets_are_shown_without_data(tmp_path: Path, calovision: Command) -> None:
    out = tmp_path / "page.html"
    shown = ("view", "--pretrained", "--events", "3", "--no-browser", "--out", str(out), "--json")
    done = calovision(*shown)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"path": str(out), "events": 3, "rows": ["particles"]}
    refused = calovision("view", "--pretrained", "jet-tagger", "--out", str(out))
    assert refused.returncode == 2
    assert "--data" in refused.stderr


def test_a_flow_turns_digits(tmp_path: Path, calovision: Command) -> None:
    digits, out = str(tmp_path / "digits"), tmp_path / "found"
    assert calovision("data", "digits", "--out", digits).returncode == 0
    words = ("discover", "--pretrained", "--data", digits)
    done = calovision(*words)
    assert done.returncode == 2
    assert "give --out" in done.stderr
    done = calovision(*words, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["cover_1_d5"]["value"] > 170
    assert metrics["cover_2_d5"]["value"] > 250
    assert (out / "results.json").exists()
    assert not list(pretrained_run("symmetry").rglob("results.json"))
    assert copied_run(pretrained_run("symmetry"), out) == out
    (out / "config.yaml").write_text("config: {}\ndata: {}\n")
    with pytest.raises(InputError, match="another run"):
        copied_run(pretrained_run("symmetry"), out)


def test_a_model_of_its_own_or_the_shipped_one(tmp_path: Path, calovision: Command) -> None:
    out = str(tmp_path / "tagger.onnx")
    both = calovision("export", "run", "--pretrained", "jet-tagger", "--out", out)
    none = calovision("export", "--out", out)
    unknown = calovision("export", "--pretrained", "jets", "--out", out)
    several = calovision("export", "--pretrained", "--out", out)
    unfit = calovision("generate", "--pretrained", "jet-vae", "--out", out)
    assert {r.returncode for r in (both, none, unknown, several, unfit)} == {2}
    assert "name one behind --pretrained: egamma, jet-generator, jet-tagger" in several.stderr
    assert "the jet-vae model does not fit here; give --pretrained jet-generator" in unfit.stderr
    assert "which model" in both.stderr
    assert "which model" in none.stderr
    assert "egamma, jet-generator, jet-tagger, jet-vae, symmetry" in unknown.stderr


def test_they_are_small_and_have_cards() -> None:
    weights = list(pretrained_run("jet-vae").parent.glob("*/model.safetensors"))
    assert len(weights) >= 5
    everything = pretrained_run("jet-vae").parent.rglob("*.safetensors")
    assert sum(w.stat().st_size for w in everything) < 20_000_000
    prints = list(pretrained_run("jet-vae").parent.glob("*/training-events.npz"))
    assert {p.parent.name for p in prints} == {"egamma", "jet-generator", "jet-tagger", "jet-vae"}
    assert sum(p.stat().st_size for p in prints) < 700_000
    for file in weights:
        card = (file.parent / "card.md").read_text()
        assert "## Limits" in card
        assert "| metric |" in card
