from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.studies.jet_vae import STUDY, Scale
from calovision.studies.runner import run

TINY = replace(STUDY, scales={"quick": Scale(260, 240, 2.0, 6, ("trees",))})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], list[str]]:
    out = tmp_path_factory.mktemp("study") / "demo"
    comparison, page, lines = run(TINY, out, scale="quick", workers=1, quiet=True)
    assert page == out / "report.html"
    return out, comparison, lines


@pytest.mark.timeout(600)
def test_a_study_compares_both_models_on_the_same_jets(
    tiny: tuple[Path, dict[str, object], list[str]],
) -> None:
    out, comparison, lines = tiny
    models = comparison["models"]
    assert isinstance(models, list)
    assert [m["model"] for m in models] == ["baseline", "point"]
    assert models[0]["data"]["hash"] == models[1]["data"]["hash"]
    assert {d["metric"] for d in comparison["differences"]} >= {"emd", "occupancy_f1_ecal"}  # type: ignore[attr-defined]
    assert comparison["floor"]
    assert len(lines) == 3
    assert json.loads((out / "comparison.json").read_text()) == comparison
    page = (out / "report.html").read_text()
    assert 'src="http' not in page
    assert "data:image/png;base64" in page


@pytest.mark.timeout(600)
def test_a_finished_study_is_not_done_again_and_another_is_refused(
    tiny: tuple[Path, dict[str, object], list[str]],
) -> None:
    out, _, _ = tiny
    before = (out / "runs" / "point" / "model.safetensors").stat().st_mtime_ns
    run(TINY, out, scale="quick", workers=1, quiet=True)
    assert (out / "runs" / "point" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another study"):
        run(TINY, out, scale="quick", seed=2, workers=1, quiet=True)
