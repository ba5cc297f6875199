from __future__ import annotations

from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.models import MODELS
from calovision.models.config import load_config, parse_overrides, preset_of
from calovision.models.symmetry.settings import load_settings


@pytest.mark.parametrize(("task", "model"), [(t, m) for t in MODELS for m in MODELS[t]])
def test_every_preset_is_valid(task: str, model: str) -> None:
    config = load_config(task, model)
    assert config.model == model
    assert preset_of(task, model).config is type(config)


def test_order_of_precedence_is_preset_file_override(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("batch: 7\nepochs: 3\n")
    config = load_config("jet-vae", None, file, {"epochs": 5})
    assert (config.batch, config.epochs, config.model) == (7, 5, "point")


def test_numbers_in_scientific_notation_are_numbers() -> None:
    assert parse_overrides(["learning_rate=4e-4"]) == {"learning_rate": 4e-4}
    assert load_config("jet-vae", overrides={"learning_rate": "4e-4"}).learning_rate == 4e-4


@pytest.mark.parametrize(
    ("text", "word"),
    [("batchsize: 3", "batchsize"), ("batch: 0", "batch"), ("batch: [", "YAML"), ("3", "no keys")],
)
def test_bad_files_are_named(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=word):
        load_config("jet-vae", None, file)


def test_an_unknown_setting_is_told_with_all_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no setting 'bta'; did you mean beta") as error:
        load_config("jet-vae", overrides={"bta": 1})
    for key in ("points", "learning_rate", "budget_s", "beta"):
        assert key in error.value.remedy
    assert "hits" not in error.value.remedy  # of another model
    assert "documentation" not in str(error.value)
    with pytest.raises(InputError, match="did you mean latent"):
        load_settings(overrides={"latnet": 1})
    with pytest.raises(InputError, match=r"the preset has batch: \d+"):
        load_config("jet-vae", overrides={"batch": "many"})
    file = tmp_path / "c.yaml"
    file.write_text("beta: 0.3\n")
    with pytest.raises(InputError) as error:
        load_config("jet-vae", None, file, {"bta": 1})
    assert str(file) not in str(error.value)  # which is not to blame
    with pytest.raises(InputError, match="of the form key=value"):
        parse_overrides(["=3"])


@pytest.mark.parametrize("key", ["epochs", "budget_s"])
def test_lengths_are_numbers(key: str) -> None:
    for value in parse_overrides([f"{key}=.inf"]), parse_overrides([f"{key}=1e999"]):
        with pytest.raises(InputError, match="finite"):
            load_config("jet-vae", overrides=value)


def test_a_model_that_is_set_is_the_one_that_is_trained() -> None:
    assert load_config("jet-vae", overrides={"model": "baseline"}).model == "baseline"
    with pytest.raises(InputError, match="give it once"):
        load_config("jet-vae", "point", overrides={"model": "baseline"})
    with pytest.raises(InputError, match="give it once"):
        load_config("jet-vae", overrides={"task": "egamma"})


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InputError, match="jet-vae"):
        load_config("jet-vea")
    with pytest.raises(InputError, match="baseline"):
        load_config("jet-vae", "resnet")
    with pytest.raises(InputError, match="key=value"):
        parse_overrides(["beta"])


def test_settings_in_groups_are_set_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("detector:\n  pileup: 40\n  field: 2.0\n")
    given = parse_overrides(["detector.field=3.0", "detector.jet_radius=0.5", "width=32"])
    assert given == {"detector": {"field": 3.0, "jet_radius": 0.5}, "width": 32}
    config = load_config("jet-generator", "particles", file, given).model_dump()
    assert config["detector"] == {"pileup": 40, "field": 3.0, "jet_radius": 0.5}
    for wrong in ("detector.field=strong", "detector=3"):
        with pytest.raises(InputError, match="detector"):
            load_config("jet-generator", "particles", None, parse_overrides([wrong]))
    with pytest.raises(InputError, match="key=value"):
        parse_overrides(["detector.=3"])
    dotted = load_config("jet-generator", "particles", None, {"detector.field": 3})
    assert dotted.model_dump()["detector"] == {"field": 3}
