"""Converting the public dense files to an event store, in a stream."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import calovision
from calovision.errors import InputError
from calovision.events.fingerprints import fingerprints
from calovision.events.formats.chunks import (
    SHARD_HITS,
    BadFileError,
    Chunk,
    ChunkReader,
    SerialisedShard,
)
from calovision.events.formats.layout import Layout
from calovision.events.formats.readers import open_images
from calovision.events.formats.schema import ImageFile, fingerprint
from calovision.events.plausibility import contents, doubts
from calovision.events.reader import EventStore
from calovision.events.store import StoreWriter
from calovision.parallel.cluster import check_workers, run
from calovision.parallel.processes import shared_out
from calovision.utils.files import check_distinct, check_outside

SHARD_VALUES = 96_000_000  #: pixel values in one shard (2,048 jets) ...
SHARD_EVENTS = 16_384  #: ... and at most so many events
TIME_LIMIT = 900.0  #: seconds that a worker of a cluster may take for a shard


def convert(
    files: Sequence[str | Path],
    out: str | Path,
    layout: Layout | None = None,
    *,
    overwrite: bool = False,
    progress: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
) -> EventStore:
    """Convert public files to one event store; arguments as of :func:`calovision.convert`.

    An interrupted conversion goes on at the first missing shard when it is called again with the
    same files. Several ``workers`` need a process without further threads; those of a Dask
    ``scheduler`` must see the files under the same paths.

    Raises:
        InputError: a file is damaged, breaks the schema or is given twice, the files do not fit,
            ``workers`` is not positive, ``out`` is taken, the disk is full, or the cluster does
            not answer. Bad files leave nothing behind.

    Warns:
        UserWarning: a column outside the schema lies in another file, some events are in the files
            more than once, how a file is read where that is not plain, and what is implausible.
    """
    if not files:
        raise InputError("no file to convert", "name at least one HDF5, Parquet or .npz file")
    check_workers(workers)
    check_distinct(files)
    check_outside(files, Path(out))
    opened: list[ImageFile] = []
    try:
        for file in files:
            opened.append(open_images(Path(file), layout))
            left_out = (f"left out is {column}" for column in opened[-1].left_out)
            for remark in (*opened[-1].remarks, *left_out):
                warnings.warn(f"{file}: {remark}", stacklevel=2)
        _check_alike(opened)
        geometry, origin, chunks = opened[0].geometry, _provenance(opened), _plan(opened)
    finally:
        # Every worker opens them again: processes must not share what a library holds of a file.
        for image_file in opened:
            image_file.close()
    writer = StoreWriter(out, geometry, provenance=origin, overwrite=overwrite)
    try:
        missing = [left for chunk in chunks if (left := _left(chunk, writer)) is not None]
        with _serialised(missing, workers, scheduler) as shards:
            _write_shards(shards, chunks, missing, writer, progress)
    except BadFileError as bad:
        writer.discard()
        raise bad.error from bad
    store = writer.finish()
    if copies := int(fingerprints(store).repeated().sum()):
        warnings.warn(
            f"{copies} of the {len(store)} events are copies of others, hit by hit; copies stay"
            " together in every split, and are measured once",
            stacklevel=2,
        )
    for doubt in doubts(contents(store), store.columns, store.geometry):
        warnings.warn(f"{store.path}: {doubt}", stacklevel=2)
    return store


def _check_alike(opened: list[ImageFile]) -> None:
    """All files must give the same kind of events."""
    first = opened[0]
    for other in opened[1:]:
        mine = f"{first.geometry.name} {first.stored_dtype} with {_column_types(first)}"
        theirs = f"{other.geometry.name} {other.stored_dtype} with {_column_types(other)}"
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
        **({"label_dtype": dtype} if (dtype := opened[0].label_dtype) else {}),
        "shard_hits": SHARD_HITS,
        "files": [
            fingerprint(f.path)
            | {"events": len(f), "shard_events": _shard_events(f)}
            | f.layout.to_dict()
            for f in opened
        ],
    }


def _shard_events(file: ImageFile) -> int:
    """Events in one shard: whole reading steps, so that nothing is decoded twice."""
    per_event = file.geometry.cells * len(file.geometry.channels)
    wanted = min(SHARD_VALUES // per_event, SHARD_EVENTS)
    return -(-wanted // file.step) * file.step


def _plan(opened: list[ImageFile]) -> list[Chunk]:
    chunks = []
    before = 0  # events in earlier files
    for file in opened:
        step = _shard_events(file)
        for start in range(0, len(file), step):
            stop = min(start + step, len(file))
            chunks.append(Chunk(file.path, start, stop, before + start, file.layout))
        before += len(file)
    return chunks


@contextmanager
def _serialised(
    missing: list[Chunk], workers: int, scheduler: str | None
) -> Iterator[Iterator[SerialisedShard]]:
    """The shards of all chunks, from this machine or a cluster; those of a chunk in order."""
    if scheduler is None:
        with closing(ChunkReader()) as read, shared_out(missing, read, workers) as shards:
            yield shards
        return
    # Workers have working directories of their own.
    absolute = [replace(chunk, path=chunk.path.resolve()) for chunk in missing]
    results = run(absolute, _shards_of, prepare=list, scheduler=scheduler, time_limit=TIME_LIMIT)
    yield chain.from_iterable(shards for _, shards in results)


def _shards_of(chunk: Chunk, time_limit: float) -> list[SerialisedShard]:
    """All shards of a chunk; a file is read with a speed that needs no limit of its own."""
    del time_limit
    with closing(ChunkReader()) as read:
        return list(read(chunk))


def _write_shards(
    shards: Iterator[SerialisedShard],
    chunks: list[Chunk],
    missing: list[Chunk],
    writer: StoreWriter,
    progress: bool,
) -> None:
    """Write shards as they come; each is numbered by its first event."""
    # Loaded while the workers are busy already.
    from tqdm import tqdm

    total = chunks[-1].number + chunks[-1].stop - chunks[-1].start
    found = total - sum(t.stop - t.start for t in missing)
    with tqdm(total=total, initial=found, unit=" events", disable=not progress) as bar:
        for shard in shards:
            writer.write_bytes(shard.number, shard.payload)
            bar.update(shard.events)


def _left(chunk: Chunk, writer: StoreWriter) -> Chunk | None:
    """What an interrupted run left to do of a chunk."""
    done = writer.done()
    while chunk.start < chunk.stop and chunk.number in done:
        chunk = chunk.after(writer.events_in(chunk.number))
    return chunk if chunk.start < chunk.stop else None
