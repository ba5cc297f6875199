"""Trained models that come with the package, one run directory a task."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from calovision.errors import InputError


def pretrained_run(task: str) -> Path:
    """Run directory of the shipped model of a task.

    Raises:
        InputError: no model of that task comes with the package.
    """
    folder = Path(str(resources.files("calovision.tasks.pretrained") / task))
    if not (folder / "model.safetensors").exists():
        raise InputError(f"no {task} model comes with calovision", "train one, and give its run")
    return folder
