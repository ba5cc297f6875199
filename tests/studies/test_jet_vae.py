from __future__ import annotations

import json
from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.studies import jet_vae
from calovision.studies.jet_vae import Scale, study


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], list[str]]:
    patch = pytest.MonkeyPatch()
    patch.setitem(jet_vae.SCALES, "quick", Scale(260, 240, 2.0, 6))
    out = tmp_path_factory.mktemp("study") / "demo"
    comparison, page, lines = study(out, scale="quick", workers=1, quiet=True)
    patch.undo()
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
    tiny: tuple[Path, dict[str, object], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _, _ = tiny
    monkeypatch.setitem(jet_vae.SCALES, "quick", Scale(260, 240, 2.0, 6))
    before = (out / "runs" / "point" / "model.safetensors").stat().st_mtime_ns
    study(out, scale="quick", workers=1, quiet=True)
    assert (out / "runs" / "point" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another study"):
        study(out, scale="quick", seed=2, workers=1, quiet=True)
    with pytest.raises(InputError, match="scale"):
        study(out, scale="enormous", quiet=True)
