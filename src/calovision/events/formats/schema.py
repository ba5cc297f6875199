"""What the public image files have in common: keys, shapes and the checks they must pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.events.shards import HIT_COLUMNS
from calovision.events.weighting import COLUMN

#: image key -> (grid, other keys that must be there)
SCHEMAS: dict[str, tuple[Geometry, tuple[str, ...]]] = {
    "X_jets": (JET_IMAGES, ("m0", "pt", "y")),
    "X": (EGAMMA_CROPS, ("y",)),
}
#: key of the images by the schema of their geometry
IMAGE_KEYS = {geometry.schema: key for key, (geometry, _) in SCHEMAS.items()}
LABEL_KEY = "y"  #: the label's name in the files; in the store it is ``label``
EXTRA_VALUES = 64  #: widest further column that is kept, numbers an event
_LABELS = (0, 1)
_SAMPLES = 16  # places at which a file is sampled for its fingerprint
_SAMPLE_BYTES = 1 << 16


class ImageFile(Protocol):
    """An opened public file of dense images.

    Attributes:
        path: the file.
        geometry: the image grid.
        dtype: float32 or float64, native byte order.
        columns: the per-event columns, checked; ``y`` is already called ``label``.
        label_dtype: type of ``y`` in the file.
        channels_last: order of an image's axes.
        step: number of events that are best read together.
        left_out: columns outside the schema that cannot be read, and why.
    """

    path: Path
    geometry: Geometry
    dtype: np.dtype[Any]
    columns: dict[str, NDArray[Any]]
    label_dtype: str
    channels_last: bool
    step: int
    left_out: tuple[str, ...]

    def __len__(self) -> int: ...

    def bands(self, start: int, stop: int) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
        """Images of events ``start`` to ``stop`` as (first event, end, first row, pixels).

        All bands of rows of some events come before the next events; bands begin and end at
        the borders of readout cells.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@contextmanager
def closed_if_bad(file: ImageFile) -> Iterator[None]:
    """Close ``file`` if what follows fails."""
    try:
        yield
    except Exception:
        file.close()
        raise


def find_schema(path: Path, keys: list[str]) -> str:
    """Key of the images, once all keys that belong to it are known to be there.

    Raises:
        InputError: unknown or missing keys.
    """
    for image_key, (_, others) in SCHEMAS.items():
        if image_key in keys:
            missing = [k for k in others if k not in keys]
            if missing:
                raise InputError(
                    f"{path} has no key {', '.join(missing)} (it has {_listed(keys)})",
                    f"files with {image_key} need {', '.join(others)}",
                )
            return image_key
    raise InputError(
        f"{path} has neither X_jets nor X (it has {_listed(keys)})",
        "expected are X_jets, m0, pt, y (jets) or X, y (electron/photon crops); particles become "
        "images by 'calovision data image'",
    )


def check_columns(
    path: Path, image_key: str, n: int, raw: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, NDArray[Any]], str]:
    """Checked per-event columns and the type that ``y`` had.

    Args:
        path: the file, for error messages.
        image_key: key of the images.
        n: number of images.
        raw: all per-event columns found.

    Raises:
        InputError: a required column has another length or shape, is no number, holds a
            value that is not finite or negative, or labels other than 0 and 1; or a column
            ``weight`` is not one finite number an event.
    """
    if n == 0:
        raise InputError(f"{path} holds no events", "give a file with events")
    columns: dict[str, NDArray[Any]] = {}
    required = SCHEMAS[image_key][1]
    for name in required:
        columns["label" if name == LABEL_KEY else name] = numbers(path, name, n, raw[name])
    label = columns["label"]
    columns["label"] = classes(path, LABEL_KEY, label)
    if COLUMN in raw:
        columns[COLUMN] = numbers(path, COLUMN, n, raw[COLUMN], signed=True)
    for name, column in raw.items():
        if name not in (*required, COLUMN) and _is_extra(name, column, n, columns):
            columns[name] = column
    return columns, str(label.dtype)


def check_type(path: Path, image_key: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The images' type in native byte order.

    Raises:
        InputError: neither float32 nor float64.
    """
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise InputError(f"{path}: {image_key} is {dtype}", "images must be float32 or float64")
    return dtype.newbyteorder("=")


def bad_shape(path: Path, image_key: str, shape: tuple[int, ...]) -> InputError:
    """The error for images of another shape than the schema's."""
    g = SCHEMAS[image_key][0]
    wanted = f"(n, {g.rows}, {g.cols}, {len(g.channels)})"
    return InputError(f"{path}: {image_key} has shape {shape}", f"expected is {wanted}")


def damaged(path: Path, error: Exception) -> DamagedError:
    """The error for a file that breaks off or cannot be decoded."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedError(f"{path} is truncated or damaged ({reason})", "fetch it again")


def fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and a SHA-256 over the file's size and sampled pieces.

    The whole of a 26 GB file would take longer to hash than to convert; pieces from all
    over it tell files of equal size apart.
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
    wrong = ~np.isin(label, _LABELS)
    if wrong.any():
        raise InputError(
            f"{where}: {name} is {label[wrong][0]:g} for event {int(np.argmax(wrong))}",
            "labels must be 0 (gluon, photon) or 1 (quark, electron)",
        )
    return label.astype(np.int8)


def _is_extra(name: str, column: NDArray[Any], n: int, taken: Mapping[str, Any]) -> bool:
    """Whether a column outside the schema is a plain number or short vector per event."""
    fits = column.ndim >= 1 and len(column) == n and column.size <= n * EXTRA_VALUES
    return fits and column.dtype.kind in "biuf" and name not in (*taken, *HIT_COLUMNS)


def _listed(keys: list[str]) -> str:
    return ", ".join(sorted(keys)) or "none"
