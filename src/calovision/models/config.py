"""Training configuration: a YAML preset per model, the user's file, ``key=value`` overrides."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calovision.errors import InputError
from calovision.training.plain_yaml import MOST_CHARACTERS, mapping_of, value_of
from calovision.training.settings import (
    OWN,
    CascadeConfig,
    CropNetConfig,
    DDPMConfig,
    DenseVAEConfig,
    GraphSAGEConfig,
    ModuleConfig,
    ParticleNetConfig,
    PointVAEConfig,
    ResNetConfig,
    Training,
    TransformerConfig,
)

#: settings of every model of every task; the first model is the default
TASKS: dict[str, dict[str, type[Training]]] = {
    "jet-vae": {"point": PointVAEConfig, "baseline": DenseVAEConfig},
    "jet-tagger": {
        "particle-transformer": TransformerConfig,
        "baseline": GraphSAGEConfig,
        "graphsage-xy": GraphSAGEConfig,
        "particlenet": ParticleNetConfig,
        "particlenet-lite": ParticleNetConfig,
        "resnet15": ResNetConfig,
    },
    "jet-generator": {
        "cascade": CascadeConfig,
        "cascade-fast": CascadeConfig,
        "baseline": DDPMConfig,
    },
    "egamma": {"crop-net": CropNetConfig, "baseline": ResNetConfig},
}
#: what a task's events are, where it is not jets: schema of the geometry, and kind to simulate
CROPS = ("crops", "egamma")
KINDS = {"egamma": CROPS}

#: tasks that a module of one's own can be trained for, whose model is called "own:NAME"
OWN_TASKS = ("jet-tagger", "egamma", "jet-vae")

Settings = TypeVar("Settings", bound=BaseModel)


def preset(task: str, model: str) -> str:
    """File name of a model's preset."""
    return "own.yaml" if model.startswith(OWN) else f"{task}-{model}.yaml"


def settings_of(task: str, model: str) -> type[Training] | None:
    """The kind of settings of a model; ``None`` where there is no such model."""
    if model.startswith(OWN) and task in OWN_TASKS:
        return ModuleConfig
    return TASKS[task].get(model)


def load_config(
    task: str,
    model: str | None = None,
    file: Path | None = None,
    overrides: dict[str, Any] | None = None,
) -> Training:
    """The configuration of a training: preset, then the user's file, then single overrides.

    Raises:
        InputError: unknown task, model or key, or a value out of range.
    """
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}", f"choose one of {', '.join(TASKS)}, symmetry")
    models = TASKS[task]
    if model and model.startswith(OWN) and task in OWN_TASKS:
        models = {model: ModuleConfig}
    return resolve(models, task, model, file, overrides)


def resolve(
    models: Mapping[str, type[Settings]],
    task: str,
    model: str | None,
    file: Path | None,
    overrides: dict[str, Any] | None,
) -> Settings:
    """Settings of one of the ``models`` of a task; see :func:`load_config`."""
    given = read_settings(file) if file else {}
    named = {"task": task, "model": model}
    for source in (given, overrides or {}):
        for name, asked in named.items():
            found = source.get(name) or asked
            if asked is not None and found != asked:
                raise InputError(f"{name} is {found} in the settings, and {asked}", "give it once")
            named[name] = found
    model = named["model"] or next(iter(models))
    if not isinstance(model, str) or model not in models:
        raise InputError(
            f"task {task} has no model {model!r}", f"choose one of {', '.join(models)}"
        )
    defaults = resources.files("calovision.models") / "presets" / preset(task, model)
    merged = {**mapping_of(defaults.read_text()), **given, **(overrides or {})}
    named = {"task": task, "model": model}
    merged |= named
    try:
        return models[model].model_validate(merged)
    except ValidationError as error:
        defaults_of = models[model].model_validate({**mapping_of(defaults.read_text()), **named})
        raise _bad(error, defaults_of, given if file else {}, file) from None


def _bad(
    error: ValidationError, preset: BaseModel, of_file: Mapping[str, Any], file: Path | None
) -> InputError:
    """The one-line form of what is wrong with settings: the key, and what there is instead."""
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    place = ".".join(str(p) for p in first["loc"])
    where = f" in {file}" if key in of_file else ""
    known = {k: v for k, v in preset.model_dump().items() if k not in ("task", "model")}
    if first["type"] == "extra_forbidden":
        near = get_close_matches(key, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return InputError(
            f"bad configuration{where}: there is no setting {key!r}",
            f"{meant}the settings are {', '.join(known)}",
        )
    told = first["msg"].lower()
    if not key:
        return InputError(f"bad configuration{where}: {told}", "change one of them")
    return InputError(
        f"bad configuration{where}: {place}: {told}", f"the preset has {key}: {known[key]}"
    )


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """``["beta=0.2", ...]`` to a mapping, values read as YAML (and ``4e-4`` as a number).

    Raises:
        InputError: an item without ``=``.
    """
    out: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set {pair!r} is not of the form key=value", "write e.g. beta=0.2")
        try:
            out[key.strip()] = _number_or_value(text)
        except ValueError:
            raise InputError(
                f"--set {pair!r} has no readable value", "write e.g. beta=0.2"
            ) from None
    return out


def _number_or_value(text: str) -> Any:
    """What a text stands for: YAML reads 4e-4 as a text, where a number is meant."""
    if "e" in text.lower():
        with suppress(ValueError):
            return float(text)
    return value_of(text)


def read_settings(file: Path) -> dict[str, Any]:
    """The settings in a YAML file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            return mapping_of(opened.read(MOST_CHARACTERS + 1))
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror}", "give a readable YAML file"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{file} is not a YAML file of settings ({error})", "write one 'key: value' a line"
        ) from None
