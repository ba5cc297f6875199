"""The published diffusion model for jet images (DDPM, arXiv:2006.11239)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.dense_images import (
    cells_of,
    cells_told,
    hits_above,
    readout_cells,
    threshold_for,
)
from calovision.models.generators.base import GeneratorTask, Request
from calovision.models.generators.diffusion_steps import SIDE, DiffusionEnd, DiffusionStep, Schedule
from calovision.models.preset import Preset
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.unet import UNet
from calovision.training.onnx_graph import Arrays, Graph
from calovision.training.settings import WIDEST, Training
from calovision.training.task import Batch, as_tensor, weighted_mean
from calovision.training.weights import fill
from calovision.utils import streams


class DDPMConfig(Training):
    """The published diffusion model.

    Attributes:
        widths: channels of the U-Net on the way down; each further one halves the image.
        steps: noise levels from an image to noise.
        first_beta, last_beta: variance that the first and the last step add.
        calibration_images: sampled images on which the hit threshold is chosen.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    widths: list[Annotated[int, Field(ge=1, le=WIDEST)]] = Field(
        [64, 128, 256, 512, 1024], min_length=2, max_length=7
    )
    steps: int = Field(300, ge=2, le=100_000)
    first_beta: float = Field(1e-4, gt=0, lt=1)
    last_beta: float = Field(0.02, gt=0, lt=1)
    calibration_images: int = Field(20, ge=1)
    bfloat16: bool = True


class DDPMTask(GeneratorTask):
    """The dense DDPM (arXiv:2006.11239): images resized 125 -> 64, one global maximum, L1 loss.

    It knows no conditions, and its events have no columns. Sampled images are nowhere exactly
    zero, so a threshold per channel decides what is a hit; :meth:`calibrate` sets it where the mean
    number of hits is that of validation jets, which is the most favourable choice for this model.

    Args:
        geometry: of the images.
        config: widths of the U-Net, noise and precision.
        maximum: largest pixel of the training set, image units.
    """

    chunk: ClassVar[int] = 10
    validation_events: ClassVar[int] = 500
    doubles: ClassVar[bool] = True

    maximum: Tensor
    threshold: Tensor

    def __init__(self, geometry: Geometry, config: DDPMConfig, maximum: float) -> None:
        super().__init__(geometry)
        network = UNet(channels=len(geometry.channels), widths=config.widths)
        # Convolutions are faster with the channels side by side in memory.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = MixedPrecision(network, config.bfloat16)
        self.schedule = Schedule(config.steps, config.first_beta, config.last_beta)
        self.calibration_images = config.calibration_images
        self.register_buffer("maximum", torch.tensor(maximum))
        self.register_buffer("threshold", torch.zeros(len(geometry.channels)))

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Refuse channels with negative values, such as times."""
        for channel in geometry.channels:
            if channel.signed:
                raise InputError(
                    f"generators make energies, but channel {channel.name!r} may be negative",
                    "leave that channel out of the images",
                )

    @classmethod
    def from_events(cls, config: DDPMConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task, scaled to the largest pixel of the training events."""
        return cls(geometry, config, float(train.value.max(initial=1e-6)))

    @classmethod
    def from_state(
        cls, config: DDPMConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and the threshold of ``state``."""
        task = cls(geometry, config, 1.0)
        fill(task, state)
        return task

    def dataset(self, events: Events) -> Events:
        """The baseline sees plain events and makes dense images of them."""
        return events

    def batch(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images ``(n, C, 64, 64)`` in [-1, 1] of the ``chosen`` events, and their weights."""
        events = dataset[chosen]
        dense = torch.from_numpy(events.to_dense("image")).float() / self.on_host("maximum")
        small = F.interpolate(dense, (SIDE, SIDE), mode="bilinear", align_corners=False)
        images = (2 * small - 1).contiguous(memory_format=torch.channels_last)
        return images, as_tensor(self.event_weights(events))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean absolute error of the noise, at a time drawn evenly for each image."""
        images, weight = batch
        device, steps = images.device, self.schedule.steps
        t = torch.randint(steps, (len(images),), generator=generator, device=device)
        noise = torch.randn(images.shape, generator=generator, device=device).to(images)
        predicted = self.network(self.schedule.noised(images, t, noise), t)
        return {"loss": weighted_mean(F.l1_loss(predicted, noise, reduction="none"), weight)}

    @torch.no_grad()
    def _cells(self, images: int, generator: torch.Generator) -> list[Tensor]:
        """Content per readout cell of each channel of that many sampled images, image units."""
        shape = (images, len(self.threshold), SIDE, SIDE)
        start = torch.randn(shape, generator=generator, device=self.device)
        start = start.contiguous(memory_format=torch.channels_last)
        training = self.training
        # Statistics of the batch would make images depend on each other.
        self.eval()
        sampled = self.schedule.sample(start, self.network, generator)
        self.train(training)
        content = (sampled.clamp(-1, 1) + 1) / 2 * self.maximum
        return readout_cells(content.cpu(), self.geometry)

    def calibrate(self, dataset: Events) -> None:
        """Choose the hit threshold of every channel by the occupancy of validation jets."""
        cells = self._cells(
            self.calibration_images,
            streams.torch_rng(streams.Stream.THRESHOLD, 0, device=self.device),
        )
        counts = np.average(dataset.counts(), 0, weighting.of(dataset))
        self.threshold.copy_(threshold_for(cells, counts.tolist()))

    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th ten events.

        Raises:
            InputError: conditions are asked for, or another number of steps.
        """
        if request.label is not None or request.ranges:
            raise InputError("the published DDPM is unconditional", "ask for plain events")
        if steps not in (None, self.schedule.steps):
            raise InputError(
                f"the published DDPM takes {self.schedule.steps} steps, not {steps}",
                "leave the number of steps out",
            )
        random = streams.torch_rng(streams.Stream.SAMPLE, seed, chunk, device=self.device)
        cells = self._cells(self.chunk, random)
        return hits_above(cells, self.threshold.cpu(), self.geometry)

    def graphs(self) -> list[Graph]:
        """One reverse step, and the way from pixels to cells."""
        return _graphs(self)


def _noisy(task: DDPMTask, events: Events) -> Arrays:
    """Images of events with noise, at times spread over the schedule."""
    rng = streams.rng(streams.Stream.TRIAL_NOISE, len(events))
    shape = (len(events), len(task.geometry.channels), SIDE, SIDE)
    time = np.linspace(task.schedule.steps - 1, 0, len(events)).astype(np.int64)
    image, noise = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    return {"noisy": image, "time": time, "noise": noise}


def _graphs(task: DDPMTask) -> list[Graph]:
    """One reverse step, and the way from pixels to cells."""
    size = f"float32 (events, {len(task.geometry.channels)}, {SIDE}, {SIDE})"

    def stepped(events: Events) -> Arrays:
        given = {k: torch.from_numpy(v).to(task.device) for k, v in _noisy(task, events).items()}
        with torch.no_grad():
            predicted = task.network(given["noisy"], given["time"])
        rows = [
            task.schedule.reverse_step(
                *(given["noisy"][i], int(t), predicted[i], given["noise"][i])
            )
            for i, t in enumerate(given["time"])
        ]
        return {"cleaner": np.asarray(torch.stack(rows).cpu().numpy())}

    def made(events: Events) -> Arrays:
        """Images that are nearly empty, as they should be."""
        return {"images": np.abs(_noisy(task, events)["noisy"]) / 10 - 1}

    def ended(events: Events) -> Arrays:
        images = torch.from_numpy(made(events)["images"]).to(task.device)
        content = (images.clamp(-1, 1) + 1) / 2 * task.maximum
        cells = readout_cells(content, task.geometry)
        return cells_of(hits_above(cells, task.threshold, task.geometry))

    return [
        Graph(
            "step",
            DiffusionStep(task.network.network, task.schedule),
            {
                "noisy": f"{size}: images at a time; standard normal numbers to begin with",
                "time": f"int64 (events): {task.schedule.steps - 1} to begin with, down to 0",
                "noise": f"{size}: standard normal numbers, freshly drawn",
            },
            {"cleaner": f"{size}: images one time earlier"},
            dict.fromkeys(("noisy", "time", "noise"), ("events",)),
            lambda events: _noisy(task, events),
            stepped,
            f"Call it {task.schedule.steps} times, then the other file once.",
        ),
        Graph(
            "end",
            DiffusionEnd(task.maximum, task.threshold, task.geometry),
            {"images": f"{size}: what the last step has made"},
            cells_told(task.geometry),
            {"images": ("events",)},
            made,
            ended,
        ),
    ]


PRESETS = {
    ("jet-generator", "baseline"): Preset(
        DDPMTask,
        DDPMConfig,
        "The published starting point: a diffusion model (DDPM, arXiv:2006.11239) of dense images "
        "of 64 x 64 pixels, 300 steps, U-Net of 64 to 1,024 channels, Adam 1e-3, 20 epochs, "
        "batch 128.",
        {
            "epochs": 20,
            "batch": 128,
            "learning_rate": 0.001,
            "validate_every": 25,
        },
    ),
}
