"""Train a task on an event set into a run directory, and load it back."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from safetensors.torch import save as as_safetensors
from torch.utils.data import DataLoader
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.files import PART, write_bytes, write_json
from calovision.events.splits import split
from calovision.events.store import EventStore
from calovision.tasks.checkpoints import ENDED, WholeFiles, read_checkpoint
from calovision.tasks.config import KINDS
from calovision.tasks.learner import Learner, TrainingBatches
from calovision.tasks.models import build
from calovision.tasks.rundir import RunDir
from calovision.tasks.settings import Training
from calovision.tasks.task import Task

CHUNK = 250  #: events in a batch of validation


def parts_of(store: EventStore, config: Training) -> dict[str, NDArray[np.int64]]:
    """Training, validation and test events of a set, jets of one collision kept together."""
    fractions = {
        "train": 1 - config.validation - config.test,
        "validation": config.validation,
        "test": config.test,
    }
    groups = store.column("event_id") if "event_id" in store.columns() else None
    found: dict[str, NDArray[np.int64]] = split(len(store), fractions, config.seed, groups)
    if config.events > len(found["train"]):
        raise InputError(
            f"{store.path} has {len(found['train'])} training events, not {config.events}",
            "ask for fewer, or give a larger set",
        )
    # Drawn evenly: the order of a set may mean something.
    few = np.random.default_rng(config.seed).permutation(len(found["train"]))[: config.events]
    return found | {"train": found["train"][np.sort(few)]} if config.events else found


def train(
    config: Training,
    store: EventStore,
    out: Path,
    *,
    resume: bool = False,
    quiet: bool = False,
) -> RunDir:
    """Train ``config`` on the training part of ``store`` and write the run to ``out``.

    A run that was interrupted goes on from its last checkpoint with ``resume``.

    Raises:
        InputError: ``out`` holds another run, or the set is too small or of the wrong kind.
    """
    schema, kind = KINDS.get(config.task, ("jets", "jets"))
    if store.geometry.schema != schema:
        raise InputError(
            f"{store.path} does not hold {schema}", f"give a set of 'data simulate {kind}'"
        )
    parts = parts_of(store, config)
    if min(len(parts["train"]), len(parts["validation"])) < 2:
        raise InputError(f"{store.path} has too few events to train on", "give some hundred")
    run = RunDir(out)
    data = {
        "path": str(store.path),
        "hash": store.hash,
        "events": len(store),
        "split": {k: len(v) for k, v in parts.items()},
        "geometry": store.geometry.to_dict(),
    }
    run.start(config.model_dump(), data, resume=resume)
    if run.weights.exists():
        _tidy(run)
        return run
    events = store[parts["train"]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        task = build(config, store.geometry, events)
    held_out = store[parts["validation"][: task.validation_events]]
    try:
        _fit(task, config, events, held_out, run, quiet)
    except OSError as error:
        raise InputError(
            f"cannot write the run in {run.path}: {error.strerror or error}",
            "free some space, then go on with --resume",
        ) from None
    return run


def _fit(
    task: Task,
    config: Training,
    events: Events,
    held_out: Events,
    run: RunDir,
    quiet: bool,
) -> None:
    view, validation = task.view(events), task.view(held_out)
    steps = max(int(config.epochs * len(events) / config.batch), 1)
    learner = Learner(task, config, steps)
    before = read_checkpoint(run.checkpoint)
    run.keep_rows(before["global_step"] if before else 0)
    epoch = max(len(events) // config.batch, 1)
    every = min(config.validate_every or epoch, steps)
    batches = TrainingBatches(task, view, config.batch, config.seed, lambda: learner.global_step)
    looks = [
        task.batch(validation, np.arange(i, min(i + CHUNK, len(held_out))))
        for i in range(0, len(held_out), CHUNK)
    ]
    cpu = time.process_time()
    trainer = _trainer(config, run, every, steps, quiet)
    if before and before.get(ENDED):
        learner.spent_s, done = before["spent_s"], before["global_step"]
    else:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module="pytorch_lightning")
                trainer.fit(
                    learner,
                    DataLoader(batches, batch_size=None, collate_fn=_as_is),
                    DataLoader(looks, batch_size=None, collate_fn=_as_is),  # type: ignore[arg-type]
                    ckpt_path=str(run.checkpoint) if before else None,
                    weights_only=True,
                )
        except SystemExit:
            # Lightning turns Ctrl-C into an exit of its own.
            raise KeyboardInterrupt from None
        done = trainer.global_step
    best = read_checkpoint(run.path / "best.ckpt")
    if best is None:
        raise InputError(f"{run.path} has lost its best.ckpt", "delete last.ckpt to start again")
    learner.load_state_dict(best["state_dict"])
    kept = learner.kept.eval()
    kept.finish(validation)
    write_json(
        run.path / "budget.json",
        {
            "wall_s": round(learner.spent_s, 2),
            "cpu_s": round(time.process_time() - cpu, 2),
            "steps": done,
            **kept.size(),
            "device": str(learner.device),
        },
    )
    # The file format knows no other order of memory, such as channels last.
    state = {k: v.contiguous() for k, v in kept.state_dict().items()}
    write_bytes(run.weights, as_safetensors(state))
    _tidy(run)


def _tidy(run: RunDir) -> None:
    """Remove what a finished run needs no longer."""
    for name in ("best.ckpt", "last.ckpt"):
        (run.path / name).unlink(missing_ok=True)
        (run.path / (name + PART)).unlink(missing_ok=True)


def _as_is(batch: Any) -> Any:
    """The batch; PyTorch would turn tuples in it into lists."""
    return batch


def _trainer(config: Training, run: RunDir, every: int, steps: int, quiet: bool) -> pl.Trainer:
    """A trainer that looks at the validation loss and keeps its state ``every`` so many steps."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    best = ModelCheckpoint(
        run.path, "best", monitor="val_loss", save_weights_only=True, enable_version_counter=False
    )
    # At the very end of an "epoch", when validation is done and counted.
    last = ModelCheckpoint(
        run.path, "last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[Callback] = [_Log(run, quiet), best, last]
    if config.patience:
        callbacks.append(EarlyStopping("val_loss", patience=config.patience))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        return pl.Trainer(
            accelerator="cpu",
            devices=1,
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
        means = {f"train_{k}": float(np.mean(v)) for k, v in learner.sums.items()}
        learner.sums = {}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        row = {"step": trainer.global_step, "wall_s": round(learner.spent_s, 2), "rate": rate}
        looked = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val_")}
        self.run.append(row | means | looked)

    def on_train_end(self, trainer: pl.Trainer, learner: Any) -> None:
        self.bar.close()
