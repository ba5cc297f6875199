"""Carry out the trainings of a study, several at a time, each on one thread."""

from __future__ import annotations

import io
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from calovision.events.store import EventStore
from calovision.models.taggers.boosted_trees import TREES, grow, tree_settings
from calovision.parallel.main_guard import processes_may_start
from calovision.utils.files import write_bytes
from calovision.utils.interruption import deaf_children

#: of every training: one thread, and memory kept for the next batch in place of given back
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 10**9),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 10**9),
}
GRACE_S = 25.0  #: seconds that interrupted trainings have to keep their state
SCORES = "scores.npz"  #: in every run: what it says about the test events


@dataclass(frozen=True)
class Job:
    """One training, and the scoring of the test events with it.

    Attributes:
        label: name of the model in tables; several may be variants of one model.
        model: name of the model for the trainer.
        folder: of the run, below the study's.
        overrides: settings that differ from the model's preset, the seed among them.
        task: what is learned.
    """

    label: str
    model: str
    folder: str
    overrides: dict[str, Any] = field(default_factory=dict)
    task: str = "jet-tagger"


def carry_out(
    jobs: Sequence[Job], training: Path, test: Path, out: Path, *, workers: int, quiet: bool
) -> None:
    """Train every job on ``training`` and score ``test``; finished ones are not done again.

    All run on one thread of their own, so that their budgets of time compare.
    """
    missing = [j for j in jobs if not (out / j.folder / SCORES).exists()]
    work = partial(_one, training, test, out)
    each(work, missing, workers=workers, quiet=quiet, done=len(jobs) - len(missing))


def each(
    work: Callable[[Job], None],
    jobs: Sequence[Job],
    *,
    workers: int,
    quiet: bool,
    done: int = 0,
    doing: str = "train",
) -> None:
    """Do ``work``, which must survive pickling, on every job, each on one thread."""
    with tqdm(total=done + len(jobs), initial=done, desc=doing, disable=quiet) as bar:
        for folder in _side_by_side(partial(_alone, work), jobs, workers):
            bar.set_postfix_str(folder)
            bar.update()


def _side_by_side(work: Callable[[Job], None], jobs: Sequence[Job], workers: int) -> Iterator[str]:
    """Folders of the jobs as they are finished; one worker is this process."""
    if workers == 1:
        for job in jobs:
            work(job)
            yield job.folder
        return
    os.environ.update(ENVIRONMENT)  # read by a process when it starts
    # Fresh processes: threads of PyTorch do not survive a fork, and memory goes back.
    fresh = multiprocessing.get_context("spawn")
    with (
        processes_may_start(),
        ProcessPoolExecutor(workers, mp_context=fresh, max_tasks_per_child=1) as pool,
    ):
        with deaf_children():
            futures = {pool.submit(_in_a_process, work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future].folder
        except BaseException:
            # Trainings that are interrupted keep their state, and end their process: by that, the
            # pool starts no other.
            started = list((pool._processes or {}).values())
            for process in started:
                process.terminate()
            for process in started:
                process.join(GRACE_S)
                process.kill()
            raise


def _in_a_process(work: Callable[[Job], None], job: Job) -> None:
    """Do ``work`` in a process of its own, which an interruption ends."""
    tqdm.set_lock(threading.RLock())  # its usual one would be left behind in the system
    try:
        work(job)
    except KeyboardInterrupt:
        os._exit(130)


def _alone(work: Callable[[Job], None], job: Job) -> None:
    """Do ``work`` on one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work(job)
    finally:
        torch.set_num_threads(threads)


def _one(training: Path, test: Path, out: Path, job: Job) -> None:
    """Train and score one job."""
    run = out / job.folder
    arrays = _scores(job, training, test, run)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(run / SCORES, buffer.getvalue())


def _scores(job: Job, training: Path, test: Path, run: Path) -> dict[str, Any]:
    """Arrays of the file of scores: probability and flag ``(n,)``, seconds that it took."""
    if job.model == TREES:
        settings = tree_settings(job.task, job.overrides)
        return grow(settings, EventStore.open(training), EventStore.open(test), run)
    from calovision.models.classify import score
    from calovision.models.config import load_config
    from calovision.models.load import load_tagger
    from calovision.models.train import train

    config = load_config(job.task, job.model, overrides=job.overrides)
    found = train(config, EventStore.open(training), run, resume=True, quiet=True)
    scores = score(load_tagger(found), EventStore.open(test), quiet=True)
    return {
        "probability": scores.probability,
        "out_of_distribution": scores.out_of_distribution,
        "wall_s": np.array(scores.wall_s),
    }
