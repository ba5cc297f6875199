from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.evaluation.symmetry import frame_measures, measures, orbits
from calovision.events.digits import DigitSet
from calovision.metrics import symmetry as metrics
from calovision.models.symmetry.evidence import Evidence
from calovision.models.symmetry.linear import Spectrum
from calovision.simulation.digits import digits
from calovision.studies import symmetry
from calovision.studies.runner import run

pytestmark = pytest.mark.timeout(900)  # the study is made within the first test

OURS = {"vae_steps": 12, "oracle_steps": 3, "refine_steps": 2, "group_steps": 2, "batch": 16}
OURS |= {"points": 100, "components": 12}
PUBLISHED = {"epochs": 0.02, "oracle_steps": 3, "generator_steps": 3}
SCALE = symmetry.Scale(1, 2, 3, 0, {"isometry": OURS, "baseline": PUBLISHED})
TINY = replace(symmetry.STUDY, scales={"quick": SCALE})


def few(seed: int) -> DigitSet:
    """A few digits of each class, as many held out as there are in training."""
    every = digits(seed=seed)
    rows = np.concatenate(
        [
            np.flatnonzero((every.label == d) & (every.test == t))[:8]
            for d in (1, 2)
            for t in (False, True)
        ]
    )
    return DigitSet(every.images[rows], every.label[rows], every.test[rows], every.provenance)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose search believes everything, so that every step is taken."""
    out = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symmetry, "digits", few)
        patch.setattr(orbits, "STEPS", 20)
        for module in (orbits, measures, metrics):
            patch.setattr(module, "GRID", 60.0)
        patch.setattr(measures, "IMAGES", 3)
        patch.setattr(measures, "IMAGES_TO_CHOOSE", 1)
        patch.setattr(frame_measures, "ANGLES", 4)
        patch.setattr(frame_measures, "STEPS", 1)
        patch.setattr(frame_measures, "JUDGE_STEPS", 3)
        patch.setattr(frame_measures, "IMAGES", 3)
        patch.setattr(measures, "FRAMES", 6)
        patch.setattr(Evidence, "verdict", "a symmetry")
        patch.setattr(Spectrum, "MOST_RESIDUAL", 1.0)
        run(TINY, out, scale="quick", quiet=True)
    return out


def test_a_study_compares_both_models(study: Path) -> None:
    comparison = json.loads((study / "comparison.json").read_text())
    assert [m["model"] for m in comparison["models"]] == ["baseline", "isometry"]
    for model in comparison["models"]:
        keys = set(model["metrics"])
        for digit in (1, 2):
            for latent in (2, 5):
                wanted = {f"{k}_{digit}_d{latent}" for k in ("cover", "r2", "fidelity", "drift")}
                assert wanted <= keys, wanted - keys
            assert f"map_fidelity_{digit}_d5" in keys
    ours = comparison["models"][1]["metrics"]
    assert {"displacement_1_d5", "frame_accuracy_d5"} <= set(ours)
    assert "cos_d5" in comparison["models"][0]["metrics"]
    assert {d["metric"] for d in comparison["differences"]} >= {"cover_1_d5", "cover_2_d2"}


def test_the_page_shows_it(study: Path) -> None:
    page = (study / "report.html").read_text()
    assert "The group that was found" in page
    assert "rotation" in page


def test_a_finished_study_is_only_read(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symmetry, "repetition", None)
    comparison, page, lines = run(TINY, study, scale="quick", quiet=True)
    assert comparison["study"] == "symmetry"
    assert page.exists()
    assert len(lines) == 4


def test_another_study_is_refused(study: Path) -> None:
    with pytest.raises(InputError, match="another study"):
        run(TINY, study, scale="quick", seed=9, quiet=True)


def test_medians_and_spreads_over_seeds() -> None:
    def one(value: float | None) -> dict[str, object]:
        metric = {"value": value, "error": 0.1, "unit": "", "floor": None}
        budget = {"wall_s": 1.0, "cpu_s": 1.0}
        return {"model": "isometry", "budget": budget, "metrics": {"a": metric}}

    found = symmetry._median([one(1.0), one(5.0), one(2.0)])
    assert found["metrics"]["a"]["value"] == 2.0
    assert found["metrics"]["a"]["seeds"] == [1.0, 5.0, 2.0]
    assert found["metrics"]["a"]["error"] == pytest.approx(2.0817 / 3**0.5, rel=1e-3)
    assert symmetry._median([one(None), one(3.0)])["metrics"]["a"]["value"] == 3.0
