"""Trained models that come with the package, one run directory a task."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from calovision.errors import InputError
from calovision.events.files import occupied, write_bytes, writing
from calovision.tasks.rundir import RunDir

#: task that classifies events, by the schema of their geometry
CLASSIFIERS = {"jets": "jet-tagger", "crops": "egamma"}


def pretrained_run(task: str) -> Path:
    """Run directory of the shipped model of a task; its card.md tells what it is good for.

    Raises:
        InputError: no model of that task comes with the package.
    """
    room = Path(str(resources.files("calovision.tasks.pretrained")))
    if not (room / task / "model.safetensors").exists():
        there = sorted(folder.parent.name for folder in room.glob("*/model.safetensors"))
        raise InputError(
            f"no {task} model comes with calovision",
            f"choose one of {', '.join(there)}, or train one and give its run",
        )
    return room / task


def chosen_run(run: Path | None, pretrained: bool, task: str) -> Path:
    """The run that a command was given, or the shipped model of ``task`` if that was asked for.

    Raises:
        InputError: both or neither were given, or no such model comes with the package.
    """
    if (run is None) != pretrained:
        raise InputError("which model?", "give a run directory or --pretrained, not both")
    return run or pretrained_run(task)


def copy_or_run(run: Path | None, task: str | None, out: Path | None) -> Path:
    """The run that a command was given, or a copy in ``out`` of the shipped model of ``task``.

    Raises:
        InputError: both or neither were given, or ``out`` is missing, or not asked for.
    """
    if task is None:
        if out is not None:
            raise InputError("--out is for --pretrained", "a run keeps its results itself")
        return chosen_run(run, False, "")
    chosen_run(run, True, task)
    if out is None:
        raise InputError("no place for the results", "give --out, a folder to write")
    return copied_run(task, out)


def copied_run(task: str, out: Path) -> Path:
    """A copy of the shipped run of a task, for commands that add to a run; it is kept if there.

    Raises:
        InputError: no such model comes with the package, or ``out`` holds something else.
    """
    source = pretrained_run(task)
    if occupied(out) and RunDir(out).describe() != RunDir(source).describe():
        raise InputError(f"{out} holds another run", "choose a new folder for --out")
    # The configuration first: by it, a copy that was interrupted is known again.
    files = sorted(source.rglob("*"), key=lambda file: (file.name != "config.yaml", file))
    for file in files:
        copy = out / file.relative_to(source)
        if file.is_file() and not copy.exists():
            with writing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(copy, file.read_bytes())
    return out
