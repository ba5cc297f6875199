"""Generators of images with other channels than the public ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Channel, Geometry
from calovision.events.store import save
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import build, suitable
from calovision.models.train import train

SMALL = {"width": 16, "head": 8, "flow": 16, "steps": 2, "select": 0}
HITS = {"track": 30, "ecal": 60, "hcal": 9, "muon": 4, "preshower": 20}  #: mean of a jet
GEV = {"track": 2.0, "ecal": 0.5, "hcal": 4.0, "muon": 30.0, "preshower": 0.1}  #: of a hit

#: pixels along the window, and along the cells of every channel
WINDOWS = {
    "muons behind the HCAL": (45, {"track": 1, "ecal": 1, "hcal": 5, "muon": 1}),
    "towers first": (45, {"hcal": 5, "muon": 9 * 5, "track": 1}),
    "three sizes": (45, {"muon": 15, "track": 1, "hcal": 3, "ecal": 1, "preshower": 3}),
    "towers alone": (45, {"hcal": 5, "ecal": 5}),
    "one channel": (32, {"ecal": 1}),
}


def images(size: int, blocks: dict[str, int], n: int) -> Events:
    """Random images: hits spread evenly, energies of a channel alike but for some per cent."""
    rng = np.random.default_rng(1)
    channels = [Channel(name, block, 10.0 + i) for i, (name, block) in enumerate(blocks.items())]
    geometry = Geometry("made-up", size, size, tuple(channels), "jets")
    cells, codes, values, lengths = [], [], [], []
    for _ in range(n):
        lengths.append(0)
        for c, channel in enumerate(channels):
            side = size // channel.block
            most = min(rng.poisson(HITS[channel.name]), side**2)
            row, col = np.divmod(np.sort(rng.choice(side**2, most, replace=False)), side)
            row, col = (x * channel.block + channel.block // 2 for x in (row, col))
            cells.append(row * size + col)
            codes.append(np.full(most, c))
            gev = GEV[channel.name] * rng.lognormal(0, 0.05, most)
            values.append(gev / channel.gev_per_unit / channel.block**2)
            lengths[-1] += most
    arrays = (np.concatenate(x) for x in (cells, codes, values))
    kinds = zip(arrays, (np.uint16, np.uint8, np.float32), strict=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    columns = {"label": (np.arange(n) % 2).astype(np.int8)}
    return Events(geometry, offsets, *(x.astype(kind) for x, kind in kinds), columns)  # type: ignore[arg-type]


def untrained(events: Events) -> CascadeTask:
    config = load_config("jet-generator", "cascade", overrides=SMALL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        task = build(config, events.geometry, events)
    assert isinstance(task, CascadeTask)
    task.chunk = 60  # type: ignore[misc]
    return task.eval()


@pytest.mark.parametrize("window", WINDOWS)
def test_every_channel_of_generated_images_is_like_the_true_one(window: str) -> None:
    """Numbers of hits and energies are drawn as they are, whatever the networks have learned."""
    events = images(*WINDOWS[window], 60)
    task = untrained(events)
    loss = task.loss(
        task.batch(task.dataset(events), np.arange(40)), torch.Generator().manual_seed(1)
    )
    assert torch.isfinite(loss["loss"])
    made = generated(task, 60, Request(), seed=1)
    assert made.geometry == events.geometry
    key = (made.owner * 16 + made.code) * made.geometry.cells + made.cell
    assert (np.diff(key) > 0).all()  # sorted, and no cell twice
    for c, channel in enumerate(events.geometry.channels):
        true, own = (x.counts()[:, c].mean() for x in (events, made))
        assert own == pytest.approx(true, rel=0.2)
        assert made.energy[made.channel == c].mean() == pytest.approx(GEV[channel.name], rel=0.1)
        mine = made.cell[made.channel == c].astype(int)
        for place in (mine // made.geometry.cols, mine % made.geometry.cols):
            assert (place % channel.block == channel.block // 2).all()


def test_the_order_of_channels_makes_no_difference() -> None:
    """The same images with channels in another order give the same generated images."""
    size, blocks = WINDOWS["muons behind the HCAL"]
    events = images(size, blocks, 40)
    swapped = tuple(events.geometry.channels[c] for c in (2, 0, 1, 3))
    code = np.array([1, 2, 0, 3], np.uint8)[events.code]
    order = np.lexsort((events.cell, code, events.owner))
    other = replace(
        events,
        geometry=replace(events.geometry, channels=swapped),
        **{k: getattr(events, k)[order] for k in ("cell", "value")},
        code=code[order],
    )
    made, again = (generated(untrained(e), 30, Request(), seed=3) for e in (events, other))
    np.testing.assert_array_equal(made.to_dense(), again.to_dense()[:, [1, 2, 0, 3]])


@pytest.mark.parametrize("model", ["cascade", "baseline"])
def test_times_are_refused_before_anything_is_written(model: str, tmp_path: Path) -> None:
    events = images(32, {"ecal": 1}, 40)
    time = Channel("time", signed=True)
    geometry = replace(events.geometry, channels=(*events.geometry.channels, time))
    store = save(replace(events, geometry=geometry), tmp_path / "set", provenance={})
    with pytest.raises(InputError, match="'time' may be negative"):
        train(load_config("jet-generator", model), store, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "cols", "blocks", "problem"),
    [(32, 64, (1, 1), "square images, not 32 x 64"), (15, 15, (3, 5), "cells of 3 pixels")],
)
def test_windows_that_cannot_be_halved_are_refused(
    rows: int, cols: int, blocks: tuple[int, ...], problem: str
) -> None:
    channels = tuple(Channel(f"c{i}", block) for i, block in enumerate(blocks))
    geometry = Geometry("made-up", rows, cols, channels, "jets")
    with pytest.raises(InputError, match=problem):
        suitable(load_config("jet-generator", "cascade"), geometry)
