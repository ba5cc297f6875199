"""Step 2: the symmetry as a one-parameter group of linear maps of images.

``x -> P exp(t A) P^T x`` with a skew matrix ``A`` on the leading principal components of the data.
A compact group has a spectrum of integer multiples of one frequency; rounded to that, it closes
exactly, and its time becomes an angle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NOTHING = 1e-4  #: share of the second moment below which an axis is left out
RANDOM = 0.25  #: mean distance of random numbers to the nearest whole one
MOST_MULTIPLE = 16  #: largest multiple of the fundamental frequency looked for


@dataclass(frozen=True)
class LinearAction:
    """A one-parameter group of linear maps of images.

    Attributes:
        matrix: ``(k, k)`` skew generator ``A``.
        basis: ``(p, k)`` orthonormal columns ``P``.
    """

    matrix: Tensor
    basis: Tensor

    def to(self, device: torch.device) -> LinearAction:
        """The same on a device."""
        return LinearAction(self.matrix.to(device), self.basis.to(device))

    def components(self, images: Tensor) -> Tensor:
        """Coordinates ``(n, k)`` of images ``(n, p)``."""
        return images @ self.basis

    def images(self, components: Tensor) -> Tensor:
        """Images ``(n, p)`` of coordinates ``(n, k)``."""
        return components @ self.basis.T

    def move(self, components: Tensor, times: Tensor) -> Tensor:
        """Coordinates after ``times`` ``(g,)``: equal blocks of rows go with one time each."""
        maps = torch.matrix_exp(times[:, None, None] * self.matrix)
        blocks = components.reshape(len(times), -1, components.shape[1])
        return torch.einsum("gij,gnj->gni", maps, blocks).reshape_as(components)

    def orbit(self, images: Tensor, times: Tensor) -> Tensor:
        """Every image at every time: ``(n, t, p)``."""
        maps = torch.matrix_exp(times[:, None, None] * self.matrix)
        moved = torch.einsum("tij,nj->nti", maps, self.components(images))
        return self.images(moved.flatten(0, 1)).reshape(len(images), len(times), -1)

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Angular frequencies of the planes that turn, largest first: ``(k // 2,)``.

        Of a matrix that is not finite there are none: NaN.
        """
        if not torch.isfinite(self.matrix).all():  # some libraries would print to stdout
            return np.full(-(-len(self.matrix) // 2), np.nan)
        values = torch.linalg.eigvals(self.matrix.double()).imag.abs()
        return np.sort(values.cpu().numpy())[::-1][::2]

    def typical_frequency(self, images: Tensor) -> float:
        """Root mean square frequency with which images ``(n, p)`` move."""
        q = self.components(images)
        moving = (q @ self.matrix.T).square().sum() / q.square().sum()
        return math.sqrt(float(moving))


@dataclass(frozen=True)
class Spectrum:
    """Frequencies as multiples of a fundamental one.

    Attributes:
        frequencies: ``(k,)`` largest first, negligible ones left out.
        fundamental: rad per unit of time; 0 where nothing turns.
        residual: mean distance to the nearest multiple, in units of the fundamental; random
            frequencies have :data:`RANDOM`.
    """

    frequencies: NDArray[np.float64]
    fundamental: float
    residual: float

    MOST_RESIDUAL = 0.15

    @property
    def closes(self) -> bool:
        """Whether the group is periodic."""
        return self.residual <= self.MOST_RESIDUAL


def principal_basis(images: Tensor, components: int) -> Tensor:
    """Leading axes ``(p, k)`` of the second moments of images ``(n, p)``, about 0.

    A group of linear maps need not keep the mean image, so that is no special point here. At most
    ``components`` axes are given, and beyond two none with less than :data:`NOTHING` of the
    moment.
    """
    values, axes = torch.linalg.eigh(images.T @ images / len(images))
    number = max(2, min(components, int((values > NOTHING * values.sum()).sum())))
    leading: Tensor = axes.flip(1)[:, :number].contiguous()
    return leading


def spectrum(action: LinearAction) -> Spectrum:
    """Find the fundamental frequency with the smallest distances to its multiples.

    Small multiples are preferred a little: every set of frequencies is nearly a multiple of
    something small.
    """
    found = action.frequencies
    found = found[found > 0.02 * found.max(initial=0)]
    if not len(found):
        return Spectrum(found, 0.0, RANDOM)  # a general matrix may turn nothing
    candidates = np.linspace(found.max() / MOST_MULTIPLE, found.max(), 8000)
    ratio = found[None] / candidates[:, None]
    multiple = np.round(ratio)
    cost = np.abs(ratio - multiple).mean(1) + 0.001 * multiple.max(1)
    cost += 0.2 * (multiple == 0).mean(1)
    best = multiple[int(cost.argmin())]
    fundamental = float((found * best).sum() / (best**2).sum())
    return Spectrum(found, fundamental, float(np.abs(found / fundamental - best).mean()))


def closed(action: LinearAction, fundamental: float) -> LinearAction:
    """The action with frequencies rounded to integers: it closes at ``2 pi``, time is an angle."""
    values, axes = torch.linalg.eigh(1j * action.matrix.to(torch.complex128))
    rounded = torch.diag((values / fundamental).round()).to(torch.complex128)
    matrix = (axes @ rounded @ axes.conj().T / 1j).real.to(action.matrix.dtype)
    return replace(action, matrix=(matrix - matrix.T) / 2)
