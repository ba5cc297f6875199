"""Random event sets with the occupancy of the public CMS sets, for tests only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry

#: mean hits (track, ecal, hcal towers) of a gluon and of a quark jet in the public set
JET_OCCUPANCY = np.array([[83.0, 272.0, 18.0], [73.0, 220.0, 16.0]])
#: mean and width of (pt, m0) in GeV, gluon and quark
JET_PT = np.array([[114.0, 26.0], [118.0, 26.0]])
JET_M0 = np.array([[23.2, 6.8], [19.6, 6.1]])
CORE_FRACTION = 0.35  #: share of the hits that belong to the jet core, the rest is pile-up
CORE_PIXELS = 9.0  #: radius of the jet core
FIRST_EVENT_ID = 1_000_000


def toy_jets(n: int, seed: int) -> Events:
    """``n`` random jets: occupancy, spectra and columns like simulated ones, no correlations."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n).astype(np.int8)
    counts = rng.poisson(JET_OCCUPANCY[label] * rng.gamma(12.0, 1 / 12.0, (n, 1)))
    counts[:, 0] = np.maximum(counts[:, 0], 1)
    pt = np.maximum(rng.normal(*JET_PT[label].T), 40.0).astype(np.float32)
    m0 = np.maximum(rng.normal(*JET_M0[label].T), 4.0).astype(np.float32)
    columns: dict[str, NDArray[Any]] = {
        "label": label,
        "pt": pt,
        "m0": m0,
        "gen_pt": (pt * rng.normal(1.0, 0.1, n)).astype(np.float32),
        "gen_m0": (m0 * rng.normal(1.0, 0.1, n)).astype(np.float32),
        "parton_pt": (pt * rng.normal(1.1, 0.1, n)).astype(np.float32),
        "eta": rng.uniform(-1.5, 1.5, n).astype(np.float32),
        "phi": rng.uniform(-np.pi, np.pi, n).astype(np.float32),
        "n_pileup": rng.poisson(20.0, n).astype(np.int16),
        "event_id": FIRST_EVENT_ID + np.arange(n, dtype=np.int64) // 2,
    }
    grids = [_places(rng, counts[:, c], JET_IMAGES, c) for c in range(3)]
    return _assemble(rng, JET_IMAGES, grids, columns, (0.012, 0.0035, 0.0022))


def toy_crops(n: int, seed: int) -> Events:
    """``n`` random photon (0) / electron (1) crops: some 20 energies around the middle, times."""
    rng = np.random.default_rng(seed)
    columns: dict[str, NDArray[Any]] = {"label": rng.integers(0, 2, n).astype(np.int8)}
    energies = _places(rng, rng.poisson(20.0, n) + 1, EGAMMA_CROPS, 0, core_pixels=3.0)
    return _assemble(rng, EGAMMA_CROPS, [energies, energies], columns, (0.05, 1.0))


def _places(
    rng: np.random.Generator,
    counts: NDArray[np.int64],
    geometry: Geometry,
    channel: int,
    core_pixels: float = CORE_PIXELS,
) -> list[NDArray[np.int64]]:
    """Distinct sorted central pixels of the hits of every event in one channel."""
    block = geometry.channels[channel].block
    side = geometry.rows // block
    places = []
    for count in counts:
        core = rng.normal(side / 2, core_pixels / block, (int(count * CORE_FRACTION) + 1, 2))
        rest = rng.uniform(0, side, (max(int(count) - len(core), 0), 2))
        grid = np.clip(np.concatenate([core, rest]).astype(np.int64), 0, side - 1)[:count]
        pixel = grid * block + block // 2
        places.append(np.unique(pixel[:, 0] * geometry.cols + pixel[:, 1]))
    return places


def _assemble(
    rng: np.random.Generator,
    geometry: Geometry,
    grids: list[list[NDArray[np.int64]]],
    columns: dict[str, NDArray[Any]],
    scales: tuple[float, ...],
) -> Events:
    """Order the hits by (event, code, cell) and draw their values."""
    n = len(columns["label"])
    cells, codes = [], []
    for i in range(n):
        for channel, grid in enumerate(grids):
            cells.append(grid[i])
            codes.append(np.full(len(grid[i]), channel, np.uint8))
    lengths = np.array([len(c) for c in cells], np.int64).reshape(n, len(grids)).sum(axis=1)
    code = np.concatenate([*codes, np.empty(0, np.uint8)])
    scale = np.array(scales)[code]
    energy = scale * rng.lognormal(0.0, 1.0, len(code))
    time = np.clip(rng.normal(0.0, 0.4, len(code)), -2.5, 2.3)
    signed = np.array([c.signed for c in geometry.channels])[code]
    return Events(
        geometry,
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([*cells, np.empty(0, np.int64)]).astype(np.uint16),
        code,
        np.where(signed, time, energy).astype(np.float32),
        columns,
    )


def write_hdf5(path: Path, events: Events, dtype: str = "f4", **storage: Any) -> Path:
    """Write events as a file in the public schema, independently of the package's export."""
    dense = events.to_dense("image").transpose(0, 2, 3, 1).astype(dtype)
    jets = events.geometry.schema == "jets"
    with h5py.File(path, "w") as file:
        file.create_dataset("X_jets" if jets else "X", data=dense, **storage)
        file["y"] = events.label.astype("f8")
        for name in ("m0", "pt") if jets else ():
            file[name] = events.columns[name]
    return path


def write_parquet(path: Path, events: Events, group: int = 1, layout: str = "first") -> Path:
    """Write jets as nested lists, channels first, one row a row group as in the public files."""
    dense = events.to_dense("image").astype("f8")
    if layout == "last":
        dense = dense.transpose(0, 2, 3, 1)
    table = pa.table(
        {
            "X_jets": pa.array([image.tolist() for image in dense]),
            "pt": events.columns["pt"].astype("f8"),
            "m0": events.columns["m0"].astype("f8"),
            "y": events.label.astype("f4"),
        }
    )
    pq.write_table(table, path, row_group_size=group, compression="snappy")
    return path
