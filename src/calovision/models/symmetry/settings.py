"""Settings of the trainings and searches of the symmetry task."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from calovision.errors import InputError
from calovision.models.config import given_settings, validated
from calovision.training.settings import DeviceName


class SymmetrySettings(BaseModel):
    """What both models have.

    Attributes:
        task, model: what is trained.
        seed: of weights, data order and all noise.
        latent: dimension of the latent space.
        batch: images in a batch of the VAE.
        learning_rate: of the VAE.
        oracle_steps: of the classifier of latent points.
        device: where the networks learn: ``"auto"`` takes a GPU where there is one; else ``"cpu"``,
            ``"cuda"``, ``"cuda:1"``, or ``"mps"`` on a Mac.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    task: Literal["symmetry"]
    model: str
    seed: int = Field(1, ge=0)
    latent: int = Field(5, ge=1)
    batch: int = Field(256, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    oracle_steps: int = Field(600, ge=1)
    device: DeviceName = "auto"


class IsometrySettings(SymmetrySettings):
    """Ours: a search for rigid motions of the images that the classifier ignores.

    Attributes:
        angles: orientations of the training digits, equally spaced; 0 for any.
        warp: pixels by which they are bent at random.
        vae_steps: training steps of the VAE that is searched.
        beta_start: weight of its divergence at the start, from which it falls to ``beta`` in the
            first half; images of little contrast need a small one.
        beta: weight of its divergence in the second half.
        points: images that the first guess of the search is made from.
        refine_steps: steps that refine the first guess.
        project_steps: steps that bring what is found back into the latent space.
        components: principal components that the linear action works on.
    """

    angles: int = Field(0, ge=0)
    warp: float = Field(0.0, ge=0)
    vae_steps: int = Field(1500, ge=1)
    beta_start: float = Field(1.0, ge=0)
    beta: float = Field(0.5, ge=0)
    points: int = Field(2000, ge=10)
    refine_steps: int = Field(500, ge=0)
    project_steps: int = Field(1500, ge=1)
    components: int = Field(60, ge=2)


class PublishedSettings(SymmetrySettings):
    """The published search.

    Attributes:
        angles: orientations of the training digits.
        epochs: passes of the VAE over all of them.
        generator_steps: of the generators; one at latent dimension 2, four above.
    """

    angles: int = Field(12, ge=1)
    epochs: float = Field(40.0, gt=0)
    generator_steps: int = Field(2000, ge=1)


#: the models; the first is the default
MODELS: dict[str, type[IsometrySettings] | type[PublishedSettings]] = {
    "isometry": IsometrySettings,
    "baseline": PublishedSettings,
}
#: of each, what it is and how it is trained
ABOUT = {
    "isometry": "Our search: a VAE on digits in any orientation, an isometry, its linear action, a"
    " latent flow.",
    "baseline": "The published search: digits in 12 orientations, 40 epochs, an oracle, 1 or 4"
    " generators.",
}
#: of each, settings that differ from the defaults above
PRESETS: dict[str, dict[str, Any]] = {
    "isometry": {"warp": 0.7},
    "baseline": {"batch": 128, "learning_rate": 1e-3},
}


def load_settings(
    model: str | None = None,
    file: Path | None = None,
    overrides: dict[str, Any] | None = None,
) -> IsometrySettings | PublishedSettings:
    """Settings of a training: preset, then the user's file, then single overrides.

    Raises:
        InputError: unknown model or key, or a value out of range.
    """
    given, model = given_settings("symmetry", model, file, overrides)
    model = model or next(iter(MODELS))
    if model not in MODELS:
        raise InputError(
            f"task symmetry has no model {model!r}", f"choose one of {', '.join(MODELS)}"
        )
    named = {"task": "symmetry", "model": model}
    return validated(MODELS[model], {**PRESETS[model], **named}, given, file)
