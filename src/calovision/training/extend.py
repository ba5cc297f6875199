"""Prolong a finished training: more epochs, or more time, than it was begun with."""

from __future__ import annotations

import math
import os

from calovision.errors import InputError
from calovision.training.checkpoints import read_checkpoint, write_checkpoint
from calovision.training.run import RunDir, alike
from calovision.training.settings import Training


def prolong(run: RunDir, config: Training) -> None:
    """Record another length of a run; one that is finished is opened again.

    Its last state is what it goes on from, or, where that was not kept, its final weights. What
    was measured of it is removed, since it will be another model.

    Raises:
        InputError: it is finished, and the length asked for is over already.
    """
    now, before = config.model_dump(), run.config_of(type(config))
    if now == before or (run.weights.exists() and alike(now, before)):
        return
    if run.weights.exists():
        _check_longer(run, config)
        state = read_checkpoint(run.checkpoint)
        if state is not None and run.best.exists():
            write_checkpoint(run.checkpoint, state | {"waited": 0})
            run.weights.unlink()
        else:
            os.replace(run.weights, run.start_weights)
        (run.path / "results.json").unlink(missing_ok=True)
    run.record(now)


def passes(run: RunDir, config: Training, steps: int) -> float:
    """How often ``steps`` of a run go through its training events."""
    events = int(run.describe()["data"]["split"]["train"])
    return steps * config.batch * config.processes / events


def _check_longer(run: RunDir, config: Training) -> None:
    spent = run.budget()
    done = passes(run, config, int(spent.get("steps", 0)))
    if config.epochs <= done * (1 + 1e-9):
        raise InputError(
            f"{run.path} is finished after {done:.3g} epochs, {config.epochs:g} are asked for",
            f"ask for more: --set epochs={math.ceil(done) + 1}",
        )
    if config.budget_s <= spent["wall_s"]:
        raise InputError(
            f"{run.path} has spent {spent['wall_s']:.0f} s, its budget is {config.budget_s:g} s in"
            " all",
            f"give it more: --set budget_s={math.ceil(2 * spent['wall_s'])}",
        )
