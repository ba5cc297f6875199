"""Public files of dense images: the keys they hold, the checks, and the base of every reader."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.events.formats.columns import classes, is_extra, numbers
from calovision.events.formats.layout import IMAGES, LABEL, Layout
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.events.weighting import COLUMN
from calovision.utils.unreadable import reading

#: image key -> (grid, other keys that must be there)
SCHEMAS: dict[str, tuple[Geometry, tuple[str, ...]]] = {
    "X_jets": (JET_IMAGES, ("m0", "pt", "y")),
    "X": (EGAMMA_CROPS, ("y",)),
}
#: key of the images by the schema of their geometry
IMAGE_KEYS = {geometry.schema: key for key, (geometry, _) in SCHEMAS.items()}
LABEL_KEY = LABEL  #: the label's name in the files; in the store it is ``label``
PER_EVENT = ("m0", "pt", LABEL)  #: columns of one number an event, not negative
#: crops of which only energies were published: as the crops, their times missing
_ENERGIES = replace(EGAMMA_CROPS, channels=EGAMMA_CROPS.channels[:1])
_SAMPLES = 16  # places at which a file is sampled for its fingerprint
_SAMPLE_BYTES = 1 << 16


class ImageFile(ABC):
    """An opened public file of dense images; every format is a subclass of its own.

    A reader opens its file in :meth:`_open`, in which it calls :meth:`set_schema`,
    :meth:`set_images` and :meth:`set_columns` in this order, and calls its library only inside
    :meth:`decoding`.

    Args:
        path: the file.
        layout: what the user says of it.

    Raises:
        InputError: the file is damaged, or neither of a public schema nor as the user says.

    Attributes:
        format: name of the format.
        content_errors: what the format's library raises at content that it cannot read.
        step: number of events that are best read together.
        left_out: columns outside the schema that cannot be read, and why.
        remarks: what the user should know of how the file is read.
        path: the file.
        layout: what the user says of it, and what was found out about unit and threshold.
        key: key of the images.
        geometry: the image grid of the set that the file becomes.
        grid: that of the images, which may lack the last channels.
        shape: ``(n, rows, cols, channels)`` or ``(n, channels, rows, cols)``.
        channels_last: which of the two.
        dtype: type of the pixels in memory: float32 or float64, native byte order.
        columns: the per-event columns, checked; ``y`` is already called ``label``.
        label_dtype: type of ``y`` in the file, if there is one.
    """

    format: ClassVar[str]
    content_errors: ClassVar[tuple[type[Exception], ...]]
    step: int = 64
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    #: what explains an error of the library better than damage, such as a missing compression
    _lacking: InputError | None = None

    def __init__(self, path: Path, layout: Layout | None = None) -> None:
        self.path = path
        self.layout = layout or Layout()
        self._open_files = ExitStack()
        try:
            self._open()
        except Exception:
            self.close()
            raise

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Whether the file at ``path``, which begins with ``head``, is of this format."""

    @abstractmethod
    def _open(self) -> None:
        """Open the file by ``self._open_files.enter_context`` and set the attributes."""

    @abstractmethod
    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of events ``start`` to ``stop`` as (first event, first row, pixels).

        A block may hold a band of the grid's rows only; all bands of some events then come
        before the next events, and begin and end at the borders of readout cells.
        """

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Type of the pixels in the set: what is divided is rounded anyway."""
        return np.dtype(np.float32) if self.layout.in_gev else self.dtype

    def close(self) -> None:
        """Release the file."""
        self._open_files.close()

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """What the library raises at bad content means damage; what the system says does not.

        Nothing but calls of the library belongs inside.
        """
        try:
            with reading(self.path):
                yield
        except self.content_errors as error:
            raise self._lacking or damaged(self.path, error) from error

    def set_schema(self, keys: Collection[str]) -> tuple[str, ...]:
        """Find the key of the images, and return the other keys that belong to it.

        Raises:
            InputError: unknown or missing keys.
        """
        named = self.layout.keys
        if missing := [k for k in named.values() if k not in keys]:
            raise InputError(
                f"{self.path} has no key {', '.join(missing)} (it has {_listed(keys)})",
                "name the keys as they are in the file",
            )
        key = named.get(IMAGES) or next((k for k in SCHEMAS if k in keys), None)
        if key is None:
            raise InputError(
                f"{self.path} has neither X_jets nor X (it has {_listed(keys)})",
                "expected are X_jets, m0, pt, y (jets) or X, y (electron/photon crops); name other "
                "keys, as X=images,y=target; particles become images by 'calovision data image'",
            )
        others = tuple(v for k, v in named.items() if k != IMAGES)
        required = others if self.layout.is_own else SCHEMAS[key][1]
        if missing := [k for k in required if k not in keys]:
            raise InputError(
                f"{self.path} has no key {', '.join(missing)} (it has {_listed(keys)})",
                f"files with {key} need {', '.join(required)}",
            )
        self.key = key
        self.geometry = self.layout.geometry or SCHEMAS.get(key, SCHEMAS[IMAGES])[0]
        return required

    def set_images(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Set shape, order of the axes, grid and type of the images.

        Images of one channel may lack its axis; ``self.shape`` has it.

        Raises:
            InputError: no events, another shape than the schema's, or no floats of at most 64 bits.
        """
        if shape and not shape[0]:
            raise InputError(f"{self.path} holds no events", "give a file with events")
        for grid in self._grids():
            order = _order(shape[1:], grid, self.layout.channels_first)
            if order is not None:
                break
        else:
            raise self.bad_shape(shape)
        if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
            raise InputError(
                f"{self.path}: {self.key} is {dtype}", "images must be float16, float32 or float64"
            )
        self.grid, self.channels_last = grid, order
        self.geometry = EGAMMA_CROPS if grid is _ENERGIES else grid
        if grid is _ENERGIES:
            self.remarks = (*self.remarks, "images of energies alone: the set has no times")
        depth, sides = len(grid.channels), (grid.rows, grid.cols)
        self.shape = (shape[0], *((*sides, depth) if order else (depth, *sides)))
        self.dtype = np.dtype(np.float64 if dtype.itemsize == 8 else np.float32)

    def _grids(self) -> tuple[Geometry, ...]:
        """Grids that the images may have, the likeliest first."""
        if self.layout.geometry is not None:
            return (self.layout.geometry,)
        crops = (EGAMMA_CROPS, _ENERGIES)
        return (JET_IMAGES,) if self.key == "X_jets" else (*crops, JET_IMAGES)

    def set_columns(self, raw: Mapping[str, NDArray[Any]]) -> None:
        """Check the per-event columns found and keep those that belong to events.

        Raises:
            InputError: a column of the schema has another length or shape, is no number, holds a
                value that is not finite or negative, or labels other than 0 and 1; or a column
                ``weight`` is not one finite number an event.
        """
        n, columns, theirs = len(self), {}, self.layout.keys
        mine = {k: raw[theirs.get(k, k)] for k in (*PER_EVENT, COLUMN) if theirs.get(k, k) in raw}
        for name, column in mine.items():
            told = theirs.get(name, name)
            found = numbers(self.path, told, n, column, signed=name == COLUMN)
            if name == LABEL:
                found = classes(self.path, told, found)
            columns["label" if name == LABEL else name] = found
        renamed = {v: k for k, v in theirs.items()}
        taken = {*columns, *mine, *(v for k, v in theirs.items() if k in (*mine, IMAGES))}
        for key, column in raw.items():
            name = renamed.get(key, key)
            if key not in taken and is_extra(name, column, n, taken):
                columns[name] = column
        self.columns = columns
        self.label_dtype = str(mine[LABEL].dtype) if LABEL in mine else None

    def bad_shape(self, shape: tuple[int, ...]) -> InputError:
        """The error for images of another shape than the schema's."""
        g = self.geometry
        sides, depth = f"{g.rows}, {g.cols}", len(g.channels)
        first = self.layout.channels_first
        wanted = f"(n, {depth}, {sides})" if first else f"(n, {sides}, {depth})"
        return InputError(
            f"{self.path}: {self.key} has shape {shape}",
            f"expected is {wanted}; for another grid, give its geometry",
        )


def _order(shape: tuple[int, ...], grid: Geometry, first: bool) -> bool | None:
    """Whether the channels come last in images on a grid, or ``None`` for other images."""
    depth, sides = len(grid.channels), (grid.rows, grid.cols)
    if not first and (shape == (*sides, depth) or (depth == 1 and shape == sides)):
        return True
    return False if shape == (depth, *sides) else None


def damaged(path: Path, error: Exception) -> DamagedError:
    """The error for a file that breaks off or cannot be decoded."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedError(f"{path} is truncated or damaged ({reason})", "fetch it again")


def fingerprint(path: Path) -> dict[str, Any]:
    """Name and size of a file, and a SHA-256 of its size and of samples of its content.

    To hash the whole of a 26 GB file would take longer than to convert it; samples from all over
    it tell files of equal size apart.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for place in np.linspace(0, max(size - _SAMPLE_BYTES, 0), _SAMPLES).astype(np.int64):
            file.seek(int(place))
            digest.update(file.read(_SAMPLE_BYTES))
    return {"name": path.name, "size": size, "sampled_sha256": digest.hexdigest()}


def _listed(keys: Collection[str]) -> str:
    return ", ".join(sorted(keys)) or "none"
