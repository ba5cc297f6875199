"""The state of a training of the symmetry task on disk: between two steps, to go on exactly."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from calovision.training.checkpoints import read_checkpoint, write_checkpoint
from calovision.training.loop import NOT_BEGUN, SAVE_EVERY_S
from calovision.training.run import RunDir
from calovision.utils import streams
from calovision.utils.interruption import Interrupted, Stop


class Stateful(Protocol):
    """What can tell its state and take it up."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Take it up."""


class EpochRows:
    """Rows that are still to come in an epoch."""

    def __init__(self) -> None:
        self.rows: Tensor = torch.empty(0, dtype=torch.long)

    def state_dict(self) -> dict[str, Any]:
        """The rows."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: Any) -> None:
        """Take them up."""
        self.rows = state_dict["rows"]


class Keeper:
    """Keeps the stages of a training, one after the other, and takes them up.

    Args:
        run: whose ``last.ckpt`` it writes.
        stop: tells of interruptions.
        random: random numbers of all stages.
    """

    def __init__(self, run: RunDir, stop: Stop, random: torch.Generator) -> None:
        self.run, self.stop, self.random = run, stop, random
        self.begun, self.spent_s, self.cpu_s = time.monotonic(), 0.0, 0.0
        self._cpu = time.process_time()
        self.stages: dict[str, Any] = {}
        if state := read_checkpoint(run.checkpoint):
            self.stages = state["state_dict"]
            self.spent_s, self.cpu_s = state["spent_s"], state["cpu_s"]

    def steps(self, stage: str, count: int, **changed: Stateful) -> Iterator[int]:
        """The steps of a stage that are still to do, with all that they change.

        Raises:
            Interrupted: the state between two steps is on disk.
        """
        start = 0
        if known := self.stages.get(stage):
            for name, thing in changed.items():
                thing.load_state_dict(known["of"][name])
            start = known["step"]
            self._go_on_drawing(known["random"], start)
        number, saved = start, time.monotonic()
        try:
            while number < count:
                with self.stop.held():
                    yield number
                    number += 1
                if time.monotonic() - saved >= SAVE_EVERY_S:
                    self._save(stage, number, changed)
                    saved = time.monotonic()
        except KeyboardInterrupt:
            if not self.stop.cut:
                self._save(stage, number, changed)
            reached = f"stopped at step {number} of the {stage}" if number else NOT_BEGUN
            raise Interrupted(self.run.how_to_go_on(reached)) from None
        if number > start or not known:
            self._save(stage, number, changed)

    def _go_on_drawing(self, state: Tensor, step: int) -> None:
        """Go on with random numbers; on a device of another kind, which has others, with new."""
        if len(state) == len(self.random.get_state()):
            self.random.set_state(state)
            return
        seed = self.random.initial_seed()
        self.random.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_MOVED, seed, step))

    def spent(self) -> dict[str, float]:
        """Seconds since the beginning, interruptions left out."""
        return {
            "wall_s": round(self.spent_s + time.monotonic() - self.begun, 2),
            "cpu_s": round(self.cpu_s + time.process_time() - self._cpu, 2),
        }

    def _save(self, stage: str, step: int, changed: Mapping[str, Stateful]) -> None:
        self.stages[stage] = {
            "of": {name: thing.state_dict() for name, thing in changed.items()},
            "random": self.random.get_state(),
            "step": step,
        }
        spent = self.spent()
        state = {"state_dict": self.stages, "global_step": step}
        state |= {"spent_s": spent["wall_s"], "cpu_s": spent["cpu_s"]}
        write_checkpoint(self.run.checkpoint, state)
