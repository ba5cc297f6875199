"""Work that other processes do ahead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial

import pytest

from calovision.errors import InputError
from calovision.parallel.background import Background


def test_results_come_as_they_are_asked_for() -> None:
    for workers in (0, 2):
        background = Background(workers)
        asked = [background.submit(partial(pow, 2, k)) for k in range(5)]
        assert [one() for one in reversed(asked)] == [16, 8, 4, 2, 1]
        assert asked[0]() == 1
        background.close()


def test_a_killed_worker_is_told() -> None:
    background = Background(1)
    with pytest.raises(InputError, match="worker process was killed"):
        background.submit(partial(os._exit, 3))()
    background.close()


def test_workers_end_with_who_started_them() -> None:
    code = (
        "import os, functools, time\n"
        "from calovision.parallel.background import Background\n"
        "b = Background(1)\n"
        "print(b.submit(os.getpid)(), flush=True)\n"
        "b.submit(functools.partial(time.sleep, 60))\n"
        "time.sleep(.3)\n"
        "os._exit(1)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    worker = int(out.stdout)
    for _ in range(100):
        if not os.path.exists(f"/proc/{worker}"):
            return
        time.sleep(0.1)
    raise AssertionError("the worker goes on")
