"""Chunks of the public dense files, made sparse and cut into the shards of an event store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.formats.hit_file import HitFile
from calovision.events.formats.layout import Layout
from calovision.events.formats.readers import open_images
from calovision.events.formats.schema import ImageFile
from calovision.events.formats.sparsify import BadPixelError, join_bands, sparsify
from calovision.events.formats.units import as_stored
from calovision.events.shard_writing import shard_bytes

SHARD_HITS = 3_000_000  #: most hits in one shard, unless it is one event; jets have some 400 each


@dataclass(frozen=True)
class Chunk:
    """Consecutive events of one file: one shard, or several if they have very many hits.

    Attributes:
        path: the file.
        start: first event, counted in the file.
        stop: end of the events.
        number: number of the first event in the whole set.
        layout: of the file, settled.
    """

    path: Path
    start: int
    stop: int
    number: int
    layout: Layout

    def after(self, events: int) -> Chunk:
        """The same without the first ``events`` events."""
        return replace(self, start=self.start + events, number=self.number + events)


@dataclass(frozen=True)
class SerialisedShard:
    """The bytes of one shard, the number of its first event and the number of its events."""

    number: int
    events: int
    payload: bytes


class BadFileError(Exception):
    """Wraps the :class:`InputError` of an input file, unlike those of the output."""

    def __init__(self, error: InputError) -> None:
        super().__init__(error)
        self.error = error


class ChunkReader:
    """Reads chunks of files as shards; the file of one chunk stays open for the next."""

    def __init__(self) -> None:
        self._file: ImageFile | None = None
        self._of: tuple[Path, Layout] | None = None

    def __call__(self, chunk: Chunk) -> Iterator[SerialisedShard]:
        """The shards of a chunk, in order.

        Raises:
            BadFileError: the file is damaged or holds a value that it may not.
        """
        first = chunk.start
        try:
            file = self._open(chunk)
            for events in _limited(sparse_blocks(file, chunk.start, chunk.stop)):
                stop = first + len(events)
                columns = {k: v[first:stop] for k, v in file.columns.items()}
                payload = shard_bytes(replace(events, columns=columns | events.columns))
                yield SerialisedShard(chunk.number + first - chunk.start, len(events), payload)
                first = stop
        except InputError as error:
            raise BadFileError(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, chunk: Chunk) -> ImageFile:
        if self._file is None or self._of != (chunk.path, chunk.layout):
            self.close()
            self._file, self._of = open_images(chunk.path, chunk.layout), (chunk.path, chunk.layout)
        return self._file


def _limited(blocks: Iterator[Events]) -> Iterator[Events]:
    """The same events in sets that are as large as :data:`SHARD_HITS` allows.

    Where a set ends depends on its hits alone, not on the blocks that were read.
    """
    held: list[Events] = []
    free = SHARD_HITS
    for block in blocks:
        rest = block
        while (fitting := _fitting(rest.offsets, free)) < len(rest):
            if not held:
                fitting = max(fitting, 1)
            yield concatenate([*held, rest[:fitting]])
            held, free, rest = [], SHARD_HITS, rest[fitting:]
        held.append(rest)
        free -= int(rest.offsets[-1])
    if sum(map(len, held)):
        yield concatenate(held)


def _fitting(offsets: NDArray[np.int64], hits: int) -> int:
    """How many events, from the first on, have no more than ``hits`` hits together."""
    return int(np.searchsorted(offsets, offsets[0] + hits, side="right")) - 1


def sparse_blocks(file: ImageFile, start: int, stop: int) -> Iterator[Events]:
    """Events ``start`` to ``stop`` of a file, block by block, without their columns."""
    if isinstance(file, HitFile):
        yield from file.hits(start, stop)
        return
    bands: list[Events] = []
    for first, row, images in file.dense_blocks(start, stop):
        stored = as_stored(images, file)
        try:
            band = sparsify(stored, file.grid, channels_last=file.channels_last, first_row=row)
        except BadPixelError as error:
            raise error.as_input_error(str(file.path), first, file.geometry) from error
        bands.append(replace(band, geometry=file.geometry))
        if row + images.shape[1 if file.channels_last else 2] == file.geometry.rows:
            yield from _joined(bands)
            bands = []


def _joined(bands: list[Events]) -> Iterator[Events]:
    """Bands of the same events put together, few enough events at a time."""
    offsets = np.sum([b.offsets for b in bands], axis=0)
    first = 0
    while first < len(offsets) - 1:
        stop = first + max(_fitting(offsets[first:], SHARD_HITS), 1)
        whole = stop - first == len(offsets) - 1
        yield join_bands(bands if whole else [b[first:stop] for b in bands])
        first = stop
