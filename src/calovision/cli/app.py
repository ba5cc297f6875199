"""The ``calovision`` command: its verbs, and one place where errors become exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from calovision import __version__
from calovision.cli import bench, compare, data, discover, export, generate, model, study, view
from calovision.errors import InputError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Deep learning on particle-physics detector images, from collision to report.",
    epilog="Example: calovision study jet-vae --scale quick --out demo",
)
app.add_typer(data.app, name="data")
verbs = (
    model.train,
    model.evaluate,
    model.reconstruct,
    model.classify,
    export.export,
    generate.generate,
    compare.compare,
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


def main() -> None:
    """Entry point: 0 done, 2 bad input (one line), 130 interrupted."""
    sys.unraisablehook = _not_swallowed
    try:
        app()
    except InputError as error:
        if os.environ.get("CALOVISION_DEBUG"):
            raise
        typer.echo(f"calovision: {error}", err=True)
        sys.exit(2)
    except (OSError, MemoryError, RuntimeError) as error:
        if os.environ.get("CALOVISION_DEBUG") or (line := exhausted(error)) is None:
            raise
        typer.echo(f"calovision: {line}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("calovision: interrupted; finished parts are kept", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
