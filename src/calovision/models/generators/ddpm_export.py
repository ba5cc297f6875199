"""The published diffusion model as ONNX: one reverse step, and the way from pixels to cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.features.dense_images import (
    Resized,
    cell_energies,
    cells_of,
    cells_told,
    hits_above,
    readout_cells,
)
from calovision.training.onnx_graph import Arrays, Graph
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.ddpm import DDPMTask

SIDE = 64  #: pixels along each side of the images


class DiffusionStep(nn.Module):
    """One reverse step (arXiv:2006.11239, algorithm 2), the time of each image its own."""

    factors: Tensor

    def __init__(self, task: DDPMTask) -> None:
        super().__init__()
        self.network = task.network.network
        beta, kept = task.schedule.beta, task.schedule.kept
        before = torch.cat([torch.ones(1, dtype=kept.dtype), kept[:-1]])
        factors = [
            (1 - beta).rsqrt(),
            beta / (1 - kept).sqrt(),
            (beta * (1 - before) / (1 - kept)).sqrt(),
        ]
        self.register_buffer("factors", torch.stack(factors, 1).float())

    def forward(self, noisy: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Images one time earlier; all images ``(n, C, 64, 64)``, times ``(n,)``."""
        scale, taken, spread = self.factors[time][..., None, None, None].unbind(1)
        predicted: Tensor = self.network(noisy, time)
        return scale * (noisy - taken * predicted) + spread * noise


class DiffusionEnd(nn.Module):
    """Sampled images to the energy of every readout cell, channel by channel."""

    def __init__(self, task: DDPMTask) -> None:
        super().__init__()
        self.task, self.resized = task, Resized(SIDE, task.geometry)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``(n, C, 64, 64)`` to ``(n, rows / block, cols / block)`` of every channel, GeV."""
        content = (images.clamp(-1, 1) + 1) / 2 * self.task.maximum
        return cell_energies(self.resized(content), self.task.threshold, self.task.geometry)


def noisy(task: DDPMTask, events: Events) -> Arrays:
    """Images of events with noise, at times spread over the schedule."""
    rng = streams.rng(streams.Stream.TRIAL_NOISE, len(events))
    shape = (len(events), len(task.geometry.channels), SIDE, SIDE)
    time = np.linspace(task.schedule.steps - 1, 0, len(events)).astype(np.int64)
    image, noise = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    return {"noisy": image, "time": time, "noise": noise}


def ddpm_graphs(task: DDPMTask) -> list[Graph]:
    """One reverse step, and the way from pixels to cells."""
    size = f"float32 (events, {len(task.geometry.channels)}, {SIDE}, {SIDE})"

    def stepped(events: Events) -> Arrays:
        given = {k: torch.from_numpy(v).to(task.device) for k, v in noisy(task, events).items()}
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
        return {"images": np.abs(noisy(task, events)["noisy"]) / 10 - 1}

    def ended(events: Events) -> Arrays:
        images = torch.from_numpy(made(events)["images"]).to(task.device)
        content = (images.clamp(-1, 1) + 1) / 2 * task.maximum
        cells = readout_cells(content, task.geometry)
        return cells_of(hits_above(cells, task.threshold, task.geometry))

    return [
        Graph(
            "step",
            DiffusionStep(task),
            {
                "noisy": f"{size}: images at a time; standard normal numbers to begin with",
                "time": f"int64 (events): {task.schedule.steps - 1} to begin with, down to 0",
                "noise": f"{size}: standard normal numbers, freshly drawn",
            },
            {"cleaner": f"{size}: images one time earlier"},
            dict.fromkeys(("noisy", "time", "noise"), ("events",)),
            lambda events: noisy(task, events),
            stepped,
            f"Call it {task.schedule.steps} times, then the other file once.",
        ),
        Graph(
            "end",
            DiffusionEnd(task),
            {"images": f"{size}: what the last step has made"},
            cells_told(task.geometry),
            {"images": ("events",)},
            made,
            ended,
        ),
    ]
