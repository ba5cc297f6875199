"""A worker process of a training on several processes; its argument is the run directory."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from calovision.errors import InputError
from calovision.models.load import recorded_config
from calovision.models.train import recorded_data, train
from calovision.training.run import RunDir

READY = b"."


def main() -> None:
    """Train the run that is named on the command line."""
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    os.write(sys.stdout.fileno(), READY)
    run = RunDir(Path(sys.argv[1]))
    store = recorded_data(run)
    try:
        train(recorded_config(run), store, run.path, resume=True, quiet=True)
    except InputError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _end_with_the_other() -> None:
    """A process that is killed closes the pipe to this one."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
