"""Lists of models and their settings, with defaults and meanings from the help of the settings."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from calovision.errors import InputError
from calovision.models import MODELS
from calovision.models.config import load_config, preset_of
from calovision.models.symmetry import settings as symmetry

ENDLESS = 1e9  #: a budget that ends nothing, seconds
FIXED = ("task", "model", "module")  #: fields that are not set one by one


@dataclass(frozen=True)
class Setting:
    """One setting of a model.

    Attributes:
        name: as in ``--set NAME=VALUE``, or a keyword of ``cv.train``.
        default: of the model's preset.
        meaning: in words.
    """

    name: str
    default: Any
    meaning: str


def models_of(task: str) -> list[str]:
    """Models of a task, the default one first.

    Raises:
        InputError: no such task.
    """
    tasks: dict[str, Mapping[str, object]] = {**MODELS, "symmetry": symmetry.MODELS}
    if task not in tasks:
        raise InputError(f"unknown task {task!r}", f"choose one of {', '.join(tasks)}")
    return list(tasks[task])


def settings_of(task: str, model: str) -> list[Setting]:
    """All settings of a model, its own first.

    Raises:
        InputError: no such task or model.
    """
    default: BaseModel = (
        symmetry.load_settings(model) if task == "symmetry" else load_config(task, model)
    )
    return _settings(default)


def _settings(values: BaseModel, group: str = "") -> list[Setting]:
    """Settings, those of its own class first; those of groups as ``group.name``."""
    kind, found = type(values), []
    meaning_of, own = meanings(kind), meanings_here(kind)
    for name in sorted(kind.model_fields, key=lambda name: name not in own):
        value = getattr(values, name)
        if isinstance(value, BaseModel):
            found += _settings(value, f"{group}{name}.")
        elif name not in FIXED:
            found.append(Setting(group + name, value, meaning_of.get(name, "")))
    return found


def meanings(kind: type[BaseModel]) -> dict[str, str]:
    """Setting to what it means, from the help of a kind of settings and of those it extends."""
    found: dict[str, str] = {}
    for part in reversed(kind.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found |= meanings_here(part)
    return found


def meanings_here(kind: type[BaseModel]) -> dict[str, str]:
    """The same of one class alone; entries of several settings stand for each."""
    text = inspect.cleandoc(kind.__doc__ or "")
    _, _, attributes = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", attributes):
        names, colon, meaning = entry.strip().partition(": ")
        if colon:
            words = " ".join(meaning.split()).replace("``", "")
            plain = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", words)
            found |= dict.fromkeys(names.split(", "), plain)
    return found


def description(task: str, model: str) -> str:
    """What a model is and how its preset trains it."""
    return symmetry.ABOUT[model] if task == "symmetry" else preset_of(task, model).about


def shown(value: Any) -> str:
    """A default as people write it; a number beyond all bounds is none."""
    return "no limit" if value == ENDLESS else str(value)


def _entry(name: str, text: str, width: int) -> list[str]:
    """A name, and beside it a text of several lines."""
    lines = textwrap.wrap(text, 98 - width) or [""]
    return [f"  {name:{width - 3}s} {lines[0]}", *(" " * width + line for line in lines[1:])]


def listing(task: str | None, model: str | None) -> tuple[dict[str, Any], str]:
    """Models and settings of a task, as data and as text; without a task, of which there are some.

    Raises:
        InputError: no such task or model.
    """
    tasks = [*MODELS, "symmetry"] if task is None else [task]
    rows: dict[str, Any] = {}
    lines: list[str] = []
    for one in tasks:
        models = models_of(one)
        rows[one] = {}
        lines.append(f"models of {one}, the default first:")
        for name in models:
            found = settings_of(one, name)
            rows[one][name] = {s.name: {"default": s.default, "meaning": s.meaning} for s in found}
            lines += _entry(name, description(one, name), 24)
    if task is None:
        return rows, "\n".join([*lines, "", "settings: calovision train TASK --list"])
    chosen = model or next(iter(models))
    lines += ["", f"settings of {chosen}, to be given as --set NAME=VALUE:"]
    for setting in settings_of(task, chosen):
        value = f"{setting.name:16s} {shown(setting.default)}"
        lines += _entry(value, setting.meaning, 36)
    others = [name for name in models if name != chosen]
    if others:
        lines += ["", f"of others: calovision train {task} --model {others[0]} --list"]
    return rows, "\n".join(lines)
