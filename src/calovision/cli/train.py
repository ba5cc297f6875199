"""``calovision train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.output import Pretrained, SkipCorrupt, emit, warnings_to_stderr
from calovision.errors import InputError

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
    simulate: Annotated[
        int | None,
        typer.Option(min=1, help="Events to simulate and learn from, each once, without --data."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that simulate them.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where to train: auto, cpu, cuda, cuda:N or mps; auto by default."),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option("--from", help="Fine-tune: begin with the weights of this run, 3 epochs."),
    ] = None,
    pretrained: Pretrained = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the models of TASK and what can be set.")
    ] = False,
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

    Example: calovision train jet-tagger --list

    Example: calovision train --resume runs/vae --set budget_s=1200

    Example: calovision train jet-tagger --simulate 1000000 --workers 2 --out runs/stream

    Example: calovision train --pretrained jet-tagger --data mine --out runs/fine
    """
    if listed:
        from calovision.models.listing import listing

        rows, text = listing(task, model)
        emit(rows, text, json)
        return
    from calovision.models.config import parse_overrides

    asked = {"seed": seed, "processes": processes, "device": device}
    asked |= {"simulate": simulate, "workers": workers}
    given = parse_overrides(settings or []) | {k: v for k, v in asked.items() if v is not None}
    task, run = _which(task, run, out, resume)
    nothing = data is None and simulate is None
    if run is not None and not (run / "config.yaml").exists() and (task is None or nothing):
        raise InputError(f"{run} is not a run directory", "give the --out of 'calovision train'")
    place = run or out
    start = _start(start_from, pretrained, task)
    if place is None:
        if task is None and start is None:
            raise InputError("nothing to train", "give a task; see calovision train --help")
        raise InputError("no place for the run", "give --out, a folder to write")
    common: dict[str, Any] = {"resume": resume, "config": config, "skip_corrupt": skip_corrupt}
    with warnings_to_stderr():
        if start is not None:
            if data is None or model is not None:
                raise InputError(
                    "fine-tuning takes a model and --data", "give an event set, and no --model"
                )
            from calovision.api.fine_tune import fine_tune

            made = fine_tune(start, data, out=place, **common, **given)
        else:
            from calovision.api.train import train as run_training

            made = run_training(task, data, model, out=place, **common, **given)
    from calovision.training.launchers import unfollowed_warning

    if line := unfollowed_warning(os.environ):
        typer.echo(f"warning: {line}", err=True)
    from calovision.training.distributed import current_group

    if current_group().rank:
        return
    budget = made.budget
    done = f", {budget['steps']} steps" if "steps" in budget else ""
    if "passes" in budget:
        done += f", {budget['passes']:.3g} passes over the data"
    where = f" on {budget['device']}"
    text = f"trained {made.name} in {budget['wall_s']:.0f} s{where}{done}: {made.path}"
    emit({"run": str(made.path), **budget}, text, json)


def _start(run: Path | None, pretrained: str | None, task: str | None) -> Path | None:
    """The run whose weights a training begins with, if any.

    Raises:
        InputError: both were given, or the task is another one.
    """
    if run is None and pretrained is None:
        return None
    from calovision.models.pretrained import chosen_run, shipped
    from calovision.training.run import RunDir

    chosen = chosen_run(run, (pretrained or task or "") if run is None else None, shipped())
    found = RunDir(chosen).describe()["config"].get("task")
    if task is not None and found != task:
        raise InputError(f"{chosen} is a model of {found}, not of {task}", "leave the task out")
    return chosen


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
