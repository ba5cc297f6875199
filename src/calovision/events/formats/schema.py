"""Public files of dense images: the keys they hold, the checks, and the base of every reader."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.events.shards import HIT_COLUMNS
from calovision.events.weighting import COLUMN
from calovision.utils.unreadable import reading

#: image key -> (grid, other keys that must be there)
SCHEMAS: dict[str, tuple[Geometry, tuple[str, ...]]] = {
    "X_jets": (JET_IMAGES, ("m0", "pt", "y")),
    "X": (EGAMMA_CROPS, ("y",)),
}
#: key of the images by the schema of their geometry
IMAGE_KEYS = {geometry.schema: key for key, (geometry, _) in SCHEMAS.items()}
LABEL_KEY = "y"  #: the label's name in the files; in the store it is ``label``
NUMBERS_PER_EVENT = 64  #: widest further column that is kept
_SAMPLES = 16  # places at which a file is sampled for its fingerprint
_SAMPLE_BYTES = 1 << 16


class ImageFile(ABC):
    """An opened public file of dense images; every format is a subclass of its own.

    A reader opens its file in :meth:`_open`, in which it calls :meth:`set_schema`,
    :meth:`set_images` and :meth:`set_columns` in this order, and calls its library only inside
    :meth:`decoding`.

    Args:
        path: the file.

    Raises:
        InputError: the file is damaged, or not of a public schema.

    Attributes:
        format: name of the format.
        content_errors: what the format's library raises at content that it cannot read.
        step: number of events that are best read together.
        left_out: columns outside the schema that cannot be read, and why.
        path: the file.
        key: key of the images.
        geometry: the image grid.
        shape: ``(n, rows, cols, channels)`` or ``(n, channels, rows, cols)``.
        channels_last: which of the two.
        dtype: float32 or float64, native byte order.
        columns: the per-event columns, checked; ``y`` is already called ``label``.
        label_dtype: type of ``y`` in the file.
    """

    format: ClassVar[str]
    content_errors: ClassVar[tuple[type[Exception], ...]]
    step: int = 64
    left_out: tuple[str, ...] = ()
    #: what explains an error of the library better than damage, such as a missing compression
    _lacking: InputError | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
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
        for image_key, (geometry, others) in SCHEMAS.items():
            if image_key in keys:
                if missing := [k for k in others if k not in keys]:
                    raise InputError(
                        f"{self.path} has no key {', '.join(missing)} (it has {_listed(keys)})",
                        f"files with {image_key} need {', '.join(others)}",
                    )
                self.key, self.geometry = image_key, geometry
                return others
        raise InputError(
            f"{self.path} has neither X_jets nor X (it has {_listed(keys)})",
            "expected are X_jets, m0, pt, y (jets) or X, y (electron/photon crops); particles "
            "become images by 'calovision data image'",
        )

    def set_images(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Set shape, order of the axes and type of the images.

        Raises:
            InputError: no events, another shape than the schema's, or neither float32 nor float64.
        """
        if shape and not shape[0]:
            raise InputError(f"{self.path} holds no events", "give a file with events")
        grid, channels = (self.geometry.rows, self.geometry.cols), len(self.geometry.channels)
        if shape[1:] not in ((*grid, channels), (channels, *grid)):
            raise self.bad_shape(shape)
        if dtype.kind != "f" or dtype.itemsize not in (4, 8):
            raise InputError(
                f"{self.path}: {self.key} is {dtype}", "images must be float32 or float64"
            )
        self.shape, self.dtype = shape, dtype.newbyteorder("=")
        self.channels_last = shape[-1] == channels

    def set_columns(self, raw: Mapping[str, NDArray[Any]]) -> None:
        """Check the per-event columns found and keep those that belong to events.

        Raises:
            InputError: a required column has another length or shape, is no number, holds a
                value that is not finite or negative, or labels other than 0 and 1; or a column
                ``weight`` is not one finite number an event.
        """
        n, columns = len(self), {}
        required = SCHEMAS[self.key][1]
        for name in required:
            columns["label" if name == LABEL_KEY else name] = numbers(self.path, name, n, raw[name])
        columns["label"] = classes(self.path, LABEL_KEY, columns["label"])
        if COLUMN in raw:
            columns[COLUMN] = numbers(self.path, COLUMN, n, raw[COLUMN], signed=True)
        for name, column in raw.items():
            if name not in (*required, COLUMN) and _is_extra(name, column, n, columns):
                columns[name] = column
        self.columns, self.label_dtype = columns, str(raw[LABEL_KEY].dtype)

    def bad_shape(self, shape: tuple[int, ...]) -> InputError:
        """The error for images of another shape than the schema's."""
        g = self.geometry
        wanted = f"(n, {g.rows}, {g.cols}, {len(g.channels)})"
        return InputError(f"{self.path}: {self.key} has shape {shape}", f"expected is {wanted}")


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


def numbers(
    where: object, name: str, n: int, column: NDArray[Any], *, signed: bool = False
) -> NDArray[Any]:
    """A column ``(n,)`` of one number an event.

    Args:
        where: the file, or what else the column belongs to, for error messages.
        name: of the column.
        n: number of images.
        column: ``(n,)``, or of another shape with as many numbers.
        signed: whether numbers may be negative, as weights may.

    Raises:
        InputError: another length or shape, no numbers, a value that is not finite, or negative.
    """
    if column.ndim and len(column) != n:
        raise InputError(
            f"{where}: {name} has {len(column)} rows, the images {n}", "all keys need one row each"
        )
    if not column.ndim or column.size != n or column.dtype.kind not in "biuf":
        raise InputError(
            f"{where}: {name} has shape {column.shape} and type {column.dtype}",
            "expected is one number an event",
        )
    flat = column.reshape(n)
    bad = ~np.isfinite(flat) | ((flat < 0) & (not signed))
    if bad.any():
        place = int(np.argmax(bad))
        raise InputError(
            f"{where}: {name} is {flat[place]:g} for event {place}", "correct or remove that event"
        )
    return flat


def classes(where: object, name: str, label: NDArray[Any]) -> NDArray[np.int8]:
    """Labels ``(n,)`` that were read as numbers, as int8.

    Raises:
        InputError: one is neither 0 nor 1.
    """
    wrong = ~np.isin(label, (0, 1))
    if wrong.any():
        raise InputError(
            f"{where}: {name} is {label[wrong][0]:g} for event {int(np.argmax(wrong))}",
            "labels must be 0 (gluon, photon) or 1 (quark, electron)",
        )
    return label.astype(np.int8)


def _is_extra(name: str, column: NDArray[Any], n: int, taken: Mapping[str, Any]) -> bool:
    """Whether a column outside the schema is a plain number or short vector per event."""
    fits = column.ndim >= 1 and len(column) == n and column.size <= n * NUMBERS_PER_EVENT
    return fits and column.dtype.kind in "biuf" and name not in (*taken, *HIT_COLUMNS)


def _listed(keys: Collection[str]) -> str:
    return ", ".join(sorted(keys)) or "none"
