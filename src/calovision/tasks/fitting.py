"""One training: from events in their order to the weights that are kept."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from safetensors.torch import save as as_safetensors
from torch.utils.data import DataLoader
from tqdm import tqdm

from calovision import streams
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.files import PART, write_bytes, write_json
from calovision.events.store import EventStore
from calovision.tasks.batches import Looks, TrainingBatches
from calovision.tasks.checkpoints import ENDED, WholeFiles, read_checkpoint
from calovision.tasks.learner import Learner
from calovision.tasks.models import build
from calovision.tasks.order import Order
from calovision.tasks.processes import Team, averaged, summed
from calovision.tasks.rundir import RunDir
from calovision.tasks.settings import Training
from calovision.tasks.task import Task


def fit(
    config: Training,
    store: EventStore,
    parts: dict[str, NDArray[np.int64]],
    run: RunDir,
    team: Team,
    quiet: bool,
) -> None:
    """Train on ``parts`` of ``store`` as one of a team, whose first process writes the run.

    Raises:
        InputError: a checkpoint is damaged or lost.
    """
    order = _order(config, store, parts["train"])
    task, read = _begun(config, store, parts["train"], order)
    validation = task.view(store[parts["validation"][: task.validation_events]])
    steps = max(int(config.epochs * order.events / (config.batch * team.size)), 1)
    learner = Learner(task, config, steps)
    before = read_checkpoint(run.checkpoint)
    if team.rank == 0:
        run.keep_rows(before["global_step"] if before else 0)
    every = min(config.validate_every or order.per_epoch, steps)
    each = order.batch // team.size
    part = slice(team.rank * each, (team.rank + 1) * each)
    batches = TrainingBatches(task, order, read, part, lambda: learner.global_step)
    looks = Looks(task, validation, team.rank, team.size)
    strategy = team.strategy(task.partial)
    log = _Log(run, quiet or team.rank > 0)
    trainer = _trainer(config, every, steps, log, devices=team.size, strategy=strategy)
    if before and before.get(ENDED):
        learner.on_load_checkpoint(before)
        done = before["global_step"]
    else:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module="pytorch_lightning")
                trainer.fit(
                    learner,
                    DataLoader(batches, batch_size=None, collate_fn=_as_is),
                    DataLoader(looks, batch_size=None, collate_fn=_as_is),
                    ckpt_path=str(run.checkpoint) if before else None,
                    weights_only=True,
                )
        except SystemExit:
            # Lightning turns Ctrl-C into an exit of its own.
            raise KeyboardInterrupt from None
        done = trainer.global_step
    cpu_s = summed(learner.cpu_s)
    if team.rank == 0:
        chosen = parts["train"]
        _finish(
            learner,
            validation,
            lambda most: store[chosen[:: -(-len(chosen) // most)]],
            run,
            {"cpu_s": cpu_s, "steps": done},
            quiet,
        )


def _order(config: Training, store: EventStore, chosen: NDArray[np.int64]) -> Order:
    """The order of the ``chosen`` events in a training."""
    batch = min(config.batch, len(chosen) // config.processes) * config.processes
    blocks = np.unique(np.searchsorted(chosen, store.blocks))
    return Order(len(chosen), batch, config.window, blocks, config.seed)


def _begun(
    config: Training, store: EventStore, chosen: NDArray[np.int64], order: Order
) -> tuple[Task, Callable[[NDArray[np.int64]], Events]]:
    """A fresh task, scaled to the events of one window, and what reads the ``chosen`` events."""

    def read(numbers: NDArray[np.int64]) -> Events:
        return store[chosen[numbers]]

    whole = order.windows == 1
    numbers = np.arange(len(chosen)) if whole else np.sort(order.batches(0, 0), axis=None)
    events = read(numbers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.WEIGHTS, config.seed))
        task = build(config, store.geometry, events)
    return task, (lambda _: events) if whole else read


def _finish(
    learner: Learner,
    validation: Any,
    some: Callable[[int], Events],
    run: RunDir,
    spent: dict[str, Any],
    quiet: bool,
) -> None:
    """Write the best weights and what they took; ``some`` reads that many training events."""
    best = read_checkpoint(run.path / "best.ckpt")
    if best is None:
        raise InputError(f"{run.path} has lost its best.ckpt", "delete last.ckpt to start again")
    learner.load_state_dict(best["state_dict"])
    kept = learner.kept.eval()
    kept.finish(validation)
    wall, cpu = time.perf_counter(), time.process_time()
    if kept.settling:
        kept.settle(some(kept.settling), quiet=quiet)
    write_json(
        run.path / "budget.json",
        {
            "wall_s": round(learner.spent_s + time.perf_counter() - wall, 2),
            **spent,
            "cpu_s": round(spent["cpu_s"] + time.process_time() - cpu, 2),
            **kept.size(),
            "device": str(learner.device),
        },
    )
    # The file format knows no other order of memory, such as channels last.
    state = {k: v.contiguous() for k, v in kept.state_dict().items()}
    write_bytes(run.weights, as_safetensors(state))
    tidy(run)


def tidy(run: RunDir) -> None:
    """Remove what a finished run needs no longer."""
    for name in ("best.ckpt", "last.ckpt"):
        (run.path / name).unlink(missing_ok=True)
        (run.path / (name + PART)).unlink(missing_ok=True)


def _as_is(batch: Any) -> Any:
    """The batch; PyTorch would turn tuples in it into lists."""
    return batch


def _trainer(config: Training, every: int, steps: int, log: _Log, **processes: Any) -> pl.Trainer:
    """A trainer that looks at the validation loss and keeps its state ``every`` so many steps."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    best = ModelCheckpoint(
        log.run.path,
        "best",
        monitor="val_loss",
        save_weights_only=True,
        enable_version_counter=False,
    )
    # At the very end of an "epoch", when validation is done and counted.
    last = ModelCheckpoint(
        log.run.path, "last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[Callback] = [log, best, last]
    if config.patience:
        callbacks.append(EarlyStopping("val_loss", patience=config.patience))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        return pl.Trainer(
            accelerator="cpu",
            **processes,
            use_distributed_sampler=False,
            max_steps=steps,
            max_epochs=-1,
            limit_train_batches=every,
            gradient_clip_val=config.clip or None,
            callbacks=callbacks,
            plugins=[WholeFiles()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )


class _Log(Callback):
    """Progress bar and training log."""

    def __init__(self, run: RunDir, quiet: bool) -> None:
        self.run = run
        self.bar = tqdm(
            total=100.0,
            disable=quiet,
            unit="%",
            desc=f"train {run.path.name}",
            bar_format="{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]",
        )

    def on_train_batch_end(self, trainer: pl.Trainer, learner: Any, *args: Any) -> None:
        if trainer.global_step % 10 == 0:
            self.bar.n = round(100 * learner.progress, 1)
            self.bar.set_postfix(step=trainer.global_step, loss=learner.last_loss)

    def on_validation_end(self, trainer: pl.Trainer, learner: Any) -> None:
        means = averaged({f"train_{k}": float(np.mean(v)) for k, v in learner.sums.items()})
        learner.sums = {}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        row = {"step": trainer.global_step, "wall_s": round(learner.spent_s, 2), "rate": rate}
        looked = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val_")}
        if trainer.is_global_zero:
            self.run.append(row | means | looked)

    def on_train_end(self, trainer: pl.Trainer, learner: Any) -> None:
        self.bar.close()

    def on_exception(self, trainer: pl.Trainer, learner: Any, exception: BaseException) -> None:
        self.bar.close()  # what is told has a line of its own
