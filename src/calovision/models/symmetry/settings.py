"""Settings of the trainings and searches of the symmetry task."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calovision.errors import InputError
from calovision.models.config import given_settings, validated
from calovision.training.settings import WIDEST, DeviceName


class SymmetrySettings(BaseModel):
    """What both models have.

    Attributes:
        task, model: what is trained.
        seed: of weights, data order and all noise.
        latent: dimension of the latent space.
        batch: images in a batch of the VAE.
        learning_rate: of the VAE, at its highest.
        oracle_steps: training steps of the oracle, the classifier of latent points.
        oracle_batch: images in a batch of it.
        oracle_rate: its learning rate, which falls to a hundredth as half a cosine.
        oracle_width: of its two hidden layers.
        label_smoothing: share of the probability that its targets give to all classes alike.
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
    oracle_batch: int = Field(256, ge=2)
    oracle_rate: float = Field(2e-3, gt=0)
    oracle_width: int = Field(128, ge=1, le=WIDEST)
    label_smoothing: float = Field(0.02, ge=0, lt=1)
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
        components: principal components that the linear action works on.
        oracle_weight: of the oracle in the first guess, twice of it in the refinement; 0 does
            without it.
        refine_steps: steps that refine the first guess; none if no symmetry is found.
        refine_rate: learning rate of the refinement, relative to the size of the matrix's entries.
        turns: longest motion in the refinement, in turns of a typical frequency of the guess.
        group_steps: steps of the VAE whose latent space the group turns.
        motion_batch: images in a batch of the refinement.
        times: different lengths of motion in such a batch.
        free_rate: learning rate of the network that the ablation has in place of a linear action.
        clip_field: largest norm of its gradient.
    """

    angles: int = Field(0, ge=0)
    warp: float = Field(0.0, ge=0)
    vae_steps: int = Field(1500, ge=1)
    beta_start: float = Field(1.0, ge=0)
    beta: float = Field(0.5, ge=0)
    points: int = Field(2000, ge=10)
    components: int = Field(60, ge=2)
    oracle_weight: float = Field(0.1, ge=0)
    refine_steps: int = Field(500, ge=0)
    refine_rate: float = Field(0.04, gt=0)
    turns: float = Field(2.5, gt=0)
    group_steps: int = Field(1000, ge=1)
    motion_batch: int = Field(128, ge=1)
    times: int = Field(8, ge=1)
    free_rate: float = Field(2e-3, gt=0)
    clip_field: float = Field(5.0, gt=0)

    @model_validator(mode="after")
    def _a_batch_has_blocks_of_equal_times(self) -> Self:
        if self.motion_batch % self.times:
            raise ValueError(f"motion_batch {self.motion_batch} is no multiple of times")
        return self


class PublishedSettings(SymmetrySettings):
    """The published search.

    Attributes:
        angles: orientations of the training digits.
        epochs: passes of the VAE over all of them.
        generator_steps: of the generators; one at latent dimension 2, four above.
        generator_batch: images in a batch of them.
        generator_rate: their learning rate.
        epsilon: length of a motion.
        norm_weight: of the deviation of squared velocities from 1.
        orthogonal_weight: of the squared inner products of different generators.
    """

    angles: int = Field(12, ge=1)
    epochs: float = Field(40.0, gt=0)
    generator_steps: int = Field(2000, ge=1)
    generator_batch: int = Field(256, ge=1)
    generator_rate: float = Field(1e-3, gt=0)
    epsilon: float = Field(1e-3, gt=0)
    norm_weight: float = Field(1.5, ge=0)
    orthogonal_weight: float = Field(0.1, ge=0)


Settings = IsometrySettings | PublishedSettings

#: the models; the first is the default
MODELS: dict[str, type[Settings]] = {
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
) -> Settings:
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
