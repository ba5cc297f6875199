"""Converting the public dense files to an event store, in a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from tqdm import tqdm

import calovision
from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.hdf5 import Hdf5Images
from calovision.events.image_file import ImageFile, fingerprint
from calovision.events.parquet_images import ParquetImages
from calovision.events.reader import EventStore
from calovision.events.sparsify import BadPixelError, join_bands, sparsify
from calovision.events.writer import StoreWriter

SHARD_VALUES = 96_000_000  #: pixel values in one shard (2,048 jets) ...
SHARD_EVENTS = 16_384  #: ... and at most so many events
_PARQUET_MAGIC = b"PAR1"

_WORKERS = 2  # threads that sparsify; more than the reader can feed is of no use


@dataclass(frozen=True)
class _Task:
    """One shard of the plan: some events of one file."""

    index: int
    file: ImageFile
    start: int
    stop: int


@dataclass(frozen=True)
class _Band:
    """Some rows of the images of some events."""

    file: ImageFile
    first: int
    end: int
    row: int
    is_last: bool
    images: NDArray[Any] | None


class _BadFileError(Exception):
    """Wraps the error of an input file, to tell it from one of the output."""

    def __init__(self, error: InputError) -> None:
        self.error = error


def convert(
    files: Sequence[str | Path],
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: bool = False,
) -> EventStore:
    """Convert public files to one event store, lossless to the last bit, in flat memory.

    An interrupted conversion goes on at the first missing shard when it is called again
    with the same files.

    Args:
        files: HDF5 or Parquet files with X_jets, m0, pt, y or with X, y; in the order given.
        out: folder of the store.
        overwrite: replace a set that is already there.
        progress: show a progress bar on standard error.

    Raises:
        InputError: a file is damaged or breaks the schema, the files do not fit together,
            ``out`` is taken, or the disk is full. Bad files leave nothing behind.
    """
    if not files:
        raise InputError("no file to convert", "name at least one HDF5 or Parquet file")
    opened: list[ImageFile] = []
    try:
        for file in files:
            opened.append(open_images(Path(file)))
        _check_alike(opened)
        origin = _provenance(opened)
        writer = StoreWriter(out, opened[0].geometry, provenance=origin, overwrite=overwrite)
        try:
            _make_shards(_plan(opened), writer, progress)
        except _BadFileError as bad:
            writer.discard()
            raise bad.error from bad
        return writer.finish()
    finally:
        for image_file in opened:
            image_file.close()


def open_images(path: Path) -> ImageFile:
    """Open a public file by its content, not its name.

    Raises:
        InputError: missing, empty, neither HDF5 nor Parquet, or of another schema.
    """
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {problem}", "give an HDF5 or Parquet file")
    with path.open("rb") as file:
        magic = file.read(len(_PARQUET_MAGIC))
    if not magic:
        raise InputError(f"{path} is empty", "fetch it again")
    return ParquetImages(path) if magic == _PARQUET_MAGIC else Hdf5Images(path)


def _check_alike(opened: list[ImageFile]) -> None:
    """All files must give the same kind of events."""
    first = opened[0]
    for other in opened[1:]:
        mine = f"{first.geometry.name} {first.dtype} with {_column_types(first)}"
        theirs = f"{other.geometry.name} {other.dtype} with {_column_types(other)}"
        if mine != theirs:
            raise InputError(
                f"{other.path} and {first.path} hold different events ({theirs}; {mine})",
                "convert them to separate sets",
            )


def _column_types(file: ImageFile) -> str:
    return ", ".join(f"{k} {v.dtype}{list(v.shape[1:]) or ''}" for k, v in file.columns.items())


def _provenance(opened: list[ImageFile]) -> dict[str, Any]:
    return {
        "made_by": "calovision data convert",
        "version": calovision.__version__,
        "label_dtype": opened[0].label_dtype,
        "files": [
            fingerprint(f.path) | {"events": len(f), "shard_events": _shard_events(f)}
            for f in opened
        ],
    }


def _shard_events(file: ImageFile) -> int:
    """Events in one shard: whole reading steps, so that nothing is decoded twice."""
    per_event = file.geometry.cells * len(file.geometry.channels)
    wanted = min(SHARD_VALUES // per_event, SHARD_EVENTS)
    return -(-wanted // file.step) * file.step


def _plan(opened: list[ImageFile]) -> list[_Task]:
    pieces = [
        (file, start, min(start + _shard_events(file), len(file)))
        for file in opened
        for start in range(0, len(file), _shard_events(file))
    ]
    return [_Task(i, *piece) for i, piece in enumerate(pieces)]


def _make_shards(tasks: list[_Task], writer: StoreWriter, progress: bool) -> None:
    """Make the missing shards: one thread reads, some sparsify, one writes."""
    missing = [t for t in tasks if t.index not in writer.done()]
    total = sum(t.stop - t.start for t in tasks)
    left = sum(t.stop - t.start for t in missing)
    with (
        tqdm(total=total, initial=total - left, unit=" events", disable=not progress) as bar,
        ThreadPoolExecutor(1) as reading,
        ThreadPoolExecutor(_WORKERS) as working,
        ThreadPoolExecutor(1) as writing,
    ):
        bands = _sparse(working, _ahead(reading, _bands(missing)))
        last: Future[None] | None = None
        for task in missing:
            try:
                blocks = _collect(task, bands, bar)
            except InputError as error:
                raise _BadFileError(error) from error
            if last is not None:
                last.result()
            last = writing.submit(_write, task, blocks, writer)
        if last is not None:
            last.result()


def _bands(tasks: list[_Task]) -> Iterator[_Band]:
    """All bands of some shards, in order."""
    for task in tasks:
        for first, end, row, images in task.file.bands(task.start, task.stop):
            stop = row + images.shape[1 if task.file.channels_last else 2]
            yield _Band(task.file, first, end, row, stop == task.file.geometry.rows, images)


def _ahead(pool: ThreadPoolExecutor, bands: Iterator[_Band]) -> Iterator[_Band]:
    """The same bands, each read while the one before is worked on."""
    pending = pool.submit(next, bands, None)
    while (band := pending.result()) is not None:
        pending = pool.submit(next, bands, None)
        yield band


def _sparse(pool: ThreadPoolExecutor, bands: Iterator[_Band]) -> Iterator[tuple[_Band, Events]]:
    """Sparsify several bands at a time; they come out in order, without their images."""
    pending: deque[tuple[_Band, Future[Events]]] = deque()
    for band in bands:
        pending.append((replace(band, images=None), pool.submit(_sparsify, band)))
        del band
        if len(pending) == _WORKERS:
            done, future = pending.popleft()
            yield done, future.result()
    for done, future in pending:
        yield done, future.result()


def _sparsify(band: _Band) -> Events:
    file = band.file
    assert band.images is not None
    try:
        return sparsify(
            band.images, file.geometry, channels_last=file.channels_last, first_row=band.row
        )
    except BadPixelError as error:
        raise error.as_input_error(str(file.path), band.first, file.geometry) from error


def _collect(task: _Task, bands: Iterator[tuple[_Band, Events]], bar: Any) -> list[list[Events]]:
    """Take what belongs to one shard: blocks of events, each by bands of rows."""
    blocks: list[list[Events]] = []
    for band, events in bands:
        if band.row == 0:
            blocks.append([])
        blocks[-1].append(events)
        if band.is_last:
            bar.update(band.end - band.first)
            if band.end == task.stop:
                break
    return blocks


def _write(task: _Task, blocks: list[list[Events]], writer: StoreWriter) -> None:
    """Put one shard together and write it."""
    events = concatenate(join_bands(block) for block in blocks)
    columns = {k: v[task.start : task.stop] for k, v in task.file.columns.items()}
    writer.write(task.index, replace(events, columns=columns))
