"""Settings of every training there is: one typed object a model."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

WIDEST = 4096  #: numbers in a layer; a file of settings may not ask for all the memory there is
OWN = "own:"  #: how the models begin that are networks of the user's own
DEVICES = r"auto|cpu|cuda(:\d{1,3})?|mps"  #: names of devices


def _named(device: str) -> str:
    if not re.fullmatch(DEVICES, device):
        raise PydanticCustomError("device", "choose auto, cpu, cuda, cuda:1 or the like, or mps")
    return device


#: name of a device; whether it is there is seen when it is used
DeviceName = Annotated[str, AfterValidator(_named)]


class Training(BaseModel):
    """What every training has.

    Attributes:
        task, model: what is trained.
        seed: of the split, the initial weights, the order of batches and all noise.
        epochs: passes over the training events.
        budget_s: wall-clock seconds after which training ends, whatever the epoch.
        batch: events in a batch of each process.
        processes: processes that train together, each with its own part of every batch; where
            torchrun or Slurm started them, as many as there are.
        window: training events that are mixed at a time; a larger set is read window by window,
            so that memory does not grow with it.
        learning_rate: of the optimiser, at its highest.
        weight_decay: of the optimiser.
        optimiser: ``"adamw"`` decays weights beside the gradient (arXiv:1711.05101), ``"adam"``
            through it.
        schedule: course of the learning rate; ``"cosine"`` rises for ``warmup`` steps, then falls
            to nearly nothing at the end of the training, ``"plateau"`` falls to a tenth after
            ``plateau`` looks at the validation loss without improvement.
        warmup: steps over which the learning rate rises.
        plateau: looks at the validation loss without improvement before the learning rate falls.
        ema: share of its past that the average of the weights keeps at each step, which then is
            what is validated and kept; 0 keeps the weights themselves.
        ema_young: the average spans at most one part in so many of the steps so far, so that it
            soon forgets what was random at the beginning.
        clip: largest norm of the gradient; 0 leaves it alone.
        patience: validation rounds without improvement before training stops; 0 never stops.
        validate_every: training steps between two looks at the validation loss; 0 looks once an
            epoch.
        validation: fraction of the set on which the training is watched.
        test: fraction of the set that is kept from the training.
        events: training events used, the first of the part; 0 uses all.
        device: where the networks learn: ``"auto"`` takes a GPU where there is one; else
            ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"mps"`` on a Mac. A run may go on elsewhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    task: str
    model: str
    seed: int = Field(1, ge=0)
    epochs: float = Field(gt=0)
    budget_s: float = Field(1e9, gt=0)
    batch: int = Field(ge=1)
    processes: int = Field(1, ge=1)
    window: int = Field(131_072, ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(0.0, ge=0)
    optimiser: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warmup: int = Field(50, ge=0)
    plateau: int = Field(3, ge=0)
    ema: float = Field(0.0, ge=0, lt=1)
    ema_young: float = Field(10.0, gt=0)
    clip: float = Field(0.0, ge=0)
    patience: int = Field(0, ge=0)
    validate_every: int = Field(100, ge=0)
    validation: float = Field(0.1, gt=0, lt=0.5)
    test: float = Field(0.1, ge=0, lt=0.5)
    events: int = Field(0, ge=0)
    device: DeviceName = "auto"
