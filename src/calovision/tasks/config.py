"""Training configuration: one typed object, one YAML preset per model, ``key=value`` overrides."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from calovision.errors import InputError

TASKS: dict[str, dict[str, str]] = {
    "jet-vae": {"point": "jet-vae-point.yaml", "baseline": "jet-vae-baseline.yaml"}
}
DEFAULT_MODEL = {"jet-vae": "point"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Training(_Strict):
    """What every training has.

    Attributes:
        seed: of the split, the initial weights, the order of batches and all noise.
        epochs: passes over the training events.
        budget_s: wall-clock seconds after which training ends, whatever the epoch.
        batch: events in a batch.
        learning_rate, weight_decay: of the optimiser.
        patience: validation rounds without improvement before training stops; 0 never stops.
        validate_every: training steps between two looks at the validation loss.
        validation, test: fractions of the set that training does not see.
    """

    task: Literal["jet-vae"] = "jet-vae"
    seed: int = Field(1, ge=0)
    epochs: float = Field(gt=0)
    budget_s: float = Field(1e9, gt=0)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(0.0, ge=0)
    patience: int = Field(0, ge=0)
    validate_every: int = Field(100, ge=1)
    validation: float = Field(0.1, gt=0, lt=0.5)
    test: float = Field(0.1, ge=0, lt=0.5)


class PointVAEConfig(_Training):
    """Our VAE: ``code`` global and ``3 * points`` local latent numbers.

    Attributes:
        beta: weight of the Kullback-Leibler terms.
        width: hidden width of every network.
    """

    model: Literal["point"] = "point"
    code: int = Field(64, ge=1)
    points: int = Field(320, ge=1)
    width: int = Field(64, ge=8)
    beta: float = Field(0.1, ge=0)


class DenseVAEConfig(_Training):
    """The published baseline."""

    model: Literal["baseline"] = "baseline"
    latent: int = Field(1024, ge=1)


Config = Annotated[PointVAEConfig | DenseVAEConfig, Field(discriminator="model")]
_ADAPTER: TypeAdapter[PointVAEConfig | DenseVAEConfig] = TypeAdapter(Config)


def load_config(
    task: str,
    model: str | None = None,
    file: Path | None = None,
    overrides: dict[str, Any] | None = None,
) -> PointVAEConfig | DenseVAEConfig:
    """The configuration of a training: preset, then the user's file, then single overrides.

    Raises:
        InputError: unknown task, model or key, or a value out of range.
    """
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}", f"choose one of {', '.join(TASKS)}")
    given = _read_yaml(file) if file else {}
    model = model or given.get("model") or DEFAULT_MODEL[task]
    if model not in TASKS[task]:
        raise InputError(
            f"task {task} has no model {model!r}", f"choose one of {', '.join(TASKS[task])}"
        )
    preset = resources.files("calovision.tasks") / "presets" / TASKS[task][model]
    merged = {**yaml.safe_load(preset.read_text()), **given, **(overrides or {})}
    merged |= {"task": task, "model": model}
    try:
        return _ADAPTER.validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"][1:]) or "configuration"
        where = f" in {file}" if file else ""
        raise InputError(
            f"bad configuration{where}: {key}: {first['msg'].lower()}",
            f"see the keys of preset {TASKS[task][model]} in the documentation",
        ) from None


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """``["beta=0.2", ...]`` to a mapping, values read as YAML (and ``4e-4`` as a number).

    Raises:
        InputError: an item without ``=``.
    """
    out: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair!r} is not of the form key=value", "write e.g. beta=0.2")
        try:
            # YAML reads 4e-4 as a string; a number is what is meant.
            out[key.strip()] = float(text) if "e" in text.lower() else yaml.safe_load(text)
        except ValueError:
            out[key.strip()] = yaml.safe_load(text)
    return out


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(file.read_text())
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror}", "give a readable YAML file"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputError(f"{file} is not valid YAML", "write one 'key: value' a line") from None
    if not isinstance(loaded, dict):
        raise InputError(f"{file} holds no keys", "write one 'key: value' a line")
    return loaded
