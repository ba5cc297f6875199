"""Event sets as bits: the quantised codes of an autoencoder, written by a range coder.

A file is one line, one of JSON, then blocks of events: three lengths, the codes, and the columns
that the model does not decode, without loss, as a shard of an event store.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from calovision.errors import DamagedError, InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events, concatenate
from calovision.events.geometry import Geometry
from calovision.events.shard_writing import shard_bytes
from calovision.events.shards import Shard
from calovision.events.store import EventStore, StoreWriter
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.code_law import CodeLaw
from calovision.models.reconstruct import decoded, encoded, information
from calovision.utils.files import atomic, check_folder_of
from calovision.utils.unreadable import reading

_MAGIC = b"calovision compressed events 1\n"
_BLOCK = 2000  #: events whose codes are written together
_LENGTHS = struct.Struct("<III")


@dataclass(frozen=True)
class Compressed:
    """What a compressed set takes, bits an event.

    Attributes:
        path: the file.
        events: in it.
        numbers: of the code of an event.
        written: bits of codes in the file.
        expected: bits by the law of codes, which a perfect coder would write.
        information: Kullback-Leibler divergence of codes from the prior, which coding with bits
            back (arXiv:1901.04866) would spend; infinite for an encoder that leaves nothing open.
        columns: bits of labels and other columns, kept without loss.
        zstd: the hits without loss: cells, channels and values as arrays, by zstd.
        parquet: the hits without loss as in our event stores.

    Example:
        >>> import calovision as cv, tempfile, pathlib
        >>> jets = cv.pretrained("jet-generator").generate(2, seed=3)
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "jets.cv"
        >>> cv.pretrained("jet-vae").compress(jets, file).numbers
        1024
    """

    path: Path
    events: int
    numbers: int
    written: float
    expected: float
    information: float
    columns: float
    zstd: float
    parquet: float

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return asdict(self) | {"path": str(self.path)}

    def __repr__(self) -> str:
        return (
            f"{self.events} events in {self.path}: {self.written:.0f} bits each for"
            f" {self.numbers} latent numbers ({self.parquet:.0f} without loss)"
        )


def law_of(task: AutoencoderTask) -> CodeLaw:
    """The law of a trained task's codes.

    Raises:
        InputError: it was trained before there were such.
    """
    if task.code_law is None:
        raise InputError("the model knows no law of its codes", "train it again")
    return task.code_law


def model_name(task: AutoencoderTask) -> str:
    """Tells models apart by their weights."""
    found = hashlib.sha256()
    for name, tensor in sorted(task.state_dict().items()):
        found.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return found.hexdigest()[:16]


def compress(
    out: Path, task: AutoencoderTask, events: EventSet, *, seed: int = 1, quiet: bool = False
) -> Compressed:
    """Write events as bits.

    Args:
        out: file to write.
        task: a trained autoencoder.
        events: of its geometry.
        seed: of what decompressing draws.
        quiet: no progress bar.

    Raises:
        InputError: images of another geometry, no law of codes, or ``out`` cannot be written.
    """
    task.check_geometry(events.geometry)
    law = law_of(task)
    check_folder_of(out)
    header = {"model": model_name(task), "seed": seed, "events": len(events)}
    header["geometry"] = task.geometry.to_dict()
    sums = dict.fromkeys(("written", "expected", "information", "columns", "zstd", "parquet"), 0.0)
    with atomic(out) as part, part.open("wb") as file:
        file.write(_MAGIC + json.dumps(header).encode() + b"\n")
        starts = range(0, len(events), _BLOCK)
        for start in tqdm(starts, "compress", disable=quiet, unit="block", leave=False):
            block = events[start : start + _BLOCK].load()
            symbols = law.symbols(encoded(task, block, True))
            code = law.written(symbols)
            rest = shard_bytes(_without_hits(block))
            file.write(_LENGTHS.pack(len(block), len(code), len(rest)) + code + rest)
            sums["written"] += 8 * len(code)
            sums["columns"] += 8 * len(rest)
            sums["expected"] += float(law.bits(symbols).sum())
            sums["information"] += float(information(task, block).sum())
            sums["zstd"] += 8 * _zstd(block)
            sums["parquet"] += 8 * len(shard_bytes(_of(block, {})))
    each = {k: v / max(len(events), 1) for k, v in sums.items()}
    return Compressed(out, len(events), len(law.step), **each)


def _of(events: Events, columns: dict[str, Any]) -> Events:
    """The same hits with other columns."""
    hits = events.cell, events.code, events.value
    return Events(events.geometry, events.offsets, *hits, columns)


def _without_hits(events: Events) -> Events:
    nothing = slice(0, 0)
    offsets = np.zeros(len(events) + 1, np.int64)
    hits = events.cell[nothing], events.code[nothing], events.value[nothing]
    return Events(events.geometry, offsets, *hits, events.columns)


def _zstd(events: Events) -> int:
    """Bytes of the hits as arrays, values byte by byte, which suits them best."""
    value = events.value.astype("<f4").view(np.uint8).reshape(-1, 4).T
    step = np.diff(events.cell, prepend=np.uint16(0))
    arrays = (np.diff(events.offsets).astype(np.uint16), step, events.code, value)
    codec = pa.Codec("zstd", compression_level=9)
    return sum(len(codec.compress(np.ascontiguousarray(a).tobytes())) for a in arrays)


def decompress(
    source: Path, task: AutoencoderTask, *, out: Path | None = None, quiet: bool = False
) -> Events | EventStore:
    """The events of a file, as the model reconstructs them from their quantised codes.

    Args:
        source: what :func:`compress` has written, with the same model.
        task: that model.
        out: folder of a set to write; by default events stay in memory.
        quiet: no progress bar.

    Raises:
        InputError: another kind of file, a damaged one, or one of another model.
    """
    with reading(source), source.open("rb") as file:
        header = _header(file, source)
        if header["model"] != (mine := model_name(task)):
            raise InputError(
                f"{source} was compressed by another model, {header['model']}, this is {mine}",
                "give the model that it was compressed by",
            )
        provenance = {"made_by": "decompress", "source": source.name, "model": mine}
        writer = None if out is None else StoreWriter(out, task.geometry, provenance=provenance)
        sets, bar = [], tqdm(total=header["events"], desc="decompress", disable=quiet, leave=False)
        with bar:
            for number, made in enumerate(_blocks(file, source, task, header)):
                bar.update(len(made))
                if writer is None:
                    sets.append(made)
                elif number not in writer.done():
                    writer.write(number, made)
    return concatenate(sets) if writer is None else writer.finish()


def _header(file: BinaryIO, source: Path) -> dict[str, Any]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise InputError(
            f"{source} holds no compressed events", "give a file of 'calovision compress'"
        )
    try:
        header = json.loads(file.readline(1 << 20))
        Geometry.from_dict(header["geometry"])
        if type(header["events"]) is not int or type(header["seed"]) is not int:
            raise ValueError
        str(header["model"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(source) from error
    return dict(header)


def _blocks(
    file: BinaryIO, source: Path, task: AutoencoderTask, header: dict[str, Any]
) -> Iterator[Events]:
    law, first = law_of(task), 0
    while first < header["events"]:
        lengths = file.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            raise _damaged(source)
        n, of_code, of_rest = _LENGTHS.unpack(lengths)
        code, rest = file.read(of_code), file.read(of_rest)
        columns = Shard(rest, f"of columns in {source}").read().columns if rest else {}
        if len(code) + len(rest) < of_code + of_rest or any(len(c) != n for c in columns.values()):
            raise _damaged(source)
        try:
            symbols = law.read(code, n)
        except (ValueError, AssertionError) as error:
            raise _damaged(source) from error
        made = decoded(task, law.codes(symbols), header["seed"], True, first)
        made.columns = columns | made.columns
        first += n
        yield made


def _damaged(source: Path) -> DamagedError:
    return DamagedError(f"{source} is damaged or truncated", "compress the events again")
