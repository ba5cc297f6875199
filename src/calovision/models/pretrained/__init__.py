"""Trained models that come with the package, one run directory a task; of others see ``hub``."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from calovision.errors import InputError
from calovision.models.pretrained.hub import SCHEME, hub_run, room
from calovision.training.run import RunDir
from calovision.utils.files import occupied, write_bytes, writing

#: task that classifies events, by the schema of their geometry
CLASSIFIERS = {"jets": "jet-tagger", "crops": "egamma"}
#: tasks that can be measured on events, by the schema of their geometry
MEASURED = {"jets": ("jet-tagger", "jet-vae", "jet-generator"), "crops": ("egamma",)}
ROOM = Path(str(resources.files("calovision.models.pretrained")))  #: where they lie
GENERATOR = "jet-generator"  #: the task whose model needs no events to show something


def pretrained_run(task: str) -> Path:
    """Run directory of the shipped model of a task; its card.md tells what it is good for.

    Of an address ``hf://owner/name`` that of a shared model, see :mod:`.hub`.

    Raises:
        InputError: no model of that task comes with the package, or it cannot be fetched.
    """
    if task.startswith(SCHEME):
        return hub_run(task)
    if task not in shipped():
        raise InputError(
            f"no {task} model comes with calovision",
            f"choose one of {', '.join(shipped())}, hf://OWNER/NAME, or train one and give its run",
        )
    return ROOM / task


def is_shared(run: Path) -> bool:
    """Whether a run is not the user's own, and not to be written into."""
    return bool({ROOM, room().resolve()} & set(run.resolve().parents))


def shipped() -> tuple[str, ...]:
    """Tasks whose models come with the package."""
    return tuple(sorted(folder.parent.name for folder in ROOM.glob("*/model.safetensors")))


def chosen_run(run: Path | None, pretrained: str | None, fitting: tuple[str, ...]) -> Path:
    """The run that a command was given, or the shipped model that was asked for.

    Args:
        run: run directory, or ``None``.
        pretrained: task of the shipped model; empty for the one that fits; ``None`` for none.
        fitting: tasks of the shipped models that the command can use.

    Raises:
        InputError: both or neither were given, no such model comes with the package, it does not
            fit, or several do.
    """
    if (run is None) == (pretrained is None):
        raise InputError("which model?", "give a run directory or --pretrained, not both")
    if run is not None:
        return run
    if not fitting:
        raise InputError("no model comes with the package for such events", "give a run directory")
    if not pretrained and len(fitting) > 1:
        raise InputError("which model?", f"name one behind --pretrained: {', '.join(fitting)}")
    chosen = pretrained_run(pretrained or fitting[0])
    task = RunDir(chosen).describe()["config"].get("task")
    if task not in fitting:
        raise InputError(
            f"the {task} model does not fit here",
            f"give --pretrained {' or '.join(fitting)}",
        )
    return chosen


def copy_or_run(
    run: Path | None, pretrained: str | None, fitting: tuple[str, ...], out: Path | None
) -> Path:
    """The run that a command was given, or a copy in ``out`` of the shipped model asked for.

    Raises:
        InputError: as :func:`chosen_run`, or ``out`` is missing, or given beside a run.
    """
    chosen = chosen_run(run, pretrained, fitting)
    if run is not None:
        if out is not None:
            raise InputError("--out is for --pretrained", "a run keeps its results itself")
        return chosen
    if out is None:
        raise InputError("no place for the results", "give --out, a folder to write")
    return copied_run(chosen, out)


def copied_run(source: Path, out: Path) -> Path:
    """A copy of a run, for commands that add to it; it is kept if there.

    Raises:
        InputError: ``out`` holds something else.
    """
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
