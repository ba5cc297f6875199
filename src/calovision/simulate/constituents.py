"""The generator-level constituents of jets: a truth list kept beside the images on request."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.simulate.generator import Jets, offsets_of

FIELDS = ("pdg", "pt", "eta", "phi", "energy")


@dataclass
class Constituents:
    """Stable particles clustered into each jet, jagged over jets.

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every jet.
        columns: ``pdg`` (int32 PDG identity), ``pt`` (GeV), ``eta``, ``phi`` (rad) and
            ``energy`` (GeV), each ``(particles,)``.
    """

    offsets: NDArray[np.int64]
    columns: dict[str, NDArray[np.generic]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: NDArray[np.int64]) -> Constituents:
        lengths = np.diff(self.offsets)[index]
        offsets = offsets_of(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[index] - offsets[:-1], lengths)
        return Constituents(offsets, {k: v[rows] for k, v in self.columns.items()})

    def parquet(self) -> bytes:
        """A Parquet file of one list column per quantity and one row per jet."""
        offsets = pa.array(self.offsets.astype(np.int32))
        lists = {k: pa.ListArray.from_arrays(offsets, pa.array(v)) for k, v in self.columns.items()}
        sink = io.BytesIO()
        pq.write_table(pa.table(lists), sink, compression="zstd", write_statistics=False)
        return sink.getvalue()


def constituents(jets: Jets) -> Constituents:
    """Pick the constituents of every jet from its collision's particles."""
    starts = jets.particles.offsets
    picked = []
    for event, slot in zip(jets.collision, jets.slot, strict=True):
        first, last = starts[event], starts[event + 1]
        picked.append(first + np.nonzero(jets.member[first:last] == slot)[0])
    rows = np.concatenate(picked) if picked else np.zeros(0, np.int64)
    return Constituents(
        offsets_of(np.array([len(p) for p in picked], np.int64)),
        {k: getattr(jets.particles, k)[rows] for k in FIELDS},
    )


def join(parts: list[Constituents]) -> Constituents:
    """Put the jets of several sets behind each other."""
    return Constituents(
        offsets_of(np.concatenate([np.diff(p.offsets) for p in parts])),
        {k: np.concatenate([p.columns[k] for p in parts]) for k in FIELDS},
    )
