"""One Lightning module for every task: schedule, logging and exact resumption."""

from __future__ import annotations

import copy
import math
import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from calovision import streams
from calovision.tasks.checkpoints import ENDED
from calovision.tasks.settings import Training
from calovision.tasks.task import Batch, Task

WARMUP_STEPS = 50  #: steps over which the learning rate rises
WAIT = 3  #: looks at the validation loss without improvement before the learning rate falls
YOUNG = 10.0  #: the average of the weights spans at most a tenth of the steps so far


class Learner(pl.LightningModule):
    """Trains a task with the learning rate's schedule of its settings.

    Progress is the larger of steps done over steps planned and time spent over the budget, so that
    the schedule always ends; within the budget a training is determined by its seed.
    """

    def __init__(self, task: Task, config: Training, steps: int) -> None:
        super().__init__()
        self.task: Task = task
        self.average: Task | None = None
        if config.ema:
            # It follows the weights: no gradient shall be waited for.
            self.average = copy.deepcopy(task).requires_grad_(False)
        self.config, self.steps = config, steps
        self.spent_s, self.cpu_before_s = 0.0, 0.0
        self._cpu = time.process_time()
        self._clock = time.monotonic()
        self.sums: dict[str, list[float]] = {}
        self.most_parts, self.last_loss = 0, math.nan

    @property
    def progress(self) -> float:
        """Fraction of the training that is done, in [0, 1]."""
        return min(max(self.global_step / self.steps, self.spent_s / self.config.budget_s), 1.0)

    @property
    def cpu_s(self) -> float:
        """CPU time of this process since it began, and of what it went on from."""
        return self.cpu_before_s + time.process_time() - self._cpu

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
        """Count the time since the last look at the clock, of the slowest process."""
        now = time.monotonic()
        spent = torch.tensor(self.spent_s + now - self._clock, dtype=torch.float64)
        # All processes must agree on it: it decides the learning rate and when to stop.
        self.spent_s = float(self.trainer.strategy.reduce(spent, reduce_op="max"))
        self._clock = now

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """One step; its noise depends on the seed, the step and the process alone."""
        if self.config.schedule == "cosine":
            warm = min(1.0, (self.global_step + 1) / WARMUP_STEPS)
            factor = warm * (0.5 * (1 + math.cos(math.pi * self.progress)) + 0.005)
            optimizer = self.optimizers()
            assert isinstance(optimizer, pl.core.optimizer.LightningOptimizer)
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * factor
        noise = self.noise(self.global_step, self.global_rank)
        with torch.random.fork_rng(devices=[]):
            # Dropout draws from the global state.
            place = (self.global_step, self.global_rank)
            torch.manual_seed(streams.torch_seed(streams.Stream.DROPOUT, self.config.seed, *place))
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

    def validation_step(self, numbered: tuple[int, Batch], index: int) -> None:
        """Loss of a validation batch and its parts, with the same noise at every look."""
        number, batch = numbered
        noise = streams.torch_rng(streams.Stream.VALIDATION, self.config.seed, number)
        parts: dict[str, Tensor] = self.kept.loss(batch, noise)
        for name, value in parts.items():
            self.log(f"val_{name}", value, batch_size=1, sync_dist=True)

    def on_validation_end(self) -> None:
        """Validation belongs to the budget too."""
        self._tick()

    def noise(self, step: int, rank: int = 0) -> torch.Generator:
        """Generator of the noise of one step in process ``rank``."""
        return streams.torch_rng(streams.Stream.NOISE, self.config.seed, step, rank)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the time spent, and whether this is the end."""
        checkpoint["spent_s"], checkpoint["cpu_s"] = self.spent_s, self.cpu_s
        checkpoint[ENDED] = self.trainer.should_stop or self.progress >= 1.0

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the time already spent."""
        self.spent_s = checkpoint["spent_s"]
        self.cpu_before_s = checkpoint.get("cpu_s", 0.0)
