"""One training: from events to the weights that are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save as as_safetensors

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.networks.mixed_precision import rounded_products
from calovision.training.batches import TrainingBatches, ValidationBatches
from calovision.training.budget import ENDLESS_S, Plan, planned
from calovision.training.checkpoints import read_checkpoint
from calovision.training.devices import described, enough_memory, peak_memory_mb
from calovision.training.distributed import ProcessGroup, total
from calovision.training.extend import passes
from calovision.training.learner import Learner
from calovision.training.loop import TrainingLoop
from calovision.training.quality_warnings import loss_of_few, quality_warnings
from calovision.training.run import RunDir
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.settings import OWN, Training
from calovision.training.task import Task, untrained_task
from calovision.training.weights import other_network, task_from_weights
from calovision.utils import streams
from calovision.utils.files import PART, write_bytes, write_json
from calovision.utils.interruption import Interrupted, Stop, handled_by

KEPT_BYTES = 300e6  #: a finished run keeps the state to go on from, unless it is larger than this


def fit(
    kind: type[Task],
    config: Training,
    store: EventStore,
    parts: dict[str, NDArray[np.int64]],
    run: RunDir,
    group: ProcessGroup,
    device: torch.device,
    quiet: bool,
) -> None:
    """Train a ``kind`` of task on ``parts`` of ``store``; the first process of a group writes.

    Raises:
        InputError: a checkpoint is damaged or lost, or the memory of the device is too small.
        Interrupted: by Ctrl-C or SIGTERM; what was reached is kept.
    """
    stop = Stop()
    smaller = f"ask for a smaller batch: --set batch={max(config.batch // 2, 1)}"
    fast = rounded_products(device, getattr(config, "bfloat16", False))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with handled_by(stop.arrived), enough_memory(device, smaller), fast:
        made = _prepared(kind, config, store, parts, run, group, device, quiet)
        made.loop.go(stop)
        cpu_s = total(made.learner.cpu_s)
        if group.rank == 0:
            try:
                _finish(made, store, parts, run, cpu_s)
            except KeyboardInterrupt:
                raise Interrupted(run.how_to_go_on("stopped after the last step")) from None


@dataclass(frozen=True)
class _Prepared:
    """A training that can begin.

    Attributes:
        learner: with the state that it resumes from.
        loop: its steps and validations.
        warnings: how the budget has reduced the data, and its share spent on preparation.
    """

    learner: Learner
    loop: TrainingLoop
    warnings: list[str]


def _prepared(
    kind: type[Task],
    config: Training,
    store: EventStore,
    parts: dict[str, NDArray[np.int64]],
    run: RunDir,
    group: ProcessGroup,
    device: torch.device,
    quiet: bool,
) -> _Prepared:
    """Everything up to the first step; its time belongs to the budget."""
    begun = time.monotonic()
    state = read_checkpoint(run.checkpoint)

    def sampler_of(window: int) -> WindowedShuffleSampler:
        return _sampler(config, store, parts["train"], window)

    made = Plan(**state["plan"]) if state else None
    if made is None:
        made = group.from_first(lambda: planned(kind, config, store, parts, sampler_of, device))
    sampler = sampler_of(made.window)
    start = run.start_weights if not state and run.start_weights.exists() else None
    task, read = _begun(kind, config, store, parts["train"], sampler, start)
    task.place(device)
    prolonged = start is not None and (run.path / "budget.json").exists()
    lines = ["it went on from its final weights with a fresh optimiser"] if prolonged else []
    seen = parts["validation"][: min(task.validation_events, made.validation)]
    steps = max(int(config.epochs * sampler.events / (config.batch * group.size)), 1)
    learner = Learner(task, config, steps, group)
    if state:
        try:
            learner.go_on(state)
        except RuntimeError as error:
            if config.model.startswith(OWN):
                raise other_network(config, run.path) from error
            raise
    elif prolonged:
        learner.count_from(run.budget())
    if group.rank == 0:
        run.keep_rows(learner.validated)
    each = sampler.batch // group.size
    part = slice(group.rank * each, (group.rank + 1) * each)
    batches = TrainingBatches(task, sampler, read, part, lambda: learner.step)
    dataset = task.dataset(store[seen])
    if not state:
        learner.untrained = loss_of_few(task, dataset, learner.noise(0))
    validation = ValidationBatches(task, dataset, group.rank, group.size)
    every = min(config.validate_every or sampler.per_epoch, steps)
    loop = TrainingLoop(
        learner, batches, validation, run, every, asdict(made), quiet or group.rank > 0
    )
    if not learner.ended:
        batches.prepare()
        # Much of a short budget may be gone by now: half of it is for learning in any case.
        learner.tick(begun, config.budget_s / 2)
    took = time.monotonic() - begun
    return _Prepared(learner, loop, lines + _cuts(config, made, parts, task, took))


def _cuts(
    config: Training, made: Plan, parts: dict[str, NDArray[np.int64]], task: Task, took: float
) -> list[str]:
    """Warnings about data left out to fit the budget, and about the time of the preparation."""
    if config.budget_s > ENDLESS_S:
        return []
    lines = []
    if took > 0.2 * config.budget_s:
        lines.append(f"preparing the data took {took:.0f} s of the {config.budget_s:g} s budget")
    most = min(task.validation_events, len(parts["validation"]))
    if made.validation < most:
        lines.append(
            f"the validation loss is of {made.validation} events, not {most}, to fit the budget"
        )
    if made.window < min(config.window, len(parts["train"])):
        lines.append(
            f"training events were mixed {made.window} at a time: the {config.budget_s:g} s budget"
            " is too short to prepare all at once"
        )
    return lines


def _sampler(
    config: Training, store: EventStore, chosen: NDArray[np.int64], window: int
) -> WindowedShuffleSampler:
    """The sampler of the ``chosen`` events in a training."""
    batch = min(config.batch, len(chosen) // config.processes) * config.processes
    blocks = np.unique(np.searchsorted(chosen, store.blocks))
    return WindowedShuffleSampler(len(chosen), batch, window, blocks, config.seed)


def _begun(
    kind: type[Task],
    config: Training,
    store: EventStore,
    chosen: NDArray[np.int64],
    sampler: WindowedShuffleSampler,
    start: Path | None,
) -> tuple[Task, Callable[[NDArray[np.int64]], Events]]:
    """The task to train, and what reads the ``chosen`` events.

    It is fresh and scaled to the events of one window, or has the weights in the file ``start``.
    """

    def read(numbers: NDArray[np.int64]) -> Events:
        return store[chosen[numbers]]

    whole = sampler.windows == 1
    numbers = np.arange(len(chosen)) if whole else np.sort(sampler.batches(0, 0), axis=None)
    events = read(numbers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.WEIGHTS, config.seed))
        if start is None:
            task = untrained_task(kind, config, store.geometry, events)
        else:
            task = task_from_weights(kind, config, store.geometry, start)
            task.refit_domain(events)
            task.use_event_weights(events)
    return task, (lambda _: events) if whole else read


def _finish(
    made: _Prepared,
    store: EventStore,
    parts: dict[str, NDArray[np.int64]],
    run: RunDir,
    cpu_s: float,
) -> None:
    """Write the best weights, their cost, and warnings about their quality."""
    learner, dataset = made.learner, made.loop.validation.dataset
    best = read_checkpoint(run.best)
    if best is None:
        raise InputError(f"{run.path} has lost its best.ckpt", "delete last.ckpt to start again")
    wall, cpu = time.perf_counter(), time.process_time()
    kept, device = learner.kept.eval(), learner.task.device
    kept.load_state_dict(best["state_dict"])
    kept.calibrate(dataset)
    few = passes(run, learner.config, 1)
    seen = passes(run, learner.config, learner.step)
    warnings = quality_warnings(
        kept,
        dataset,
        store[parts["validation"][: len(dataset)]],
        passes=seen,
        enough=1 - few,
        losses=(learner.untrained, loss_of_few(kept, dataset, learner.noise(0))),
    )
    kept.place(device)
    write_json(
        run.path / "budget.json",
        {
            "wall_s": round(learner.spent_s + time.perf_counter() - wall, 2),
            "cpu_s": round(cpu_s + time.process_time() - cpu, 2),
            "steps": learner.step,
            "passes": round(seen, 4),
            **kept.size(),
            "device": described(device),
            "memory_mb": peak_memory_mb(device),
            "data_wait": round(
                learner.data_s / max(learner.spent_s - learner.validation_s, 1e-9), 4
            ),
            "warnings": made.warnings + made.loop.warnings + warnings,
        },
    )
    # The file format knows no other order of memory, such as channels last.
    # Nor does it know weights that stand in two places of a network.
    state = {k: v.cpu().contiguous().clone() for k, v in kept.state_dict().items()}
    write_bytes(run.weights, as_safetensors(state))
    tidy(run)


def tidy(run: RunDir) -> None:
    """Remove files that a finished run no longer needs, not even to be trained further."""
    files = [file for file in (run.checkpoint, run.best) if file.exists()]
    for file in (run.checkpoint, run.best):
        file.with_name(file.name + PART).unlink(missing_ok=True)
    if sum(file.stat().st_size for file in files) > KEPT_BYTES:
        for file in files:
            file.unlink()
    run.start_weights.unlink(missing_ok=True)
