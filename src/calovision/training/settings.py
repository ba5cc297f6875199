"""Settings of every training there is: one typed object a model."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
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


class PointVAEConfig(Training):
    """Our VAE: some global latent numbers, and three for each of the hardest hits.

    Attributes:
        code: global latent numbers.
        points: hits, hardest first, that have three latent numbers each.
        beta: weight of the Kullback-Leibler terms.
        width: hidden width of every network.
    """

    code: int = Field(64, ge=1, le=65_536)
    points: int = Field(320, ge=1, le=100_000)
    width: int = Field(64, ge=8, le=WIDEST)
    beta: float = Field(0.1, ge=0)


class DenseVAEConfig(Training):
    """The published jet VAE.

    Attributes:
        latent: numbers in the latent space.
    """

    latent: int = Field(1024, ge=1, le=16_384)


class TransformerConfig(Training):
    """Our tagger, a small particle transformer.

    Attributes:
        hits: hits of an event that it looks at, hardest first.
        width: numbers that stand for a hit inside the network.
        layers: attention blocks.
        heads: of every attention block.
        dropout: share of the numbers that are dropped at random in training.
        truth: weight of the training targets besides the label, where the set has them: shape,
            mass and pt of the generator-level jet and the number of pile-up collisions.
    """

    hits: int = Field(64, ge=1, le=100_000)
    width: int = Field(64, ge=8, le=WIDEST)
    layers: int = Field(1, ge=1, le=100)
    heads: int = Field(4, ge=1, le=WIDEST)
    dropout: float = Field(0.1, ge=0, lt=1)
    truth: float = Field(1.5, ge=0)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} is not a multiple of 4 x heads, {self.heads}")
        return self


class ModuleConfig(Training):
    """A network of the user's own.

    Attributes:
        form, max_hits, neighbours: what it takes; see :class:`~calovision.events.dataset.Inputs`.
        beta: weight of an autoencoder's Kullback-Leibler divergence.
        module: the network; it is not recorded.
    """

    form: Literal["dense", "hits", "graph"] = "hits"
    max_hits: int = Field(128, ge=1, le=100_000)
    neighbours: int = Field(8, ge=1, le=1000)
    beta: float = Field(1.0, ge=0)
    module: Any = Field(None, exclude=True)


class GraphSAGEConfig(Training):
    """The published tagger on graphs of pixels.

    Attributes:
        k: neighbours of a pixel.
        positions: neighbours in space and positions as inputs, instead of contents alone.
        dropout: in the head.
    """

    k: int = Field(10, ge=1, le=1000)
    positions: bool = False
    dropout: float = Field(0.3, ge=0, lt=1)


class ParticleNetConfig(Training):
    """ParticleNet (arXiv:1902.08570).

    Attributes:
        hits: hits of an event, hardest first.
        lite: the small version of the same paper.
        dropout: in the head.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    hits: int = Field(100, ge=1, le=100_000)
    lite: bool = False
    dropout: float = Field(0.1, ge=0, lt=1)
    bfloat16: bool = True


class ResNetConfig(Training):
    """ResNet-15 on dense images.

    Attributes:
        dropout: in the head.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    dropout: float = Field(0.5, ge=0, lt=1)
    bfloat16: bool = True


class CropNetConfig(Training):
    """Our electron/photon classifier.

    Attributes:
        hidden: width of the last layers.
        dropout: share of the numbers that are dropped at random in training.
    """

    hidden: int = Field(256, ge=8, le=WIDEST)
    dropout: float = Field(0.1, ge=0, lt=1)


class DDPMConfig(Training):
    """The published diffusion model.

    Attributes:
        widths: channels of the U-Net on the way down; each further one halves the image.
        steps: noise levels from an image to noise.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    widths: list[Annotated[int, Field(ge=1, le=WIDEST)]] = Field(
        [64, 128, 256, 512, 1024], min_length=2, max_length=7
    )
    steps: int = Field(300, ge=2, le=100_000)
    bfloat16: bool = True


class CascadeConfig(Training):
    """Our generator: a flow for sums of a jet, which are split into halves down to hits.

    Attributes:
        flow: hidden width of the velocity field of the totals.
        width, head: hidden widths of the networks of every cut, and of every variable of it.
        steps: steps of the flow's solver.
        straight: training steps in which the flow, when it is trained, learns to go straight: then
            few steps of the solver are enough; 0 leaves it as it is.
        select: generated events from which it learns, when all else is trained, which to keep; 0
            keeps all. Totals are selected in any case.
    """

    flow: int = Field(192, ge=8, le=WIDEST)
    width: int = Field(128, ge=8, le=WIDEST)
    head: int = Field(64, ge=4, le=WIDEST)
    steps: int = Field(8, ge=1, le=100_000)
    straight: int = Field(0, ge=0)
    select: int = Field(0, ge=0)
