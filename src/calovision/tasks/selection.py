"""Keep the generated events that true ones outnumber: rejection by a density ratio.

A network that tells generated from true events gives the ratio of their densities
(arXiv:1406.2661); accepting each generated event with a probability proportional to it leaves the
true distribution, as far as the network sees (arXiv:1810.06758; for simulated collisions,
arXiv:2009.03796). Where the ratio is above its limit the probability stays at one; the limit is
high, but for poor generators, of which too few events would be left.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.networks.perceptron import perceptron
from calovision.tasks.likeness_features import features
from calovision.tasks.totals import GRID, Quantiles

WIDTH = 128  #: of the network's two hidden layers
DROPOUT = 0.1  #: share of the hidden numbers left out in training
HELD = 0.15  #: share of both samples on which the network is chosen and its limit found
LIMITS = (0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1)  #: shares of generated events below the limit
LEAST = 0.2  #: share of the generated events that is kept at least; the first limit that does
BATCH = 256  #: events of each kind in a step
EPOCHS = 60  #: passes over the generated events
RATE = 1e-3  #: learning rate at the start, falling as a cosine
ROUNDS = 200  #: of proposals before a request is given up
SPARE = 1.1  #: more events than needed are proposed by this factor: a further round is slow
LOOK = 100  #: steps between looks at the held-out events


class Selection(nn.Module):
    """Which generated events to keep.

    Args:
        inputs: numbers of :func:`~calovision.tasks.likeness_features.features`.
    """

    knots: Tensor
    limit: Tensor
    efficiency: Tensor

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.network = perceptron([inputs, WIDTH, WIDTH, 1], _Thinned)
        self.register_buffer("knots", torch.zeros(inputs, len(GRID), dtype=torch.float64))
        self.register_buffer("limit", torch.tensor(0.0))
        self.register_buffer("efficiency", torch.tensor(1.0))

    @torch.no_grad()
    def log_ratio(self, events: Events) -> NDArray[np.float64]:
        """``(n,)`` logarithm of the true over the generated density."""
        self.eval()
        return self._of(self._normal(features(events)))

    def keep(self, events: Events, rng: np.random.Generator) -> NDArray[np.bool_]:
        """``(n,)`` which of the generated ``events`` to keep."""
        chance = np.exp(np.minimum(self.log_ratio(events) - float(self.limit), 0))
        kept: NDArray[np.bool_] = rng.random(len(events)) < chance
        return kept

    def selected(
        self, propose: Callable[[int], Events], n: int, rng: np.random.Generator
    ) -> Events:
        """``n`` of the events that ``propose`` makes, asked for so many at a time.

        Raises:
            InputError: hardly any is kept.
        """
        kept: list[Events] = []
        missing = n
        for _ in range(ROUNDS):
            made = propose(int(SPARE * missing / float(self.efficiency)) + 1)
            kept.append(made[np.flatnonzero(self.keep(made, rng))])
            missing -= len(kept[-1])
            if missing <= 0:
                return concatenate(kept)[:n]
        raise InputError(
            "hardly any event that is generated so is like a true one", "widen the range"
        )

    def fit(self, true: Events, made: Events, seed: int) -> None:
        """Learn from true and from generated events.

        Args:
            true: events of the training.
            made: generated ones, none of them selected; a hundred at least of both.
            seed: of weights and batches.
        """
        rng = np.random.default_rng(seed)
        tables = [features(events)[rng.permutation(len(events))] for events in (true, made)]
        self.network.requires_grad_(True)  # averages of weights that are kept do not ask for it
        self.knots.copy_(torch.from_numpy(Quantiles.of(tables[0].astype(np.float64)).knots))
        normal = [self._normal(table) for table in tables]
        held = [x[: int(HELD * len(x))] for x in normal]
        seen = [x[int(HELD * len(x)) :] for x in normal]
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)
            for layer in self.network:
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()
            self._learn(seen, held, rng)
        ratio = self._of(held[1])
        for share in LIMITS:
            self.limit.fill_(float(np.quantile(ratio, share)))
            self.efficiency.fill_(float(np.exp(np.minimum(ratio - float(self.limit), 0)).mean()))
            if self.efficiency >= LEAST:
                break

    def _learn(self, seen: list[Tensor], held: list[Tensor], rng: np.random.Generator) -> None:
        """Train on events of both kinds, true first; keep what is best on the held-out ones."""
        steps = max(EPOCHS * len(seen[1]) // BATCH, 1)
        optimiser = torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=0.05)
        best, kept = math.inf, copy.deepcopy(self.network.state_dict())
        for step in range(1, steps + 1):
            self.network.train()
            optimiser.param_groups[0]["lr"] = RATE * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            loss = self._loss([x[rng.integers(len(x), size=BATCH)] for x in seen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if step % LOOK == 0 or step == steps:
                self.network.eval()
                with torch.no_grad():
                    value = float(self._loss(held))
                if value < best:
                    best, kept = value, copy.deepcopy(self.network.state_dict())
        self.network.load_state_dict(kept)
        self.network.eval()

    def _loss(self, samples: list[Tensor]) -> Tensor:
        """Cross entropy, nats, both kinds weighing the same."""
        true, made = (self.network(x)[:, 0] for x in samples)
        return (F.softplus(-true).mean() + F.softplus(made).mean()) / 2

    def _normal(self, table: NDArray[np.float32]) -> Tensor:
        """Features as normal numbers; those that hardly differ as they are."""
        normal = Quantiles(self.knots.numpy()).normal(table.astype(np.float64))
        return torch.from_numpy(normal.astype(np.float32))

    @torch.no_grad()
    def _of(self, normal: Tensor) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.network(normal)[:, 0].double().numpy()
        return found


class _Thinned(nn.Sequential):
    """The activation, with dropout."""

    def __init__(self) -> None:
        super().__init__(nn.SiLU(), nn.Dropout(DROPOUT))
