"""The generator-level constituents of jets: a truth list kept beside the images on request."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.simulation.generator import Jets, charge

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

    def shapes(self) -> dict[str, NDArray[np.generic]]:
        """Shapes of the jets before the detector and without pile-up, ``(n,)`` each.

        ``gen_n_charged`` and ``gen_n`` (int16): charged and all constituents; ``gen_girth`` (rad)
        the mean distance, weighted by pt, to their pt-weighted centre; ``gen_ptd``
        ``sqrt(sum pt^2) / sum pt`` (arXiv:1408.3122).
        """
        n, counts = len(self), np.diff(self.offsets)
        owner = np.repeat(np.arange(n), counts)
        pt, eta = (np.asarray(self.columns[k], np.float64) for k in ("pt", "eta"))
        first = np.asarray(self.columns["phi"])[np.minimum(self.offsets[:-1], max(len(pt) - 1, 0))]
        phi = np.asarray(self.columns["phi"], np.float64) - (first[owner] if len(pt) else 0.0)
        phi = (phi + np.pi) % (2 * np.pi) - np.pi
        total = np.maximum(np.bincount(owner, pt, n), 1e-9)
        centre = [np.bincount(owner, pt * x, n) / total for x in (eta, phi)]
        distance = np.hypot(eta - centre[0][owner], phi - centre[1][owner])
        charged = charge(np.asarray(self.columns["pdg"], np.int32)) != 0
        return {
            "gen_n_charged": np.bincount(owner, charged, n).astype(np.int16),
            "gen_n": counts.astype(np.int16),
            "gen_girth": (np.bincount(owner, pt * distance, n) / total).astype(np.float32),
            "gen_ptd": (np.sqrt(np.bincount(owner, pt**2, n)) / total).astype(np.float32),
        }

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
