"""Carry out the trainings of a study, several at a time, each on one thread."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from calovision.parallel.main_guard import processes_may_start
from calovision.utils.interruption import deaf_children

#: of every training: one thread, and memory kept for the next batch in place of given back
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 10**9),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 10**9),
}
GRACE_S = 25.0  #: time that interrupted trainings have to keep their state


@dataclass(frozen=True)
class Training:
    """One training of a study.

    Attributes:
        label: name of the model in tables; several may be variants of one model.
        model: name of the model for the trainer.
        folder: of the run, below the study's.
        settings: those that differ from the model's preset, seed and budget of time among them.
        task: what is learned.
        pretrained: whether it begins with the weights of the model that comes with the package.
    """

    label: str
    model: str
    folder: str
    settings: dict[str, Any] = field(default_factory=dict)
    task: str = "jet-tagger"
    pretrained: bool = False


def each(
    work: Callable[[Training], None],
    trainings: Sequence[Training],
    *,
    workers: int,
    quiet: bool,
    done: int = 0,
    title: str = "train",
) -> None:
    """Do ``work``, which must survive pickling, with every training, each on one thread.

    All have one thread of their own, so that their budgets of time compare.

    Args:
        work: what to do.
        trainings: with these.
        workers: how many at a time; one works in this process.
        quiet: no progress bar.
        done: how many others are finished already.
        title: of the progress bar.
    """
    one_thread = partial(_on_one_thread, work)
    with tqdm(total=done + len(trainings), initial=done, desc=title, disable=quiet) as bar:
        for folder in _side_by_side(one_thread, trainings, workers):
            bar.set_postfix_str(folder)
            bar.update()


def _side_by_side(
    work: Callable[[Training], None], trainings: Sequence[Training], workers: int
) -> Iterator[str]:
    """Folders of the trainings as they are finished."""
    if workers == 1:
        for training in trainings:
            work(training)
            yield training.folder
        return
    os.environ.update(ENVIRONMENT)  # read by a process when it starts
    # Fresh processes: threads of PyTorch do not survive a fork, and memory goes back.
    fresh = multiprocessing.get_context("spawn")
    with (
        processes_may_start(),
        ProcessPoolExecutor(workers, mp_context=fresh, max_tasks_per_child=1) as pool,
    ):
        with deaf_children():
            futures = {pool.submit(_in_a_process, work, t): t.folder for t in trainings}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
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


def _in_a_process(work: Callable[[Training], None], training: Training) -> None:
    """Do ``work`` in a process of its own, which an interruption ends."""
    tqdm.set_lock(threading.RLock())  # its usual one would be left behind in the system
    try:
        work(training)
    except KeyboardInterrupt:
        os._exit(130)


def _on_one_thread(work: Callable[[Training], None], training: Training) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work(training)
    finally:
        torch.set_num_threads(threads)
