"""The command line: one thin function per verb, everything heavy imported inside."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"calovision: interrupted; nothing was begun\n")
    os._exit(130)


# What imports this in order to run a command, of which there is nothing yet to end in order.
if (
    os.path.basename(sys.argv[0] if sys.argv else "") in ("calovision", "-m")
    and threading.current_thread() is threading.main_thread()
    and "multiprocessing.spawn" not in sys.modules  # a worker
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
