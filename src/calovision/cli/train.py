"""The verb ``train``: a new training, or one that goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovision.cli.output import SkipCorrupt, emit, told
from calovision.errors import InputError

if TYPE_CHECKING:
    from calovision.tasks.rundir import RunDir

Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]


def train(
    task: Annotated[
        str | None,
        typer.Argument(
            help="What to learn: jet-vae, jet-tagger, jet-generator, egamma or symmetry.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Argument(help="With --resume: the run.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Event set, from 'calovision data'.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory to write.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Ours by default; 'baseline' as published.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, key=value; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine, each with its batches.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run; it needs no other option.")
    ] = False,
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[
        bool, typer.Option("--json", help="Machine-readable result on stdout.")
    ] = False,
) -> None:
    """Train a model on an event set; torchrun or srun may start it on several machines.

    A run that was stopped goes on with --resume, and a finished one too, if it is given more
    epochs or a longer budget_s.

    Example: calovision train jet-vae --data jets --out runs/vae --set budget_s=600

    Example: calovision train --resume runs/vae --set budget_s=1200
    """
    from calovision.tasks.config import parse_overrides

    given = parse_overrides(settings or [])
    if seed is not None:
        given["seed"] = seed
    if processes is not None:
        given["processes"] = processes
    task, run = _which(task, run, out, resume)
    known: RunDir | None = None
    if run is not None and (run / "config.yaml").exists():
        from calovision.tasks.rundir import RunDir

        known = RunDir(run)
        task, model, given = _recorded(known, task, model, config, given)
    elif run is not None and (task is None or data is None):
        raise InputError(f"{run} is not a run directory", "give the --out of 'calovision train'")
    if task is None or (data is None and known is None):
        missing = "a task, such as jet-tagger" if task is None else "--data, an event set"
        raise InputError("nothing to train", f"give {missing}; see calovision train --help")
    if run is None and out is None:
        raise InputError("no place for the run", "give --out, a folder to write")
    folder = run or out
    assert folder is not None
    if task == "symmetry":
        from calovision.cli.discover import train_symmetry

        emit(
            *train_symmetry(
                (model, config, given), data, folder, resume=resume, skip_corrupt=skip_corrupt
            ),
            json,
        )
        return
    from calovision.tasks.config import load_config
    from calovision.tasks.launchers import ignored

    chosen = load_config(task, model, config, given)
    store = _store(known, data, skip_corrupt)
    if line := ignored(os.environ):
        typer.echo(f"warning: {line}", err=True)
    # PyTorch takes seconds to load: bad input should not have to wait for it.
    from calovision.tasks.processes import placed
    from calovision.tasks.training import train as run_training

    trained = run_training(chosen, store, folder, resume=resume)
    if placed().rank:
        return
    budget = trained.budget()
    lines = [f"warning: {line}" for line in budget.get("warnings", [])]
    done = f"{budget['steps']} steps"
    if "passes" in budget:
        done += f", {budget['passes']:.3g} passes over the data"
    lines.append(f"trained {chosen.model} in {budget['wall_s']:.0f} s, {done}: {trained.path}")
    emit({"run": str(trained.path), **budget}, "\n".join(lines), json)


def _which(
    task: str | None, run: Path | None, out: Path | None, resume: bool
) -> tuple[str | None, Path | None]:
    """The task and the run to go on with, of which each may be left out.

    Raises:
        InputError: two runs, or one without ``--resume``.
    """
    if run is not None and not resume:
        raise InputError(f"two arguments, {task} and {run}", "give --resume to go on with a run")
    if not resume:
        return task, None
    if run is None and out is None:
        if task is None:
            raise InputError("no run to go on with", "write: calovision train --resume RUN")
        return None, Path(task)
    if run is not None and out is not None and run != out:
        raise InputError(f"two runs, {run} and {out}", "give one of them")
    return task, run or out


def _recorded(
    run: RunDir, task: str | None, model: str | None, file: Path | None, given: dict[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """Task, model and settings of a run, with what is given in their place.

    Raises:
        InputError: it is a run of another task or model.
    """
    from calovision.tasks.config import read_settings

    config = run.describe()["config"]
    written = read_settings(file) if file else {}
    for name, asked in (("task", task), ("model", model or written.get("model"))):
        if asked is not None and asked != config.get(name):
            raise InputError(
                f"{run.path} holds a run with another configuration:"
                f" {name} is {config.get(name)} there, not {asked}",
                "leave it out, or choose another --out",
            )
    if config.get("task") != "symmetry":
        from calovision.tasks.models import recorded_config

        config = recorded_config(run).model_dump()
    return (
        str(config["task"]),
        str(config["model"]),
        config | written | given,
    )


def _store(known: RunDir | None, data: Path | None, skip_corrupt: bool) -> Any:
    """The event set that is given, or else the one that a run was begun with."""
    from calovision.events.store import EventStore

    with told():
        if data is not None:
            return EventStore.open(data, skip_corrupt=skip_corrupt)
        assert known is not None
        from calovision.tasks.training import recorded_data

        return recorded_data(known, skip_corrupt=skip_corrupt)
