from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.models.generators.base import generated
from calovision.models.generators.request import Request
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import load_generator
from calovision.studies import folder, generation_checks, jet_generation
from calovision.studies.jet_generation import (
    ALL,
    BASELINE,
    FAST,
    GEANT4,
    OURS,
    Scale,
    differences,
    study,
)
from calovision.training.run import RunDir

Done = tuple[Path, dict[str, Any], list[str]]
TINY = Scale(300, 420, 1.0, 110, (4, 8))


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory,
    make_jets: Callable[..., Events],
    toy_stores: Callable[..., Any],
    finish: Callable[..., Done],
) -> Done:
    load = jet_generation.load_config

    def small(task: str, model: str, overrides: dict[str, Any]) -> Any:
        less = {"steps": 3} if model == BASELINE else {"width": 16, "head": 8, "flow": 16}
        less |= {OURS: {"select": 60}, FAST: {"straight": 2}}.get(model, {})
        return load(task, model, overrides=overrides | less)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(jet_generation.SCALES, "quick", TINY)
        patch.setattr(jet_generation, "LEAST_S", 0.1)
        patch.setattr(generation_checks, "ANSWERS", 60)
        patch.setattr(generation_checks, "ASKED", {"pt": (0.2, 0.8)})
        patch.setattr(generation_checks, "STEPS", (1, 2))
        patch.setattr(generation_checks, "FEW", (1,))
        patch.setattr(CascadeTask, "chunk", 60)
        patch.setattr(jet_generation, "load_config", small)
        patch.setattr(folder, "jets", toy_stores(make_jets))
        patch.setattr(jet_generation, "jets", lambda n, **_: make_jets(n, 1))
        return finish(study, tmp_path_factory.mktemp("study") / "generation")


@pytest.mark.timeout(600)
def test_all_models_are_judged_on_the_same_jets(done: Done) -> None:
    out, comparison, lines = done
    assert [m["model"] for m in comparison["models"]] == [OURS, ALL, FAST, BASELINE]
    assert len({m["data"]["hash"] for m in comparison["models"]}) == 1
    for model in comparison["models"]:
        wanted = {"classifier_auc", "classifier_auc_hits", "fpd", "kpd", "memorised", "jets_per_s"}
        assert wanted <= model["metrics"].keys()
        assert model["metrics"]["jets_per_s"]["value"] > 0
    for model in comparison["models"][:3]:
        assert 0 <= model["metrics"]["classifier_auc_transformer"]["value"] <= 1
    assert comparison["models"][0]["classes"].keys() == {"gluon", "quark"}
    assert comparison["models"][-1]["metrics"]["classifier_auc"]["value"] > 0.9
    assert "w1_n_hit_track" in comparison["floor"]
    assert len(EventStore.open(out / "generated" / OURS)) == 210
    assert len(lines) == 3
    assert 'src="http' not in (out / "report.html").read_text()


def test_response_is_measured_for_every_condition(done: Done) -> None:
    rows = json.loads((done[0] / "response.json").read_text())["rows"]
    assert len({r["condition"] for r in rows}) == 3
    assert len(rows) == 3 * 6
    assert all(r["generated"]["error"] > 0 and r["simulated"]["error"] > 0 for r in rows)
    costs = json.loads((done[0] / "costs.json").read_text())["rows"]
    assert [r["what"] for r in costs[:5]] == ["simulation", OURS, ALL, FAST, BASELINE]
    assert {r["what"] for r in costs[5:]} <= {GEANT4}
    assert costs[0]["speedup"] == 1
    steps = json.loads((done[0] / "steps.json").read_text())["rows"]
    assert [(r["model"], r["steps"]) for r in steps] == [(OURS, 1), (OURS, 2), (FAST, 1)]


def test_strips_conserve_energy_at_every_level(done: Done) -> None:
    task = load_generator(RunDir(done[0] / "runs" / OURS))
    assert isinstance(task, CascadeTask)
    events = generated(task, 3, Request(), seed=1)
    for level in (0, 5, 12, 18):
        sums = generation_checks.strip(task, events, level).sum((2, 3))
        np.testing.assert_allclose(sums, events.sums(), rtol=1e-3)
    finest = generation_checks.strip(task, events, 18)
    np.testing.assert_allclose(finest, events.to_dense(), rtol=1e-3, atol=1e-5)


def test_differences_are_ours_minus_theirs() -> None:
    def result(model: str, value: float) -> dict[str, Any]:
        return {"model": model, "metrics": {"fpd": {"value": value, "error": 0.3}}}

    (row,) = differences([result("a", 1.0), result("b", 3.0)])
    assert (row["a"], row["b"], row["value"]) == ("a", "b", -2.0)
    assert row["error"] == pytest.approx(0.3 * 2**0.5)


def test_unknown_scale(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown scale"):
        study(tmp_path, scale="huge")
