"""The course of one training: steps, validation, and its state on disk."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import numpy as np
from tqdm import tqdm

from calovision.errors import InputError
from calovision.training.batches import TrainingBatches, ValidationBatches, ahead
from calovision.training.budget import ENDLESS_S
from calovision.training.checkpoints import write_checkpoint
from calovision.training.distributed import gathered
from calovision.training.learner import Learner
from calovision.training.run import RunDir
from calovision.utils.interruption import Interrupted, Stop

SAVE_EVERY_S = 45.0  #: seconds of training between two states on disk; with a step under a minute
NOT_BEGUN = "stopped before the first step"
#: largest share of the time spent that validation takes; only the last one is always done
VALIDATION_SHARE = 0.25


class TrainingLoop:
    """Steps and validations until the end.

    Args:
        learner: what learns.
        batches: of training events.
        validation: batches of validation events.
        run: where the log and the state go; the first process writes.
        every: steps between two validations.
        plan: kept with the state.
        quiet: without a progress bar.

    Attributes:
        warnings: for the end of the training.
    """

    def __init__(
        self,
        learner: Learner,
        batches: TrainingBatches,
        validation: ValidationBatches,
        run: RunDir,
        every: int,
        plan: dict[str, int],
        quiet: bool,
    ) -> None:
        self.learner, self.batches, self.validation = learner, batches, validation
        self.run, self.every, self.plan, self.quiet = run, every, plan, quiet
        self.first = learner.group.rank == 0
        self.warnings: list[str] = []
        self.saved_s, self.saved_step = learner.spent_s, learner.step

    def go(self, stop: Stop) -> None:
        """Train to the end.

        Raises:
            Interrupted: as told by ``stop``; the state of the last step is on disk.
        """
        alone = self.learner.group.size == 1
        bar = tqdm(
            total=100.0,
            disable=self.quiet,
            unit="%",
            desc=f"train {self.run.path.name}",
            bar_format="{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]",
        )
        try:
            # Processes must stop between the same steps: each waits until all know.
            with bar, contextlib.nullcontext() if alone else stop.held():
                self._steps(stop, bar)
        except KeyboardInterrupt:
            stop.over()
            if alone and self.learner.step and not stop.cut:
                self.save()
            reached = f"stopped at step {self.saved_step}" if self.saved_step else NOT_BEGUN
            raise Interrupted(self.run.how_to_go_on(reached)) from None

    def _steps(self, stop: Stop, bar: tqdm[Any]) -> None:
        learner = self.learner
        with contextlib.closing(ahead(self.batches.makers(), learner.task.device)) as stream:
            while True:
                if self._validation_is_due():
                    self._validate(stop)
                if learner.ended:
                    return
                begun = time.monotonic()
                batch = next(stream)
                learner.data_s += time.monotonic() - begun
                with stop.held():
                    learner.learn(batch)
                self._between(stop, bar)
                if learner.group.size == 1 and learner.diverged:
                    self._give_up()
                    return

    def _give_up(self) -> None:
        """End a training whose loss is no number any more, with the best weights there are.

        Raises:
            InputError: there are none.
        """
        step = self.learner.step
        if not math.isfinite(self.learner.best):
            raise InputError(
                f"the loss is not a number at step {step}",
                "lower learning_rate, or look for what the network makes of large inputs",
            )
        self.warnings.append(f"its loss was not a number at step {step}: earlier weights are kept")

    def _between(self, stop: Stop, bar: tqdm[Any]) -> None:
        """After a step: stop if asked to, save the state when it is due, move the progress bar."""
        learner = self.learner
        if learner.group.size > 1 and learner.group.any(stop.wanted):
            self.save()
            raise KeyboardInterrupt
        if learner.spent_s - self.saved_s >= SAVE_EVERY_S:
            self.save()
        if learner.step % 10 == 0:
            bar.n = round(100 * learner.progress, 1)
            bar.set_postfix(step=learner.step, loss=learner.last_loss)

    def _validation_is_due(self) -> bool:
        learner = self.learner
        if learner.step == learner.validated:
            return False
        if learner.ended:
            return True
        endless = learner.config.budget_s > ENDLESS_S
        affordable = endless or learner.validation_s <= VALIDATION_SHARE * learner.spent_s
        return learner.step % self.every == 0 and affordable

    def _validate(self, stop: Stop) -> None:
        """Validate, log the loss, and keep the best weights and the state."""
        learner = self.learner
        begun = learner.spent_s
        losses = {f"val_{k}": v for k, v in learner.validate(self.validation).items()}
        learner.tick()
        learner.validation_s += learner.spent_s - begun
        with stop.held():
            self._keep(losses)

    def _keep(self, losses: dict[str, float]) -> None:
        learner = self.learner
        learner.read()
        means = {f"train_{k}": float(np.mean(v)) for k, v in gathered(learner.sums).items()}
        row = {"step": learner.step, "wall_s": round(learner.spent_s, 2), "rate": learner.rate}
        if learner.judge(losses["val_loss"]) and self.first:
            best = {"state_dict": learner.kept.state_dict(), "global_step": learner.step}
            write_checkpoint(self.run.best, best | {"spent_s": learner.spent_s})
        if self.first:
            self.run.append(row | means | losses)
        self.save()

    def save(self) -> None:
        """Write the state to go on from; all processes must call this between two steps."""
        state = self.learner.state() | {"plan": self.plan}
        if self.first:
            write_checkpoint(self.run.checkpoint, state)
        self.saved_s, self.saved_step = self.learner.spent_s, self.learner.step
