"""Our electron/photon classifier: shares of energy, shower shapes and times of crystals.

Neither the beams nor, electrons having either charge, the solenoid tell left from right: crops may
be mirrored along eta and along phi.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import images_graph
from calovision.models.taggers.settings import TaggerTraining
from calovision.networks.crop_net import TIMED, CropNet
from calovision.training.onnx_graph import Graph
from calovision.training.settings import WIDEST
from calovision.utils.compiled import compiled

ROWS = 12  #: along eta, around the hottest crystal; a shower reaches no farther
NUMBERS = 3  #: logarithms of the summed energy and of 1 + hits, share of the energy beyond the rows
NEAR = 2 * TIMED + 1  #: crystals in a row and in a column whose times are seen
SOFTEST = 1e-3  #: GeV; sums below it count as this
TIME_UNIT = 0.25  #: image units; times well below it enter linearly


class CropNetConfig(TaggerTraining):
    """Our electron/photon classifier.

    Attributes:
        hidden: width of the last layers.
        dropout: share of the numbers that are dropped at random in training.
    """

    hidden: int = Field(256, ge=8, le=WIDEST)
    dropout: float = Field(0.1, ge=0, lt=1)


class CropTask(TaggerTask):
    """:class:`~calovision.networks.crop_net.CropNet` on crops of energy and time.

    Args:
        geometry: of the crops: energy (GeV), then time, which may be missing.
        config: width and dropout of the last layers.
    """

    scored: ClassVar[int] = 500

    def __init__(self, geometry: Geometry, config: CropNetConfig) -> None:
        network = CropNet(
            cols=geometry.cols, numbers=NUMBERS, hidden=config.hidden, dropout=config.dropout
        )
        super().__init__(geometry, network)

    def prepare(self, events: Events) -> Events:
        """See :func:`seen`; images are made batch by batch, since they take far more memory."""
        return seen(events)

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Shares, times and numbers; see :func:`network_inputs`."""
        n, rows, cols = len(chosen), self.geometry.rows, self.geometry.cols
        image = np.zeros((n, ROWS * cols + NEAR * NEAR), np.float32)
        hits = (prepared.offsets, prepared.code, prepared.cell, prepared.value)
        _draw(image, chosen, *hits, _places(rows, cols))
        both = torch.from_numpy(image)
        share = both[:, : ROWS * cols].view(n, ROWS, cols)
        time = both[:, ROWS * cols :].view(n, NEAR, NEAR)
        return share, time, torch.from_numpy(prepared.columns["numbers"][chosen])

    def augment(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        """Each crop mirrored along eta, along phi, both or neither."""
        *images, numbers = inputs
        for axis in (1, 2):
            turned = torch.rand(len(numbers), generator=generator, device=numbers.device) < 0.5
            images = [
                torch.where(turned[:, None, None], mirrored(image, axis), image) for image in images
            ]
        return *images, numbers

    def graphs(self) -> list[Graph]:
        """From crops to a probability."""
        return [images_graph(self, CropLogits(self))]


def seen(events: Events) -> Events:
    """The hits that the network looks at, with the values and numbers that it sees.

    They are those of :func:`network_inputs`, without making dense crops of all the events.
    """
    grid, owner, n = events.geometry, events.owner, len(events)
    of_time = events.code == 1
    scale = np.array([c.gev_per_unit for c in grid.channels], np.float32)
    value = events.value * scale[events.code]
    energy = np.where(of_time, 0, np.maximum(value, 0))
    share = energy / np.maximum(np.bincount(owner, energy, n), SOFTEST)[owner]
    kept = _places(grid.rows, grid.cols)[events.code, events.cell] >= 0
    within = kept & ~of_time
    # Times count where there is energy.
    crystal = owner * grid.cells + events.cell
    timed = np.flatnonzero(kept & of_time)
    kept[timed] = np.isin(crystal[timed], crystal[energy > 0], assume_unique=True)
    numbers = [
        np.log(np.maximum(np.bincount(owner, energy, n), SOFTEST)),
        np.log1p(np.bincount(owner[energy > 0], minlength=n)),
        1 - np.bincount(owner[within], share[within], n),
    ]
    shown = np.where(of_time, np.arcsinh(value / TIME_UNIT), share).astype(np.float32)
    columns = {"numbers": np.stack(numbers, 1).astype(np.float32)}
    return Events(grid, events.offsets, events.cell, events.code, shown, columns).keep(kept)


@compiled
def _draw(image, chosen, offsets, code, cell, value, places):  # type: ignore[no-untyped-def]
    """Put the hits of the ``chosen`` events in their places of ``image``, an event a row."""
    for k in range(len(chosen)):
        for h in range(offsets[chosen[k]], offsets[chosen[k] + 1]):
            image[k, places[code[h], cell[h]]] = value[h]


@lru_cache(maxsize=8)
def _places(rows: int, cols: int) -> NDArray[np.int64]:
    """``(2, rows * cols)`` where crystals' shares and times stand in the inputs; -1 for nowhere.

    Shares come first, row by row, then times; the hottest crystal is at the middle of both.
    """
    row, col = np.indices((rows, cols)) - np.array([rows // 2, cols // 2])[:, None, None]
    share = (row >= -(ROWS // 2)) & (row < ROWS - ROWS // 2)
    time = (np.abs(row) <= TIMED) & (np.abs(col) <= TIMED)
    places = np.full((2, rows, cols), -1)
    places[0, share] = np.arange(ROWS * cols)
    places[1, time] = ROWS * cols + np.arange(NEAR * NEAR)
    return places.reshape(2, -1)


def network_inputs(crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Network inputs of crops ``(n, 2, rows, cols)`` of energy (GeV) and time (image units).

    Those of energies alone are ``(n, 1, rows, cols)``; times are then 0.

    Shares ``(n, ROWS, cols)``, times of the crystals around the hottest one ``(n, 5, 5)``, and
    numbers ``(n, NUMBERS)``.
    """
    i, j = crops.shape[2] // 2, crops.shape[3] // 2
    seen = slice(i - ROWS // 2, i - ROWS // 2 + ROWS)
    energy = crops[:, 0].clamp(min=0)
    near = slice(i - TIMED, i + TIMED + 1), slice(j - TIMED, j + TIMED + 1)
    if crops.shape[1] > 1:
        time = (crops[:, 1, *near] / TIME_UNIT).asinh() * (energy[:, *near] > 0)
    else:  # energies alone are crops without times
        time = torch.zeros_like(energy[:, *near])
    total = energy.sum((1, 2)).clamp(min=SOFTEST)
    share = energy[:, seen] / total[:, None, None]
    hits = (energy > 0).sum((1, 2)).float()
    numbers = torch.stack([total.log(), hits.log1p(), 1 - share.sum((1, 2))], 1)
    return share, time, numbers


def mirrored(images: Tensor, axis: int) -> Tensor:
    """Images mirrored at the middle pixel, ``size // 2``, which stays where it is.

    On an even number of pixels the first one has no partner and stays too.
    """
    turned = images.flip(axis)
    return turned if images.shape[axis] % 2 else turned.roll(1, axis)


class CropLogits(nn.Module):
    """Our electron/photon classifier on dense crops in image units.

    Args:
        task: the trained classifier.
    """

    scale: Tensor

    def __init__(self, task: CropTask) -> None:
        super().__init__()
        self.network = task.network
        scale = torch.tensor([c.gev_per_unit for c in task.geometry.channels])
        self.register_buffer("scale", scale[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """``(n,)`` logits."""
        out: Tensor = self.network(*network_inputs(images * self.scale))
        return out


PRESETS = {
    ("egamma", "crop-net"): Preset(
        CropTask,
        CropNetConfig,
        "Ours: shapes of the shower, computed as a layer, with the energies and times of the core "
        "crystal by crystal and the profile along phi, through three hidden layers; mirror images, "
        "and the average of the weights over the last steps.",
        {
            "seed": 42,
            "validation": 0.2,
            "epochs": 100,
            "batch": 512,
            "learning_rate": 0.003,
            "weight_decay": 0.1,
            "schedule": "cosine",
            "ema": 0.999,
            "validate_every": 0,
        },
    ),
}
