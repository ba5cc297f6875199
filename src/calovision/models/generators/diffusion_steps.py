"""Steps of the diffusion model (DDPM, arXiv:2006.11239): noise schedule, modules for ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from calovision.events.geometry import Geometry
from calovision.features.dense_images import (
    Resized,
    cell_energies,
)

SIDE = 64  #: pixels along each side of the images


#: noise ``(n, ...)`` in units of its standard deviation, of noisy data ``(n, ...)`` at times
#: ``(n,)``
Denoiser = Callable[[Tensor, Tensor], Tensor]


class Schedule:
    """A linear schedule; time ``t`` counts the steps after the first, 0 to ``steps - 1``.

    The betas run over the same range whatever the number of steps, as in the published model: with
    300 steps instead of the paper's 1000, a fifth of the image is left at the last.

    Args:
        steps: of noise, ``T``.
        first_beta, last_beta: variance that the first and the last one add.

    Attributes:
        beta: ``(steps,)`` float64, variance of the noise that each step adds.
        kept: ``(steps,)`` float64, squared factor of the data left after each step (the paper's
            cumulative product of ``1 - beta``).
    """

    def __init__(self, steps: int, first_beta: float = 1e-4, last_beta: float = 0.02) -> None:
        self.steps = steps
        self.beta = torch.linspace(first_beta, last_beta, steps, dtype=torch.float64)
        self.kept = torch.cumprod(1 - self.beta, 0)

    def noised(self, data: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Noisy data at times ``t`` in one go (equation 4).

        Args:
            data: ``(n, ...)``.
            t: ``(n,)`` int64.
            noise: like ``data``, standard normal.
        """
        kept = self.kept.to(data.device)[t].view(-1, *[1] * (data.dim() - 1))
        return kept.sqrt().to(data) * data + (1 - kept).sqrt().to(data) * noise

    def reverse_step(self, noisy: Tensor, t: int, predicted: Tensor, noise: Tensor) -> Tensor:
        """Data at time ``t - 1`` from those at ``t`` (algorithm 2); at time 0, clean data.

        The variance added is the smaller of the paper's two choices, which is exact when the data
        are known (equation 7); none is added in the last step.

        Args:
            noisy: ``(n, ...)``, data at time ``t``.
            t: the time, one for all.
            predicted: like ``noisy``, its noise as the network sees it.
            noise: like ``noisy``, standard normal, freshly drawn.
        """
        beta, kept = float(self.beta[t]), float(self.kept[t])
        before = float(self.kept[t - 1]) if t > 0 else 1.0
        mean = (noisy - beta / math.sqrt(1 - kept) * predicted) / math.sqrt(1 - beta)
        return mean + math.sqrt(beta * (1 - before) / (1 - kept)) * noise

    def sample(self, start: Tensor, denoise: Denoiser, generator: torch.Generator) -> Tensor:
        """All reverse steps from ``start`` ``(n, ...)``, data at the last time, to clean data."""
        noisy = start
        for t in reversed(range(self.steps)):
            predicted = denoise(noisy, torch.full((len(noisy),), t, device=noisy.device))
            noise = torch.randn(
                noisy.shape, generator=generator, dtype=noisy.dtype, device=noisy.device
            )
            noisy = self.reverse_step(noisy, t, predicted, noise)
        return noisy


class DiffusionStep(nn.Module):
    """One reverse step (arXiv:2006.11239, algorithm 2), the time of each image its own."""

    factors: Tensor

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        super().__init__()
        self.network = network
        beta, kept = schedule.beta, schedule.kept
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

    maximum: Tensor
    threshold: Tensor

    def __init__(self, maximum: Tensor, threshold: Tensor, geometry: Geometry) -> None:
        super().__init__()
        self.geometry, self.resized = geometry, Resized(SIDE, geometry)
        self.register_buffer("maximum", maximum)
        self.register_buffer("threshold", threshold)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``(n, C, 64, 64)`` to ``(n, rows / block, cols / block)`` of every channel, GeV."""
        content = (images.clamp(-1, 1) + 1) / 2 * self.maximum
        return cell_energies(self.resized(content), self.threshold, self.geometry)
