"""Image sets for the symmetry task, whatever they are stored as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from calovision.events.digits import open_digits
from calovision.events.rotation import Rotated


@dataclass(frozen=True)
class ImageData:
    """Images of classes, in two parts that share no source image.

    Attributes:
        path: folder.
        hash: of the content.
        classes: what a class number stands for.
        train: images ``(n, p)`` in [0, 1] and class numbers ``(n,)``.
        test: the same, held out.
    """

    path: Path
    hash: str
    classes: tuple[int, ...]
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.train[0].shape[1]

    def stream(self, angles: int = 0) -> Rotated:
        """Training images in ``angles`` orientations, 0 for any."""
        return Rotated(*self.train, angles)

    def describe(self) -> dict[str, object]:
        """Path, hash and size, for a run's configuration."""
        return {"path": str(self.path), "hash": self.hash, "events": len(self.train[0])}


def read_images(folder: Path) -> ImageData:
    """Open a set of digits.

    Raises:
        InputError: none is there.
    """
    digits = open_digits(folder)
    parts = [tuple(torch.from_numpy(a) for a in digits.part(test=test)) for test in (False, True)]
    (x, y), (held_out, label) = parts
    return ImageData(Path(folder), digits.hash, digits.classes, (x, y), (held_out, label))
