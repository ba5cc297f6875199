"""The ``calovision`` command: its verbs, and the exit codes of errors."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from calovision import __version__
from calovision.cli import (
    bench,
    compare,
    compression,
    data,
    discover,
    export,
    generate,
    model,
    rank,
    scoreboard,
    study,
    train,
    view,
)
from calovision.cli.output import one_line, with_task
from calovision.errors import InputError
from calovision.utils import matplotlib_backend
from calovision.utils.interruption import SIGNALS, Interrupted, handled_by

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

_arrived: list[int] = []  #: signals that have interrupted this command
_ended: list[int] = []  #: those that it has ended by


class _Stopped(BaseException):
    """An interruption on its way through the library of the command line, which would exit."""


class _Verbs(TyperGroup):
    """The verbs, none of which may swallow an interruption."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_task(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Stopped from error


app = typer.Typer(
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Deep learning on particle-physics detector images, from collision to report.",
    epilog="Example: calovision study jet-vae --scale quick --out demo",
)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
verbs = (
    train.train,
    model.evaluate,
    model.reconstruct,
    compression.compress,
    compression.decompress,
    model.classify,
    export.export,
    generate.generate,
    compare.compare,
    rank.rank,
    scoreboard.scoreboard,
    discover.discover,
    study.study,
    study.report,
    view.view,
    bench.bench,
)
for verb in verbs:
    app.command()(verb)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"calovision {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Deep learning on particle-physics detector images, from collision to report."""
    if debug:
        os.environ["CALOVISION_DEBUG"] = "1"


def _not_swallowed(lost: UnraisableHookArgs) -> None:
    """Interrupts again when an interruption fell into a callback, which cannot pass it on.

    numba and llvmlite call Python from C while they load compiled code: an interruption there
    would be printed and forgotten.
    """
    if issubclass(lost.exc_type, KeyboardInterrupt):
        main_thread = threading.main_thread().ident
        threading.Timer(0.1, signal.pthread_kill, (main_thread, signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(lost)


#: what the system says when it is not the command's fault
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE}
#: how PyTorch, whose error has no type of its own, tells that a processor's memory is not enough
_NO_MEMORY = "can't allocate memory"


def exhausted(error: OSError | MemoryError | RuntimeError) -> str | None:
    """The line for what the system lacks or refuses that nobody nearer to the cause has told."""
    if isinstance(error, MemoryError) or _NO_MEMORY in str(error):
        return "there is not enough memory; use fewer events at a time, or a larger machine"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" while writing {error.filename}" if error.filename else ""
        return f"the disk is full{where}; free some space and run the command again"
    if isinstance(error, OSError) and error.errno in _REFUSED:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{os.strerror(error.errno).lower()}; check permissions, disk and limits"
    return None


def _interrupt(number: int, frame: FrameType | None) -> None:
    _arrived.append(number)
    raise KeyboardInterrupt


def _end_interrupted(error: BaseException | None) -> NoReturn:
    """Say once what an interruption has left, and exit."""
    _ended.extend(_arrived)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a second one has nothing left to stop
    if cluster := sys.modules.get("distributed.deploy.spec"):
        # Of workers that have just started Dask says at length that it cannot close them; it ends
        # their processes all the same.
        atexit.unregister(cluster.close_clusters)
    while error is not None and not isinstance(error, Interrupted):
        error = error.__cause__ or error.__context__
    reached = f"; {error.reached}" if isinstance(error, Interrupted) else ""
    if os.environ.get("RANK", "0") == "0" or "WORLD_SIZE" not in os.environ:
        typer.echo(f"calovision: interrupted; finished parts are kept{reached}", err=True)
    sys.exit(130)


def _last_of_all() -> None:
    """Python would end by the signal itself where it has met code made at run time."""
    if _ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)


def main() -> None:
    """Entry point: 0 done, 2 bad input (one line), 130 interrupted by Ctrl-C or SIGTERM."""
    sys.unraisablehook = _not_swallowed
    warnings.formatwarning = one_line
    os.environ.pop(matplotlib_backend.VARIABLE, None)  # no command opens a window
    atexit.register(_last_of_all)  # first come, last served
    try:
        with handled_by(_interrupt):
            _run()
    except (_Stopped, KeyboardInterrupt) as error:
        _end_interrupted(error)
    except BaseException as error:
        # Libraries turn an interruption into errors of their own.
        if _arrived and not (isinstance(error, SystemExit) and not error.code):
            _end_interrupted(error)
        raise


def _run() -> None:
    """The command; what the user can mend is one line and exit code 2."""
    try:
        app()
    except InputError as error:
        if _arrived or os.environ.get("CALOVISION_DEBUG"):
            raise
        typer.echo(f"calovision: {error}", err=True)
        sys.exit(2)
    except (OSError, MemoryError, RuntimeError) as error:
        if _arrived or os.environ.get("CALOVISION_DEBUG") or (line := exhausted(error)) is None:
            raise
        typer.echo(f"calovision: {line}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
