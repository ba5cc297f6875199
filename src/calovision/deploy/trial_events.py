"""Random events on which an exported model is tried: full, sparse and empty ones."""

from __future__ import annotations

import numpy as np

from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.utils import streams

MAX_HITS = 400  #: hits of a channel, about, with small readout cells
TRIALS = 16  #: events; the second has one hit, the third is empty


def trial_events(geometry: Geometry, seed: int) -> Events:
    """:data:`TRIALS` events of every kind that may come: hits anywhere, energies of all sizes."""
    rng = streams.rng(streams.Stream.TRIAL, seed)
    cells, codes, owners = [], [], []
    for event in range(TRIALS):
        for code, channel in enumerate(geometry.channels):
            rows, cols = geometry.rows // channel.block, geometry.cols // channel.block
            # Close together on the grid, many hits are equally far from others.
            first = rows // 3 if event % 2 else 0
            rows, cols = rows - 2 * first, cols - 2 * first
            most = min(MAX_HITS // channel.block, rows * cols // 2)
            number = int(most ** rng.uniform(0, 1))
            if event in (1, 2):
                number = int(event == 1 and code == 0)
            chosen = rng.choice(rows * cols, number, replace=False)
            row, col = np.divmod(np.sort(chosen), cols)
            row, col = row + first, col + first
            middle = channel.block // 2
            place = (row * channel.block + middle) * geometry.cols + col * channel.block + middle
            cells.append(place)
            codes.append(np.full(number, code))
            owners.append(np.full(number, event))
    cell, layer = np.concatenate(cells), np.concatenate(codes)
    gev = np.exp(rng.normal(-0.5, 1.2, len(cell)))
    signed = np.array([c.signed for c in geometry.channels])[layer]
    gev = np.where(signed, rng.normal(0, 0.3, len(cell)), gev)
    scale = np.array([c.block**2 * c.gev_per_unit for c in geometry.channels])[layer]
    counts = np.bincount(np.concatenate(owners), minlength=TRIALS)
    return Events(
        geometry,
        offsets_of(counts),
        cell.astype(np.uint16),
        layer.astype(np.uint8),
        (gev / scale).astype(np.float32),
        {
            "label": np.arange(TRIALS, dtype=np.int8) % 2,
            "pt": rng.uniform(60, 200, TRIALS).astype(np.float32),
            "m0": rng.uniform(8, 40, TRIALS).astype(np.float32),
        },
    )
