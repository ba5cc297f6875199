"""One Lightning module for every task: schedule, logging and exact resumption."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from calovision.tasks.checkpoints import ENDED
from calovision.tasks.settings import Training
from calovision.tasks.task import Batch, Task

WARMUP_STEPS = 50  #: steps over which the learning rate rises
WAIT = 3  #: looks at the validation loss without improvement before the learning rate falls
YOUNG = 10.0  #: the average of the weights spans at most a tenth of the steps so far


class TrainingBatches(IterableDataset[Batch]):
    """An endless stream of shuffled batches; batch ``i`` depends on ``(seed, i)`` alone.

    Every new iteration begins at the step that ``step_now`` tells, so a training that looks at
    its validation loss now and then, or that goes on after an interruption, sees every batch that
    it would have seen in one go.
    """

    def __init__(
        self, task: Task, view: Any, batch: int, seed: int, step_now: Callable[[], int]
    ) -> None:
        self.task, self.view, self.seed, self.step_now = task, view, seed, step_now
        self.size = min(batch, len(view))

    def __iter__(self) -> Iterator[Batch]:
        per_epoch = max(len(self.view) // self.size, 1)
        step = self.step_now()
        epoch, order = -1, np.empty(0, np.int64)
        while True:
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                order = np.random.default_rng([self.seed, epoch]).permutation(len(self.view))
            first = step % per_epoch * self.size
            chosen = np.sort(order[first : first + self.size])
            yield self.task.training_batch(self.view, chosen, step)
            step += 1


class Learner(pl.LightningModule):
    """Trains a task with the learning rate's schedule of its settings.

    Progress is the larger of steps done over steps planned and time spent over the budget, so that
    the schedule always ends; within the budget a training is determined by its seed.
    """

    def __init__(self, task: Task, config: Training, steps: int) -> None:
        super().__init__()
        self.task: Task = task
        self.average: Task | None = copy.deepcopy(task) if config.ema else None
        self.config, self.steps = config, steps
        self.spent_s = 0.0
        self._clock = time.monotonic()
        self.sums: dict[str, list[float]] = {}
        self.most_parts, self.last_loss = 0, math.nan

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, in [0, 1]."""
        return min(max(self.global_step / self.steps, self.spent_s / self.config.budget_s), 1.0)

    @property
    def kept(self) -> Task:
        """The task that is validated and kept: its weights, or their average."""
        return self.average or self.task

    def configure_optimizers(self) -> Any:
        """Adam, and the scheduler of its learning rate where one follows the validation loss."""
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[self.config.optimiser]
        optimizer = kind(
            self.task.parameters(),
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            fused=True,
        )
        if self.config.schedule != "plateau":
            return optimizer
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=WAIT)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"},
        }

    def on_train_start(self) -> None:
        """Start the clock that the budget is measured by."""
        self._clock = time.monotonic()

    def _tick(self) -> None:
        now = time.monotonic()
        self.spent_s += now - self._clock
        self._clock = now

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """One step; its noise depends on the seed and the step alone."""
        if self.config.schedule == "cosine":
            warm = min(1.0, (self.global_step + 1) / WARMUP_STEPS)
            factor = warm * (0.5 * (1 + math.cos(math.pi * self.progress)) + 0.005)
            optimizer = self.optimizers()
            assert isinstance(optimizer, pl.core.optimizer.LightningOptimizer)
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * factor
        noise = self.noise(self.global_step)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(noise.initial_seed())  # dropout draws from the global state
            parts: dict[str, Tensor] = self.task.loss(batch, noise)
        self.last_loss = float(parts["loss"].detach())
        self.most_parts = max(self.most_parts, len(parts))
        for name, value in parts.items():
            # The loss of a batch that lacks some parts does not compare with that of others.
            if name != "loss" or len(parts) == self.most_parts:
                self.sums.setdefault(name, []).append(float(value.detach()))
        return parts["loss"]

    def on_train_batch_end(self, *args: Any) -> None:
        """Move the average; stop when the budget is spent or the planned steps are done."""
        if self.average is not None:
            self._move_average(self.average)
        self._tick()
        if self.progress >= 1.0:
            self.trainer.should_stop = True

    @torch.no_grad()
    def _move_average(self, average: Task) -> None:
        """One step of the average; at the beginning it forgets faster what was random."""
        keep = min(self.config.ema, 1 - 1 / (1 + self.global_step / YOUNG))
        for mean, now in zip(average.parameters(), self.task.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
        for kept, present in zip(average.buffers(), self.task.buffers(), strict=True):
            kept.copy_(present)

    def validation_step(self, batch: Batch, index: int) -> None:
        """Loss of a validation batch and its parts, with the same noise at every look."""
        parts: dict[str, Tensor] = self.kept.loss(batch, self.noise(index))
        for name, value in parts.items():
            self.log(f"val_{name}", value, batch_size=1)

    def on_validation_end(self) -> None:
        """Validation belongs to the budget too."""
        self._tick()

    def noise(self, step: int) -> torch.Generator:
        """Generator of the noise of one step."""
        seed = np.random.SeedSequence([self.config.seed, step]).generate_state(1)[0]
        return torch.Generator().manual_seed(int(seed))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the time spent, and whether this is the end."""
        checkpoint["spent_s"] = self.spent_s
        checkpoint[ENDED] = self.trainer.should_stop or self.progress >= 1.0

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the time already spent."""
        self.spent_s = checkpoint["spent_s"]
