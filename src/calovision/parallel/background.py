"""Work that other processes do ahead, while this one is busy with something else."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import TypeVar

from calovision.errors import InputError
from calovision.parallel.main_guard import processes_may_start
from calovision.utils.interruption import deaf_children

Result = TypeVar("Result")


class Background:
    """Processes that work on what will be asked for later.

    They begin with the first work and end with :meth:`close`, or with this process, however that
    ends.

    Args:
        workers: number of processes; with 0 this process does the work when it is asked for.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Have ``work`` done, which must pickle; what is returned waits for its result.

        Raises:
            InputError: a script asks for processes outside of its main guard; or, when the result
                is asked for, a process was killed.
        """
        if not self.workers:
            return cache(work)
        with processes_may_start(), deaf_children():
            if self._pool is None:
                spawn = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self.workers, spawn, _end_with_parent)
            future = self._pool.submit(work)

        def result() -> Result:
            try:
                return future.result()
            except BrokenProcessPool:
                raise InputError(
                    "a worker process was killed", "give it more memory, or start fewer workers"
                ) from None

        return result

    def close(self) -> None:
        """End the processes; work that was not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _end_with_parent() -> None:
    """End this process when the one that started it does, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
