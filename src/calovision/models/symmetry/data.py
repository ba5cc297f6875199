"""Image sets for the symmetry task, whatever they are stored as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.digits import MANIFEST, DigitSet, has_digits, open_digits
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import fingerprints
from calovision.events.rotation import Rotated
from calovision.events.splits import split
from calovision.events.store import EventStore
from calovision.features.coarse import coarse_images
from calovision.utils.unreadable import exists

#: degrees after which a digit looks the same again; 360 for all others
PERIODS = {0: 180.0, 1: 180.0, 8: 180.0}
MOST_EVENTS = 40_000  #: of a detector's events that are read, in training and test together
TEST_SHARE = 0.2  #: of them
IN_MEMORY = "in memory"  #: where a set is that lies in no folder


@dataclass(frozen=True)
class ImageData:
    """Images of classes, in two parts that share no source image.

    Attributes:
        path: folder.
        hash: of the content.
        classes: what a class number stands for.
        train: images ``(n, p)`` in [0, 1] and class numbers ``(n,)``.
        test: the same, held out.
        turning: whether images are upright and have to be turned to be in all orientations;
            those of a detector are taken as they are.
    """

    path: Path
    hash: str
    classes: tuple[int, ...]
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    turning: bool = True

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.train[0].shape[1]

    @property
    def periods(self) -> tuple[float, ...]:
        """Degrees after which an image of each class looks the same again."""
        if not self.turning:
            return (360.0,) * len(self.classes)
        return tuple(PERIODS.get(digit, 360.0) for digit in self.classes)

    def stream(self, angles: int = 0, warp: float = 0.0) -> Rotated:
        """Training images in ``angles`` orientations, 0 for any, bent; a detector's as they are."""
        return Rotated(*self.train, angles, warp) if self.turning else Rotated(*self.train, 1)

    def to(self, device: torch.device) -> ImageData:
        """The same, with all images on a device."""
        train, test = ((x.to(device), y.to(device)) for x, y in (self.train, self.test))
        return replace(self, train=train, test=test)

    def describe(self) -> dict[str, object]:
        """Path, hash and size, for a run's configuration."""
        return {"path": str(self.path), "hash": self.hash, "events": len(self.train[0])}


def read_images(folder: Path, *, skip_corrupt: bool = False) -> ImageData:
    """Open a set of digits, or of a detector's events, of which damaged shards may be left out.

    Raises:
        InputError: neither is there.
    """
    folder = Path(folder)
    if exists(folder / MANIFEST) and not has_digits(folder):
        return detector_images(EventStore.open(folder, skip_corrupt=skip_corrupt))
    return digit_images(open_digits(folder), folder)


def images_of(data: DigitSet | EventSet | str | Path, *, skip_corrupt: bool = False) -> ImageData:
    """Images of a set, in memory or on disk; see :func:`read_images`."""
    if isinstance(data, str | Path):
        return read_images(Path(data), skip_corrupt=skip_corrupt)
    if isinstance(data, EventSet):
        return detector_images(data)
    return digit_images(data, Path(IN_MEMORY))


def digit_images(digits: DigitSet, path: Path) -> ImageData:
    """Digits as images."""
    parts = [tuple(torch.from_numpy(a) for a in digits.part(test=test)) for test in (False, True)]
    (x, y), (held_out, label) = parts
    return ImageData(path, digits.hash, digits.classes, (x, y), (held_out, label))


def detector_images(store: EventSet) -> ImageData:
    """Events as coarse images; a fifth of the collisions is held out.

    Raises:
        InputError: not every event has a class.
    """
    events = store[: min(len(store), MOST_EVENTS)].load()
    if "label" not in events.columns or not np.isin(events.label, (0, 1)).all():
        raise InputError(f"{store.where} has events without a class", "give a labelled set")
    if weighting.of(events) is not None:
        raise InputError(
            f"{store.where} has event weights, which the symmetry task knows nothing of",
            "give a set without a column weight",
        )
    images = torch.from_numpy(coarse_images(events))
    label = torch.from_numpy(events.label.astype(np.int64))
    shares = {"train": 1 - TEST_SHARE, "test": TEST_SHARE}
    groups = fingerprints(events).groups(events.columns.get("event_id"))
    chosen = split(len(events), shares, 1, groups)
    train, test = (
        (images[rows], label[rows])
        for rows in (torch.from_numpy(chosen[part]) for part in ("train", "test"))
    )
    return ImageData(Path(store.where), store.hash, (0, 1), train, test, turning=False)
