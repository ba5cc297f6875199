"""Sets of upright handwritten digits, divided into training and test images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.utils.arrays import read_arrays
from calovision.utils.counts import count
from calovision.utils.files import PART, atomic, write_json, writing
from calovision.utils.unreadable import exists, read_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 28  #: pixels of an image's edge
MANIFEST, ARRAYS = "manifest.json", "digits.npz"
SCHEMA = "digits-1"
#: arrays: kinds of numbers, number of axes
_KINDS = {"images": ("u", 3), "label": ("iu", 1), "test": ("b", 1)}
_AGAIN = "make the set again"


@dataclass(frozen=True, repr=False)
class DigitSet:
    """Upright digits; whoever trains on them turns them.

    Attributes:
        images: ``(n, 28, 28)`` uint8, ink 255.
        label: ``(n,)`` the digits, 0 to 9.
        test: ``(n,)`` whether an image, in any orientation, is kept from training.
        provenance: source and seed.
    """

    images: NDArray[np.uint8]
    label: NDArray[np.int64]
    test: NDArray[np.bool_]
    provenance: dict[str, Any]

    def __len__(self) -> int:
        return len(self.label)

    def __repr__(self) -> str:
        lines = [f"DigitSet: {len(self)} digits of {SIDE} x {SIDE} pixels, {self._source}"]
        lines += [f"  {d}: {n}, of which {kept} are for testing" for d, n, kept in self._counts()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{d}</td><td>{n - kept}</td><td>{kept}</td></tr>"
            for d, n, kept in self._counts()
        )
        return (
            f"<b>DigitSet: {len(self)} digits of {SIDE} x {SIDE} pixels, {escape(self._source)}</b>"
            f"<table><tr><th>digit</th><th>training</th><th>testing</th></tr>{rows}</table>"
        )

    @property
    def _source(self) -> str:
        return f"of {self.provenance.get('source', 'unknown source')}"

    def _counts(self) -> list[tuple[int, int, int]]:
        """Every digit, how many there are of it, and how many of them are for testing."""
        each = ((d, self.label == d) for d in self.classes)
        return [(d, int(mine.sum()), int((mine & self.test).sum())) for d, mine in each]

    def plot(self, each: int = 8) -> Figure:
        """The first images of every digit, a row each.

        Args:
            each: images of a digit.

        Raises:
            InputError: there are no digits, or ``each`` is no count.
        """
        from calovision.utils.picture import Picture

        each = count("each", each)
        if not len(self):
            raise InputError("the set is empty", "show one with digits")
        figure = Picture(figsize=(0.8 * each, 0.9 * len(self.classes)), layout="constrained")
        axes = figure.subplots(len(self.classes), each, squeeze=False)
        for row, digit in zip(axes, self.classes, strict=True):
            mine = self.images[self.label == digit][:each]
            for k, ax in enumerate(row):
                ax.set_axis_off()
                if k < len(mine):
                    ax.imshow(mine[k], cmap="gray_r")
        return figure

    @property
    def classes(self) -> tuple[int, ...]:
        """The digits there are, ascending; a class is a position in this tuple."""
        return tuple(int(d) for d in np.unique(self.label))

    @property
    def hash(self) -> str:
        """SHA-256 of the images, labels and the split."""
        digest = hashlib.sha256()
        for array in (self.images, self.label.astype("<i8"), self.test):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def part(self, *, test: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Images ``(m, 784)`` in [0, 1] and class numbers ``(m,)`` of one side of the split."""
        rows = np.flatnonzero(self.test == test)
        images = self.images[rows].reshape(len(rows), -1).astype(np.float32) / np.float32(255)
        return images, np.searchsorted(self.classes, self.label[rows]).astype(np.int64)

    def save(self, folder: str | Path) -> None:
        """Write the set into a new or empty folder; the manifest comes last.

        Raises:
            InputError: the folder is not empty, or cannot be written.
        """
        folder = Path(folder)
        found = {p.name for p in folder.iterdir()} if folder.exists() else set()
        # A process that was killed may have left the arrays, or parts of them.
        if not found <= {ARRAYS, ARRAYS + PART, MANIFEST + PART}:
            raise InputError(f"{folder} is not empty", "choose a new folder for --out")
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / ARRAYS) as part, part.open("wb") as file:
            np.savez_compressed(file, images=self.images, label=self.label, test=self.test)
        counts = {str(d): int((self.label == d).sum()) for d in self.classes}
        about = {"schema": SCHEMA, "digits": counts, "test": int(self.test.sum())}
        write_json(folder / MANIFEST, {**about, "hash": self.hash, "provenance": self.provenance})


def open_digits(folder: Path) -> DigitSet:
    """Read a set of digits.

    Raises:
        InputError: none is there, or it is damaged.
    """
    folder = Path(folder)
    if not has_digits(folder):
        raise InputError(
            f"{folder} is not a set of digits", "make one with 'calovision data digits'"
        )
    manifest = read_json(folder / MANIFEST)
    arrays = read_arrays(folder / ARRAYS, _AGAIN)
    if not (_KINDS.keys() <= arrays.keys()) or any(
        arrays[name].dtype.kind not in kinds or arrays[name].ndim != axes
        for name, (kinds, axes) in _KINDS.items()
    ):
        raise DamagedError(f"{folder / ARRAYS} is damaged", _AGAIN)
    images, label, test = (arrays[name] for name in _KINDS)
    about = manifest.get("provenance")
    found = DigitSet(images, label, test, about if isinstance(about, dict) else {})
    if found.hash != manifest.get("hash"):
        raise DamagedError(f"{folder / ARRAYS} is damaged", _AGAIN)
    return found


def has_digits(folder: Path) -> bool:
    """Whether a folder holds a set of digits.

    Raises:
        InputError: its manifest cannot be read.
    """
    path = folder / MANIFEST
    try:
        return exists(path) and read_json(path).get("schema") == SCHEMA
    except ValueError:
        return False
