"""Training configuration: a model's preset, the user's file, ``key=value`` overrides."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from calovision.errors import InputError
from calovision.models import MODELS, OWN_MODELS
from calovision.training.settings import OWN, Training
from calovision.utils.plain_yaml import MOST_CHARACTERS, mapping_of, value_of

if TYPE_CHECKING:
    from calovision.models.preset import Preset

#: what a task's events are, where it is not jets: schema of the geometry, and kind to simulate
CROPS = ("crops", "egamma")
KINDS = {"egamma": CROPS}

Settings = TypeVar("Settings", bound=BaseModel)


def preset_of(task: str, model: str | None = None) -> Preset:
    """The preset of a model, of the first one of a task by default.

    Raises:
        InputError: unknown task or model.
    """
    if task not in MODELS:
        raise InputError(f"unknown task {task!r}", f"choose one of {', '.join(MODELS)}, symmetry")
    model = model or next(iter(MODELS[task]))
    if model.startswith(OWN) and task in OWN_MODELS:
        place, name = OWN_MODELS[task], OWN
    elif model in MODELS[task]:
        place, name = MODELS[task][model], model
    else:
        raise InputError(
            f"task {task} has no model {model!r}", f"choose one of {', '.join(MODELS[task])}"
        )
    found: Preset = importlib.import_module(f"calovision.models.{place}").PRESETS[task, name]
    return found


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
    given, model = given_settings(task, model, file, overrides)
    preset = preset_of(task, model)
    named = {"task": task, "model": model or next(iter(MODELS[task]))}
    return validated(preset.config, {**preset.values, **named}, given, file)


def given_settings(
    task: str, model: str | None, file: Path | None, overrides: dict[str, Any] | None
) -> tuple[dict[str, Any], str | None]:
    """Settings of a file and single ones in their place, and the model that they, or both, name.

    Raises:
        InputError: the file cannot be read, or task or model are given twice and differ.
    """
    of_file = read_settings(file) if file else {}
    named = {"task": task, "model": model}
    for source in (of_file, overrides or {}):
        for name, asked in named.items():
            found = source.get(name) or asked
            if asked is not None and found != asked:
                raise InputError(f"{name} is {found} in the settings, and {asked}", "give it once")
            if found is not None and not isinstance(found, str):
                raise InputError(f"{name} is {found!r} in the settings", "give its name")
            named[name] = found
    both = merged(in_groups(of_file), in_groups(overrides or {}))
    return {k: v for k, v in both.items() if k not in named}, named["model"]


def validated(
    kind: type[Settings],
    preset: Mapping[str, Any],
    given: Mapping[str, Any],
    file: Path | None = None,
) -> Settings:
    """Settings of a kind: a preset with given values, checked.

    Args:
        kind: of settings.
        preset: valid values, the task and the model among them.
        given: values in their place.
        file: of settings, which a message may name.

    Raises:
        InputError: an unknown key, or a value out of range.
    """
    try:
        return kind.model_validate(merged(preset, given))
    except ValidationError as error:
        raise _bad(error, kind.model_validate(preset), file) from None


def _bad(error: ValidationError, preset: BaseModel, file: Path | None) -> InputError:
    """The one-line form of what is wrong with settings: the key, and what there is instead."""
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    place = ".".join(str(p) for p in first["loc"])
    where = f" in {file}" if file and key in read_settings(file) else ""
    known = flat({k: v for k, v in preset.model_dump().items() if k not in ("task", "model")})
    if first["type"] == "extra_forbidden":
        near = get_close_matches(place, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        names = ", ".join(dict.fromkeys(name.partition(".")[0] for name in known))
        return InputError(
            f"bad configuration{where}: there is no setting {place!r}",
            f"{meant}the settings are {names}",
        )
    message = first["msg"].lower()
    if not key:
        return InputError(f"bad configuration{where}: {message}", "change one of them")
    value = known.get(place, getattr(preset, key))
    return InputError(
        f"bad configuration{where}: {place}: {message}", f"the preset has {key}: {value}"
    )


def flat(settings: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    """Settings in groups as ``group.name``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        place = f"{group}.{name}" if group else name
        found |= flat(value, place) if isinstance(value, Mapping) and value else {place: value}
    return found


def in_groups(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are named ``group.name``, in their groups; the inverse of :func:`flat`."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        *groups, name = key.split(".")
        one = {name: value}
        for group in reversed(groups):
            one = {group: one}
        found = merged(found, one)
    return found


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others in their place, also within groups."""
    found = dict(first)
    for name, value in second.items():
        before = found.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[name] = merged(before, value) if both else value  # type: ignore[arg-type]
    return found


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """``["beta=0.2", ...]`` to a mapping, values read as YAML (and ``4e-4`` as a number).

    ``group.key=value`` is a setting within a group.

    Raises:
        InputError: an item without ``=``.
    """
    out: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not all(key.strip().split(".")):
            raise InputError(f"--set {pair!r} is not of the form key=value", "write e.g. beta=0.2")
        try:
            value = _number_or_value(text)
        except ValueError:
            raise InputError(
                f"--set {pair!r} has no readable value", "write e.g. beta=0.2"
            ) from None
        out = merged(out, in_groups({key.strip(): value}))
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
