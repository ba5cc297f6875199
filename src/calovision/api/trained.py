"""A run directory and its trained task, loaded on first use on a device."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calovision.api.scratch import Scratch
from calovision.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from calovision.training.task import Task

Kind = Literal["tagger", "autoencoder", "generator"]
#: tasks whose models are of a kind
TASKS: dict[Kind, str] = {
    "tagger": "jet-tagger or egamma",
    "autoencoder": "jet-vae",
    "generator": "jet-generator",
}


class Trained:
    """A finished run and its task.

    Args:
        path: run directory.
        device: where the network computes.
        module: the network, of a run that trained one of the user's own.

    Raises:
        InputError: not a finished run, or no such device.
    """

    def __init__(self, path: Path, device: str, module: nn.Module | None) -> None:
        from calovision.training.devices import chosen_device
        from calovision.training.run import RunDir

        self.device = str(device)
        chosen_device(self.device)
        self.run, self.module = RunDir(path), module
        self.config: dict[str, Any] = self.run.describe()["config"]
        self.run.budget()  # there is one when a training is finished
        self._task: Task | None = None
        self._holds: Scratch | None = None
        if self.config.get("task") != "symmetry":
            self.loaded()  # another run may lie there later

    @property
    def ships(self) -> bool:
        """Whether the run comes with the package, and is not to be written into."""
        from calovision.models.pretrained import ROOM

        return ROOM in self.run.path.resolve().parents

    def to(self, device: str) -> None:
        """Compute on another device from now on."""
        from calovision.training.devices import chosen_device

        place = chosen_device(str(device))
        self.device = str(device)
        if self._task is not None:
            self._task.place(place)

    def loaded(self) -> Task:
        """The task with its weights.

        Raises:
            InputError: it is one of symmetries, or the weights are damaged.
        """
        if self.config.get("task") == "symmetry":
            raise InputError("a symmetry model does not do this", "use discover and evaluate")
        if self._task is None:
            from calovision.models.load import load_task

            self._task = load_task(self.run, device=self.device, module=self.module)
        return self._task

    def of_kind(self, kind: Kind) -> Any:
        """The task, if it is of the kind.

        Raises:
            InputError: it is of another one.
        """
        from calovision.models.autoencoders.base import AutoencoderTask
        from calovision.models.generators.base import GeneratorTask
        from calovision.models.taggers.base import TaggerTask

        kinds = {"tagger": TaggerTask, "autoencoder": AutoencoderTask, "generator": GeneratorTask}
        if self.config.get("task") == "symmetry" or not isinstance(self.loaded(), kinds[kind]):
            raise InputError(
                f"{self.run.path} is a {self.config.get('task')} model, no {kind}",
                f"use a {TASKS[kind]} model",
            )
        return self._task

    def writable_run(self) -> Path:
        """The run directory; of a model that comes with the package a copy, while this lives."""
        if not self.ships:
            return self.run.path
        if self._holds is None:
            self._holds = Scratch()
            shutil.copytree(self.run.path, self._holds.path, dirs_exist_ok=True)
        return self._holds.path

    def hold(self, folder: Scratch) -> None:
        """Keep a temporary folder, in which the run lies, while this lives."""
        self._holds = folder
