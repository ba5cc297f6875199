"""A task in training: steps, learning rate, average of the weights, budget and exact state."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from calovision.training.batches import ahead
from calovision.training.devices import seeded, to_device
from calovision.training.distributed import ProcessGroup, gathered, largest, total
from calovision.training.minimise import averaged, cosine
from calovision.training.settings import Training
from calovision.training.task import Batch, Task
from calovision.utils import streams

DIVERGED_STEPS = 5  #: losses without a number, one after the other, after which a training ends
UNREAD_STEPS = 10  #: steps of a GPU whose losses are read together
LAST_VALIDATION_SHARE = 0.05  #: share of the budget that is left to the last validation


class Learner(nn.Module):
    """Trains a task with the learning rate's schedule of its settings.

    Progress is the larger of steps done over steps planned and time spent over the budget, so that
    the schedule always ends; within the budget a training is determined by its seed.

    Args:
        task: what is trained.
        config: its settings.
        steps: planned for the whole training.
        group: the processes that train together.

    Attributes:
        step: steps done.
        spent_s: seconds spent, by the slowest process.
        validated: step of the last validation.
        validation_s: seconds spent on validation.
        data_s: seconds in which steps waited for their batches, in this process.
        best: lowest validation loss so far.
        waited: validations since then.
        untrained: validation loss of a few events before the first step, where it is judged by.
        sums: losses of the steps since the last validation.
    """

    def __init__(
        self, task: Task, config: Training, steps: int, group: ProcessGroup | None = None
    ) -> None:
        super().__init__()
        self.task: Task = task
        self.average: Task | None = None
        if config.ema:
            # Not a module of this one, of which only the weights are kept.
            self._averaged = (averaged(task, config.ema, config.ema_young),)
            self.average = cast(Task, self._averaged[0].module)
        self.config, self.steps, self.group = config, steps, group or ProcessGroup()
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimiser]
        self.optimiser = kind(
            task.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.plateau: torch.optim.lr_scheduler.ReduceLROnPlateau | None = None
        if config.schedule == "plateau":
            self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
                self.optimiser, patience=config.plateau
            )
        # Not a module of this one: its weights are the task's.
        self._network = (self.group.data_parallel(_Loss(task)),)
        self.step, self.validated, self.waited, self.most_parts = 0, 0, 0, 0
        self.spent_s, self.validation_s, self.cpu_before_s = 0.0, 0.0, 0.0
        self.data_s = 0.0
        self.best, self.last_loss = math.inf, math.nan
        self.untrained: float | None = None
        self.sums: dict[str, list[float]] = {}
        self._unread: list[dict[str, Tensor]] = []
        self._cpu, self._clock = time.process_time(), time.monotonic()

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, in [0, 1]."""
        time_for_steps = self.config.budget_s * (1 - LAST_VALIDATION_SHARE)
        return min(max(self.step / self.steps, self.spent_s / time_for_steps), 1.0)

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to learn from."""
        return self.progress >= 1.0 or 0 < self.config.patience <= self.waited

    @property
    def diverged(self) -> bool:
        """Whether the last steps gave no numbers any more, from which no step comes back."""
        last = self.sums.get("loss", [])[-DIVERGED_STEPS:]
        return len(last) == DIVERGED_STEPS and not any(map(math.isfinite, last))

    @property
    def cpu_s(self) -> float:
        """CPU time of this process since it began, and of what it went on from."""
        return self.cpu_before_s + time.process_time() - self._cpu

    @property
    def kept(self) -> Task:
        """The task that is validated and kept: its weights, or their average."""
        return self.average or self.task

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimiser.param_groups[0]["lr"])

    def tick(self, begun: float | None = None, most: float = math.inf) -> None:
        """Count the time since the last call, or since ``begun``, but at most ``most`` seconds."""
        now = time.monotonic()
        since = self._clock if begun is None else begun
        # All processes must agree on it: it decides the learning rate and when to stop.
        self.spent_s = largest(self.spent_s + min(now - since, most))
        self._clock = now

    def learn(self, batch: Batch) -> None:
        """One step; its noise depends on the seed, the step and the process alone."""
        if self.config.schedule == "cosine":
            warm = min(1.0, (self.step + 1) / max(self.config.warmup, 1))
            factor = warm * (cosine(self.progress) + 0.005)
            for group in self.optimiser.param_groups:
                group["lr"] = self.config.learning_rate * factor
        noise = self.noise(self.step, self.group.rank)
        place, device = (self.step, self.group.rank), self.task.device
        with seeded(streams.Stream.DROPOUT, self.config.seed, *place, device=device):
            parts: dict[str, Tensor] = self._network[0](to_device(batch, device), noise)
        self.optimiser.zero_grad()
        parts["loss"].backward()  # type: ignore[no-untyped-call]
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.task.parameters(), self.config.clip)
        self.optimiser.step()
        self.step += 1
        self._remember(parts)
        if self.average is not None:
            self._averaged[0].n_averaged.fill_(self.step)
            self._averaged[0].update_parameters(self.task)
        self.tick()

    def _remember(self, parts: dict[str, Tensor]) -> None:
        """Keep the losses of a step for the training log.

        To read them is to wait for a GPU: that is done for some steps at a time.
        """
        self._unread.append({name: value.detach() for name, value in parts.items()})
        if self.task.device.type == "cpu" or len(self._unread) >= UNREAD_STEPS:
            self.read()

    def read(self) -> None:
        """Read the losses of the last steps into ``sums``."""
        for parts in self._unread:
            self.last_loss = float(parts["loss"])
            self.most_parts = max(self.most_parts, len(parts))
            for name, value in parts.items():
                # The loss of a batch that lacks some parts does not compare with that of others.
                if name != "loss" or len(parts) == self.most_parts:
                    self.sums.setdefault(name, []).append(float(value))
        self._unread = []

    @torch.no_grad()
    def validate(self, validation: Any) -> dict[str, float]:
        """Mean loss of validation batches and its parts, with the same noise every time."""
        before = {module: module.training for module in self.kept.modules()}
        self.kept.eval()
        found: dict[str, list[float]] = {}
        makers = (partial(validation.__getitem__, i) for i in range(len(validation)))
        batches = ahead(makers, self.task.device)
        for number, batch in batches:
            noise = streams.torch_rng(
                streams.Stream.VALIDATION, self.config.seed, number, device=self.task.device
            )
            batch = to_device(batch, self.task.device)
            for name, value in self.kept.loss(batch, noise).items():
                found.setdefault(name, []).append(float(value))
        for module, mode in before.items():
            module.training = mode
        return {name: float(np.mean(values)) for name, values in gathered(found).items()}

    def judge(self, loss: float) -> bool:
        """Record a validation loss; whether it is the best so far."""
        first = math.isinf(self.best)
        self.validated, self.sums = self.step, {}
        better = loss < self.best or first
        self.waited = 0 if loss < self.best else self.waited + 1
        if better:
            self.best = loss if math.isfinite(loss) else math.inf
        if not math.isfinite(loss) and self.config.patience:
            self.waited = self.config.patience
        if self.plateau is not None:
            self.plateau.step(loss)
        return better

    def noise(self, step: int, rank: int = 0) -> torch.Generator:
        """Generator of the noise of one step in process ``rank``."""
        return streams.torch_rng(
            streams.Stream.NOISE, self.config.seed, step, rank, device=self.task.device
        )

    def state(self) -> dict[str, Any]:
        """All that a training goes on from, between two steps; every process must ask for it."""
        self.read()
        return {
            "state_dict": self.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "plateau": self.plateau and self.plateau.state_dict(),
            "global_step": self.step,
            "looked": self.validated,
            "waited": self.waited,
            "best": self.best,
            "untrained": self.untrained,
            "most_parts": self.most_parts,
            "sums": gathered(self.sums),
            "spent_s": self.spent_s,
            "looking_s": self.validation_s,
            "data_s": self.data_s,
            "cpu_s": total(self.cpu_s),
        }

    def go_on(self, state: dict[str, Any]) -> None:
        """Take up a state; the first process keeps what was summed over all."""
        self.load_state_dict(state["state_dict"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.plateau is not None:
            self.plateau.load_state_dict(state["plateau"])
        self.step, self.validated, self.waited = (
            state[name] for name in ("global_step", "looked", "waited")
        )
        self.best, self.most_parts = state["best"], state["most_parts"]
        self.untrained = state["untrained"]
        self.spent_s, self.validation_s = state["spent_s"], state["looking_s"]
        if self.group.rank == 0:
            self.sums, self.cpu_before_s = state["sums"], state["cpu_s"]
            self.data_s = state.get("data_s", 0.0)

    def count_from(self, spent: dict[str, Any]) -> None:
        """Count on from what an earlier training took, whose state was not kept."""
        self.step = self.validated = int(spent["steps"])
        self.spent_s = float(spent["wall_s"])
        if self.group.rank == 0:
            self.cpu_before_s = float(spent["cpu_s"])


class _Loss(nn.Module):
    """The loss of a task as a module, which is what processes can share."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def forward(self, batch: Batch, noise: torch.Generator) -> dict[str, Tensor]:
        return self.task.loss(batch, noise)
