"""An autoencoder whose decoder is a generator: the strongest hits are told, others drawn.

The code of a jet is what :mod:`.hits_code` keeps of it; all else is drawn from the law of the
generator of hits, given what is kept, so that a reconstruction obeys the rules of the read-out at
any size of the code, and that law is a prior from which whole jets can be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.hits_code import HIDDEN, HitsCode
from calovision.models.autoencoders.hits_decoder import jets_of
from calovision.models.generators.hits.task import PRESETS as GENERATORS
from calovision.models.generators.hits.task import HitsConfig, HitsTask
from calovision.models.generators.hits.tokens import KINDS, HitsDataset, events_of
from calovision.models.generators.sequences import COLUMNS, ETA
from calovision.models.preset import Preset
from calovision.training.weights import tensor_of


class HitsVAEConfig(HitsConfig):
    """Settings of the autoencoder of hits, beside those of the generator.

    Attributes:
        latent: numbers in a code, at most; they decide how many hits are told, and nothing of the
            training.
    """

    latent: int = Field(1024, ge=48, le=100_000)


class HitsVAETask(AutoencoderTask, HitsTask):
    """Training and use of the autoencoder of hits."""

    config: HitsVAEConfig

    def __init__(self, geometry: Geometry, config: HitsVAEConfig, columns: tuple[str, ...]) -> None:
        HitsTask.__init__(self, geometry, config, columns)
        self.code_law = None

    @classmethod
    def from_state(
        cls, config: HitsConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        assert isinstance(config, HitsVAEConfig)
        learned = tensor_of(state, "learned", 1).tolist()
        columns = tuple(n for n, there in zip(COLUMNS, learned, strict=True) if there)
        task = cls(geometry, config, columns)
        task.take(state)
        return task

    @property
    def code(self) -> HitsCode:
        """How jets become codes."""
        return HitsCode(self.read_out, self.jets.columns, self.config.latent)

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.code.size

    def dataset(self, events: Events) -> HitsDataset:
        """Objects and numbers of jets, which need no class nor columns that no detector sees.

        Raises:
            InputError: another column is missing.
        """
        absent = {"label", *self.jets.columns} - events.columns.keys()
        for name in absent & set(self.code.columns):
            raise InputError(f"the events have no column {name}", "give events with it")
        nothing = dict.fromkeys(absent, np.zeros(len(events), np.int8))
        hits = events.cell, events.code, events.value
        columns = nothing | events.columns
        return super().dataset(Events(events.geometry, events.offsets, *hits, columns))

    def codes(self, dataset: HitsDataset, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Codes, and deviations as of numbers that are rounded."""
        code = self.code
        found, used = code.of(dataset, chosen)
        std = np.where(used, code.precision() / math.sqrt(12), np.nan)
        mean, spread = (torch.from_numpy(x.astype(np.float32)) for x in (found, std))
        return mean.to(self.device), spread.to(self.device)

    def bits(self, dataset: HitsDataset, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(n,)`` information in codes, bits: by their law, for they leave nothing open."""
        if self.code_law is None:
            return np.full(len(chosen), np.inf)
        codes, _ = self.codes(dataset, chosen)
        return self.code_law.bits(self.code_law.symbols(np.asarray(codes.cpu().numpy())))

    def decode(self, codes: Tensor, generator: torch.Generator) -> Events:
        """Jets with the hits that codes tell, the others drawn."""
        told = self.code.read(np.asarray(codes.cpu().numpy(), np.float64))
        events = events_of(jets_of(self, told, generator), self.read_out, self.geometry)
        for name in self.code.columns:
            column = told.numbers[:, self.jets.columns.index(name)]
            turned = column * told.side if name == ETA else column
            events.columns[name] = turned.astype(np.float32)
        return events

    def completed(self, numbers: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Classes ``(n,)`` and numbers ``(n, size)`` of jets, what no detector sees drawn.

        Hidden columns as a normal distribution of all numbers has them, given the others; classes
        as likely as the law of numbers makes them.
        """
        names = self.jets.columns
        hidden = [i for i, name in enumerate(names) if name.startswith(HIDDEN)]
        seen = [i for i in range(self.jets.size) if i not in hidden]
        label = torch.ones_like(numbers[:, 0])
        away = (self.jets.shown(label, numbers)[:, 1:] * self.jets.width)[:, seen]
        mix = self.jets.mix[seen]
        noise = torch.randn(numbers.shape, generator=random, device=numbers.device)
        # a draw of all numbers, moved so that those seen are what they are; some may be constant
        whole = np.asarray(mix.cpu().numpy(), np.float64)
        back = torch.from_numpy(np.linalg.pinv(whole @ whole.T)).to(mix)
        moved = (away - noise @ mix.T) @ back @ mix + noise
        drawn = (self.jets.centre + moved @ self.jets.mix.T)[:, hidden].exp()
        numbers = numbers.clone()
        numbers[:, hidden] = drawn
        return self._drawn_label(numbers, random), numbers

    def of_classes(self, numbers: Tensor) -> Tensor:
        """``(2, n)`` log-probability of the classes and of numbers ``(n, size)`` of jets."""
        half = numbers.new_full((len(numbers), 1 + KINDS), 0.5)
        label = torch.ones_like(numbers[:, 0])
        share = self.share.clamp(1e-6, 1 - 1e-6)
        laws = [
            self.jets.log_prob(label * k, numbers, half) + part.log()
            for k, part in enumerate((1 - share, share))
        ]
        return torch.stack(laws)

    def _drawn_label(self, numbers: Tensor, random: torch.Generator) -> Tensor:
        uniform = torch.rand(len(numbers), generator=random, device=numbers.device)
        return (uniform < self.of_classes(numbers).softmax(0)[1]).float()


PRESETS = {
    ("jet-vae", "hits"): Preset(
        HitsVAETask,
        HitsVAEConfig,
        "Numbers of the jet and its strongest hits, three numbers each; a transformer and a local"
        " network draw the others, given these, and whole jets as a prior.",
        GENERATORS["jet-generator", "hits"].values,
    ),
    ("jet-vae", "hits-small"): Preset(
        HitsVAETask,
        HitsVAEConfig,
        "As hits, with smaller networks, which learn and draw faster.",
        GENERATORS["jet-generator", "hits-small"].values,
    ),
}
