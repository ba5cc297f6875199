"""What the help says can be set is what there is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from calovision import models
from calovision.errors import InputError
from calovision.models.config import flat, load_config
from calovision.models.listing import description, models_of, settings_of

Command = Callable[..., subprocess.CompletedProcess[str]]
MODELS = [(task, model) for task in (*models.MODELS, "symmetry") for model in models_of(task)]


@pytest.mark.parametrize(("task", "model"), MODELS)
def test_every_setting_has_its_preset_value_and_a_meaning(task: str, model: str) -> None:
    found = settings_of(task, model)
    assert [s.name for s in found if len(s.meaning) < 10 or "see " in s.meaning] == []
    assert len(description(task, model)) > 30
    if task != "symmetry":
        config = load_config(task, model).model_dump()
        assert {s.name: s.default for s in found} | {"task": task, "model": model} == flat(config)


def test_models_of_one_task_are_described_apart() -> None:
    for task in (*models.MODELS, "symmetry"):
        told = [description(task, model) for model in models_of(task)]
        assert len(set(told)) == len(told)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="unknown task 'jet'"):
        models_of("jet")
    with pytest.raises(InputError, match="task egamma has no model 'point'; choose one of"):
        settings_of("egamma", "point")


def test_the_command_lists_them(calovision: Command) -> None:
    done = calovision("train", "jet-tagger", "--model", "particlenet", "--list")
    assert done.returncode == 0
    assert "settings of particlenet" in done.stdout
    assert "budget_s         no limit" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    found = json.loads(calovision("train", "--list", "--json").stdout)
    assert found["jet-tagger"]["particlenet"]["batch"]["default"] == 384


def test_the_page_of_the_docs_is_up_to_date(docs_script: Callable[[str], ModuleType]) -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == docs_script("write_settings").page(), "python docs/write_settings.py"


def test_a_card_says_what_a_model_is(calovision: Command, tmp_path: Path) -> None:
    import calovision as cv

    crops = cv.simulate.egamma(300, seed=4, quiet=True)
    run = tmp_path / "run"
    model = cv.train("egamma", crops, out=run, epochs=1, quiet=True)
    assert "Not evaluated yet." in model.card
    assert "- hidden: 256" in model.card
    model.evaluate(cv.simulate.egamma(300, seed=5, quiet=True))
    done = calovision("model", "info", run)
    assert done.stdout.strip() == model.card.strip()
    assert "| auc | 0." in done.stdout
    shipped = calovision("model", "info", "--pretrained", "jet-vae")
    assert "## Limits" in shipped.stdout
    assert "is not a run directory" in calovision("model", "info", tmp_path).stderr
