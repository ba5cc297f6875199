"""A run directory: configuration, training log, checkpoint, weights and results, written whole."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from calovision.errors import InputError
from calovision.events.files import occupied, write_bytes, writing
from calovision.events.unreadable import exists, read_json, reading
from calovision.tasks.plain_yaml import MOST_CHARACTERS, mapping_of

PACKAGES = ("calovision", "torch", "numpy", "pytorch-lightning", "pyarrow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    return {"python": platform.python_version()} | {p: version(p) for p in PACKAGES}


class RunDir:
    """Files of one training.

    Attributes:
        path: the folder.
        checkpoint: last state of the training, to resume from.
        weights: final weights (safetensors), present once training is done.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoint = self.path / "last.ckpt"
        self.weights = self.path / "model.safetensors"
        self.metrics = self.path / "metrics.jsonl"

    def start(self, config: dict[str, Any], data: dict[str, Any], *, resume: bool) -> None:
        """Create the folder, or check that what is there is this very training.

        Raises:
            InputError: a run is there and ``resume`` is not asked for, or it differs.
        """
        before = self.path / "config.yaml"
        wanted = {"config": config, "data": data}
        if before.exists():
            if not resume:
                raise InputError(
                    f"{self.path} already holds a run", "add --resume or choose another --out"
                )
            if self.describe()["config"] != config:
                raise InputError(
                    f"{self.path} holds a run with another configuration",
                    "give the same options, or choose another --out",
                )
            if self.describe()["data"].get("hash") != data["hash"]:
                raise InputError(f"{self.path} was trained on other data", "give the same --data")
            return
        if occupied(self.path):
            raise InputError(f"{self.path} is not empty", "choose a new folder for --out")
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({**wanted, "versions": versions()}, sort_keys=False)
        write_bytes(before, text.encode())

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
