from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calovision.evaluation.judges import QUICK
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.models.generators.hits.task import HitsTask
from calovision.models.generators.particles.task import ParticlesTask
from calovision.studies import generation_checks, jet_generation
from calovision.studies.jet_generation import (
    BASELINE,
    FAST,
    GEANT4,
    IMAGES,
    OURS,
    STUDY,
    Scale,
    trainings,
)
from calovision.studies.trainings import Training

Done = tuple[Path, dict[str, Any], list[str]]
TINY = Scale(300, 420, 1.0, 110, (4, 8), QUICK)


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory,
    make_jets: Callable[..., Events],
    finish: Callable[..., Done],
) -> Done:
    small = {"width": 12, "layers": 1, "heads": 2, "components": 2, "jet_width": 12}
    settings = {
        OURS: small,
        FAST: small,
        IMAGES: small | {"companion_width": 8},
        BASELINE: {"steps": 3},
    }

    def tiny(size: Scale, seed: int) -> list[Training]:
        return [replace(t, settings=t.settings | settings[t.model]) for t in trainings(size, seed)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jet_generation, "TIMED_S", 0.1)
        patch.setattr(generation_checks, "JETS_PER_CONDITION", 60)
        patch.setattr(generation_checks, "QUANTILES", {"pt": (0.2, 0.8)})
        patch.setattr(HitsTask, "chunk", 60)
        patch.setattr(ParticlesTask, "chunk", 60)
        patch.setattr(jet_generation.simulate, "jets", lambda n, **_: make_jets(n, 1))
        study = replace(STUDY, scales={"quick": TINY}, trainings=tiny)
        return finish(study, tmp_path_factory.mktemp("study") / "generation")


@pytest.mark.timeout(600)
def test_all_models_are_judged_on_the_same_jets(done: Done) -> None:
    out, comparison, lines = done
    assert [m["model"] for m in comparison["models"]] == [OURS, FAST, IMAGES, BASELINE]
    assert len({m["data"]["hash"] for m in comparison["models"]}) == 1
    for model in comparison["models"]:
        wanted = {"classifier_auc_strictest", "classifier_auc", "classifier_auc_patterns"}
        wanted |= {"fpd", "kpd", "memorised", "jets_per_s"}
        assert model["strictest"] in model["judges"]
        assert wanted <= model["metrics"].keys()
        assert model["metrics"]["jets_per_s"]["value"] > 0
    assert comparison["models"][0]["classes"].keys() == {"gluon", "quark"}
    assert comparison["models"][-1]["metrics"]["classifier_auc"]["value"] > 0.9
    assert "w1_n_hit_track" in comparison["floor"]
    assert len(EventStore.open(out / "generated" / OURS)) == 210
    assert len(lines) == 3
    assert not [d for d in comparison["differences"] if d["metric"] == "jets_per_s"]
    assert {(d["a"], d["b"]) for d in comparison["differences"]} == {
        (OURS, model) for model in (FAST, IMAGES, BASELINE)
    }
    assert 'src="http' not in (out / "report.html").read_text()


def test_response_is_measured_for_every_condition(done: Done) -> None:
    rows = json.loads((done[0] / "response.json").read_text())["rows"]
    assert len({r["condition"] for r in rows}) == 3
    assert len(rows) == 3 * 6
    assert all(r["generated"]["error"] > 0 and r["simulated"]["error"] > 0 for r in rows)
    costs = json.loads((done[0] / "costs.json").read_text())["rows"]
    assert [r["what"] for r in costs[:5]] == ["simulation", OURS, FAST, IMAGES, BASELINE]
    assert {r["what"] for r in costs[5:]} <= {GEANT4}
    assert costs[0]["speedup"] == 1
