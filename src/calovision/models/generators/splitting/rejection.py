"""Rejection sampling by the density ratio of true and generated events.

A network that tells generated from true ones gives the ratio of their densities
(arXiv:1406.2661); accepting each generated one with a probability proportional to it leaves the
true distribution, as far as the network sees (arXiv:1810.06758; for simulated collisions,
arXiv:2009.03796). Where the ratio is above its limit the probability stays at one; the limit is
high, but for poor generators, of which too little would be left.

What a network gets slightly wrong would move the mean of every number a little. So the ratio is
multiplied by a factor for every number's bins until what is kept has its distribution in the
truth, limit and all: raking, or iterative proportional fitting (Deming and Stephan,
doi:10.1214/aoms/1177731829).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.special import ndtri
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.models.generators.splitting.config import Rejection
from calovision.models.generators.splitting.global_features import GRID, QuantileTransformer
from calovision.networks.perceptron import perceptron
from calovision.training.minimise import Losses, cosine, minimise
from calovision.utils import streams

MAX_ROUNDS = 200  #: of proposals before a request is given up
SPARE = 1.1  #: more events than needed are proposed by this factor: a further round is slow
EMPTY = 1e-6  #: share below which a bin counts as empty

Table = NDArray[np.float64]
Cells = NDArray[np.int64]


class DensityRatioRejection(nn.Module):
    """Which rows of a table of what was generated to keep.

    Args:
        inputs: numbers in a row, the first of which is a label, 0 or 1.
        config: of the classifier and of the factors.
    """

    knots: Tensor
    factors: Tensor
    edges: Tensor
    limit: Tensor
    efficiency: Tensor

    def __init__(self, inputs: int, config: Rejection) -> None:
        super().__init__()
        self.config, width, bins = config, config.width, config.bins
        activation = partial(_Thinned, config.dropout)
        self.network = perceptron([inputs, width, width, 1], activation)
        self.register_buffer("knots", torch.zeros(inputs, len(GRID), dtype=torch.float64))
        self.register_buffer("factors", torch.zeros(inputs, 2 * bins, dtype=torch.float64))
        self.register_buffer("edges", torch.full((bins - 1,), math.inf, dtype=torch.float64))
        self.register_buffer("limit", torch.tensor(0.0))
        self.register_buffer("efficiency", torch.tensor(1.0))

    @torch.no_grad()
    def log_ratio(self, table: Table) -> Table:
        """``(n,)`` logarithm of true over generated density of rows, up to a number for all."""
        self.eval()
        normal = self._normal(table)
        return self._of(normal) + self._factor(self._cells(table, normal))

    def keep(self, table: Table, rng: np.random.Generator) -> NDArray[np.bool_]:
        """``(n,)`` which of the generated rows ``(n, inputs)`` to keep."""
        chance = np.exp(np.minimum(self.log_ratio(table) - float(self.limit), 0))
        kept: NDArray[np.bool_] = rng.random(len(table)) < chance
        return kept

    def fit(
        self,
        true: Table,
        made: Table,
        seed: int,
        number: int = 0,
    ) -> None:
        """Learn from true and from generated rows.

        Args:
            true: ``(n, inputs)``, of the training.
            made: ``(m, inputs)`` generated, none of them selected; a hundred at least of both.
            seed: of weights and batches.
            number: of the selection, among those of a model.
        """
        config, rng = self.config, streams.rng(streams.Stream.SELECTION, seed, number)
        tables = [table[rng.permutation(len(table))] for table in (true, made)]
        self.network.requires_grad_(True)  # averages of weights that are kept do not ask for it
        self.knots.copy_(torch.from_numpy(QuantileTransformer.of(tables[0]).knots))
        normal = [self._normal(table) for table in tables]
        held = [x[: int(config.held_out * len(x))] for x in normal]
        seen = [x[int(config.held_out * len(x)) :] for x in normal]
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(streams.torch_seed(streams.Stream.SELECTION_WEIGHTS, seed, number))
            for layer in self.network:
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()
            self._learn(seen, held, rng)
        # On generated rows that the network was not trained on, for it knows those better; of true
        # ones, whose distribution alone is asked for, all are taken.
        bins = min(max(min(len(x) for x in held) // (2 * config.rows_per_bin), 1), config.bins)
        self.edges[: bins - 1] = torch.from_numpy(ndtri(np.linspace(0, 1, bins + 1)[1:-1]))
        ratio = self._of(held[1])
        cells = [
            self._cells(tables[0], normal[0]),
            self._cells(tables[1][: len(held[1])], held[1]),
        ]
        for share in config.limits:
            excess = self._rake(cells, ratio, share)
            self.efficiency.fill_(float(np.exp(np.minimum(excess, 0)).mean()))
            if self.efficiency >= config.min_kept:
                break

    def _rake(self, cells: list[Cells], ratio: Table, share: float) -> Table:
        """Find the factors with which what is kept is distributed as the truth, number by number.

        Args:
            cells: of true and of generated rows.
            ratio: ``(m,)`` logarithm of the ratio of generated rows, as the network sees it.
            share: of those below the limit.

        Returns:
            logarithm of their ratio over its limit, with the factors.
        """
        bins, most = self.config.bins, self.config.max_log_factor
        self.factors.zero_()
        factors, (true, made) = self.factors.numpy(), cells
        wanted = [np.bincount(column, minlength=2 * bins) / len(true) for column in true.T]
        for _ in range(self.config.sweeps):
            self.limit.fill_(float(np.quantile(ratio, share)))
            for j, much in enumerate(wanted):
                weight = np.exp(np.minimum(ratio - float(self.limit), 0))
                found = np.bincount(made[:, j], weight, 2 * bins) / weight.sum()
                step = np.log(np.maximum(much, EMPTY) / np.maximum(found, EMPTY))
                after = np.clip(factors[j] + step, -most, most)
                ratio = ratio + (after - factors[j])[made[:, j]]
                factors[j] = after
        return ratio - float(self.limit)

    def _cells(self, table: Table, normal: Tensor) -> Cells:
        """``(n, inputs)`` bin of every number, counted on for rows of label 1."""
        found = np.searchsorted(self.edges.numpy(), normal.numpy())
        return np.asarray(found + self.config.bins * (table[:, :1] > 0.5), np.int64)

    def _factor(self, cells: Cells) -> Table:
        """``(n,)`` logarithm of the product of a row's factors."""
        factors = self.factors.numpy()
        found: Table = factors[np.arange(len(factors)), cells].sum(1)
        return found

    def _learn(self, seen: list[Tensor], held: list[Tensor], rng: np.random.Generator) -> None:
        """Train on rows of both kinds, true first; keep what is best on the held-out ones."""
        config = self.config
        steps = max(int(config.epochs * len(seen[1])) // config.batch, 1)
        best, kept = math.inf, copy.deepcopy(self.network.state_dict())

        def loss(_: float) -> Losses:
            self.network.train()
            return self._loss([x[rng.integers(len(x), size=config.batch)] for x in seen]), {}

        def keep_the_best(step: int) -> None:
            nonlocal best, kept
            if step % config.validate_every == 0 or step == steps:
                self.network.eval()
                with torch.no_grad():
                    value = float(self._loss(held))
                if value < best:
                    best, kept = value, copy.deepcopy(self.network.state_dict())

        minimise(
            loss,
            torch.optim.AdamW(
                self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
            ),
            steps,
            schedule=lambda share: cosine(share + 1 / steps),
            after=keep_the_best,
        )
        self.network.load_state_dict(kept)
        self.network.eval()

    def _loss(self, samples: list[Tensor]) -> Tensor:
        """Cross entropy, nats, both kinds weighing the same."""
        true, made = (self.network(x)[:, 0] for x in samples)
        return (F.softplus(-true).mean() + F.softplus(made).mean()) / 2

    def _normal(self, table: Table) -> Tensor:
        """Rows as normal numbers; those that hardly differ as they are."""
        normal = QuantileTransformer(self.knots.numpy()).normal(table)
        return torch.from_numpy(normal.astype(np.float32))

    @torch.no_grad()
    def _of(self, normal: Tensor) -> Table:
        found: Table = self.network(normal)[:, 0].double().numpy()
        return found


class _Thinned(nn.Sequential):
    """The activation, with dropout."""

    def __init__(self, dropout: float) -> None:
        super().__init__(nn.SiLU(), nn.Dropout(dropout))


def selected(
    propose: Callable[[int], Events],
    keep: Callable[[Events], NDArray[np.bool_]],
    n: int,
    efficiency: float,
) -> Events:
    """``n`` of the events that ``propose`` makes, asked for so many at a time.

    Args:
        propose: makes events.
        keep: which of them to keep.
        n: wanted.
        efficiency: share that is kept, about.

    Raises:
        InputError: hardly any is kept.
    """
    kept: list[Events] = []
    missing = n
    for _ in range(MAX_ROUNDS):
        made = propose(int(SPARE * missing / efficiency) + 1)
        kept.append(made[np.flatnonzero(keep(made))])
        missing -= len(kept[-1])
        if missing <= 0:
            return concatenate(kept)[:n]
    raise InputError("hardly any event that is generated so is like a true one", "widen the range")
