"""A run directory: configuration, training log, checkpoint, weights and results, written whole."""

from __future__ import annotations

import json
import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from calovision.errors import InputError
from calovision.utils.files import occupied, write_bytes, writing
from calovision.utils.plain_yaml import MOST_CHARACTERS, mapping_of
from calovision.utils.unreadable import exists, read_json, reading

#: settings that may be larger when a training goes on: it lasts longer, nothing else changes
LENGTHS = frozenset({"epochs", "budget_s"})
#: settings that say where a training works, not what it learns; it may go on elsewhere
PLACES = frozenset({"device", "workers"})
PACKAGES = ("calovision", "torch", "numpy", "pyarrow")


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two configurations are of the same training, wherever it works."""
    return all(one.get(k) == other.get(k) for k in (one.keys() | other.keys()) - PLACES)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    return {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}


class RunDir:
    """Files of one training.

    Attributes:
        path: the folder.
        checkpoint: last state of the training, to resume from.
        best: weights at the lowest validation loss so far.
        weights: final weights (safetensors), present once training is done.
        start_weights: those of a finished training that goes on without its last state.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoint = self.path / "last.ckpt"
        self.best = self.path / "best.ckpt"
        self.weights = self.path / "model.safetensors"
        self.start_weights = self.path / "start.safetensors"
        self.metrics = self.path / "metrics.jsonl"

    def start(
        self,
        settings: BaseModel,
        data: dict[str, Any],
        *,
        resume: bool,
        lengths: frozenset[str] = LENGTHS,
    ) -> None:
        """Create the folder, or check that what is there is this very training, however long.

        Raises:
            InputError: a run is there and ``resume`` is not asked for, or it differs.
        """
        wanted = {"config": settings.model_dump(), "data": data}
        if not resume or not self.begun:
            self.check_new()
        else:
            self._check_same(settings, lengths)
            if self.describe()["data"].get("hash") != data["hash"]:
                raise InputError(f"{self.path} was trained on other data", "give the same --data")
            return
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._record(wanted | {"versions": versions()})

    @property
    def begun(self) -> bool:
        """Whether a training was begun here."""
        return (self.path / "config.yaml").exists()

    def check_new(self) -> None:
        """Check that a new run can be written here.

        Raises:
            InputError: there is a run, or something else.
        """
        if self.begun:
            raise InputError(
                f"{self.path} already holds a run", "add --resume or choose another --out"
            )
        if occupied(self.path):
            raise InputError(f"{self.path} is not empty", "choose a new folder for --out")

    def config_of(self, kind: type[BaseModel]) -> dict[str, Any]:
        """The recorded configuration, with the defaults of settings that are newer than the run.

        Not those of a preset, which are for new trainings.
        """
        fields = kind.model_fields.items()
        defaults = {
            k: f.get_default(call_default_factory=True)
            for k, f in fields
            if not f.is_required() and not f.exclude
        }
        return defaults | dict(self.describe()["config"])

    def _check_same(self, settings: BaseModel, lengths: frozenset[str]) -> None:
        """Refuse settings that differ from the recorded ones in more than the training's length."""
        recorded = self.config_of(type(settings))
        for key, value in settings.model_dump().items():
            if key not in lengths | PLACES and recorded.get(key, value) != value:
                raise InputError(
                    f"{self.path} holds a run with another configuration:"
                    f" {key} is {recorded[key]} there, not {value}",
                    "give the same options, or choose another --out",
                )

    def record(self, config: dict[str, Any]) -> None:
        """Replace the recorded configuration."""
        self._record(self.describe() | {"config": config})

    def _record(self, content: dict[str, Any]) -> None:
        text = yaml.safe_dump(content, sort_keys=False)
        write_bytes(self.path / "config.yaml", text.encode())

    def how_to_go_on(self, reached: str) -> str:
        """What was ``reached``, and the command that goes on from there."""
        return f"{reached}; go on with: calovision train --resume {shlex.quote(str(self.path))}"

    def describe(self) -> dict[str, Any]:
        """The recorded configuration, data and versions.

        Raises:
            InputError: no readable run here.
        """
        path = self.path / "config.yaml"
        try:
            loaded = {}
            if exists(path):
                with reading(path), path.open(encoding="utf-8") as file:
                    loaded = mapping_of(file.read(MOST_CHARACTERS + 1))
        except ValueError:
            loaded = {}
        if not all(isinstance(loaded.get(k), dict) for k in ("config", "data")):
            raise InputError(
                f"{self.path} is not a run directory", "give the --out of 'calovision train'"
            )
        return loaded

    def data_path(self) -> Path:
        """The event set that the training was begun with.

        Raises:
            InputError: it is no longer there.
        """
        path = Path(str(self.describe()["data"].get("path", "")))
        if not path.exists():
            raise InputError(
                f"{path}, which {self.path} was begun with, is not there", "give its place: --data"
            )
        return path

    def budget(self) -> dict[str, Any]:
        """Time, steps, parameters and device of the training.

        Raises:
            InputError: the training is not finished.
        """
        path = self.path / "budget.json"
        try:
            loaded = read_json(path) if exists(path) else None
        except ValueError:
            loaded = None
        if loaded is None:
            raise InputError(f"the training in {self.path} is not finished", "go on with --resume")
        return loaded

    def append(self, row: dict[str, Any]) -> None:
        """Add one row to the training log."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The training log."""
        if not self.metrics.exists():
            return []
        rows = []
        for line in self.metrics.read_text(errors="replace").splitlines():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue  # a line cut short by a kill
            if isinstance(row, dict):
                rows.append(row)
        return rows

    def keep_rows(self, step: int) -> None:
        """Cut the training log behind ``step``, where a training goes on: later rows come again."""
        kept = [r for r in self.rows() if r.get("step", 0) <= step]
        text = "".join(json.dumps(row) + "\n" for row in kept)
        if self.metrics.exists():
            write_bytes(self.metrics, text.encode())
