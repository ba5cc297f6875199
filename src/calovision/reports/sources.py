"""What every report is made of: the files of a study folder, or of a single evaluated run.

A study folder::

    comparison.json     required: models (one results.json object each), differences, floor
    curves.json         {model: [{"step", "wall_s", "train_loss", "val_loss", ...}, ...]}
    examples/           event sets of the same few events in the same order: ``original``
                        and one named like each model that remakes events

The files of one kind of study stand in the module that draws them, such as
``jet_vae``. Only ``comparison.json`` must be there; each missing file leaves
out its part of the report. A run folder has ``results.json`` and, for its curves,
``metrics.jsonl``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Geometry
from calovision.events.store import EventStore
from calovision.reports.event_kinds import EventKind
from calovision.reports.tables import BASELINE
from calovision.training.run import RunDir
from calovision.utils.arrays import read_arrays
from calovision.utils.files import atomic
from calovision.utils.unreadable import exists, read_json, reading

ORIGINAL = "original"
LONGEST_NAME = 100  #: characters of the name of a model
OURS = "ours"
#: our model where a study has several beside the baseline
OUR_MODEL = {
    "jet-tagging": "particle-transformer",
    "jet-generation": "particles",
    "egamma": "crop-net",
    "symmetry": "isometry",
}
Arrays = dict[str, NDArray[Any]]


@dataclass
class Source:
    """Everything a report shows about one study or run; what is missing is empty.

    Attributes:
        path: the folder.
        name: name of the study, or task of the run.
        scale: scale of the study, empty for a run.
        models: name shown to results.json content, ours first and the baseline last.
        geometry: of the events.
        names: model to the name shown.
        floor: metric to its truth-against-truth value.
        curves: name shown to rows of the training log.
        examples: ``original`` and models to the same few events.
        differences: differences of two models, with the names shown.
        protocol: name shown to results.json content of models trained as published.
    """

    path: Path
    name: str
    scale: str
    models: dict[str, dict[str, Any]]
    geometry: Geometry = JET_IMAGES
    floor: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    examples: dict[str, Events] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)
    protocol: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def kind(self) -> EventKind:
        """What the events are called."""
        return EventKind(self.geometry)

    def arrays(self, file: str) -> Arrays:
        """Arrays of an ``.npz`` file of the folder, none if it is absent.

        Raises:
            InputError: the file is damaged.
        """
        path = self.path / file
        return read_arrays(path, _AGAIN) if path.exists() else {}

    def nested(self, file: str) -> dict[str, Arrays]:
        """Arrays named ``"a/b"`` as ``[a][b]``, originals first, models by the names shown."""
        arrays, order = self.arrays(file), [ORIGINAL, *self.names]
        found: dict[str, Arrays] = {}

        def rank(key: str) -> int:
            """Position of the model, the end for strangers."""
            name = key.partition("/")[2]
            return order.index(name) if name in order else len(order)

        for key in sorted(arrays, key=rank):
            outer, _, inner = key.partition("/")
            found.setdefault(outer, {})[self.names.get(inner, inner)] = arrays[key]
        return found

    def content(self, file: str, **keys: Sequence[str]) -> dict[str, Any]:
        """A JSON object of the folder, empty if the file is absent.

        Args:
            file: its name.
            **keys: name of a list of records to the keys that each of them must have; models in
                ``model`` get the names shown. A list that is not there is empty.

        Raises:
            InputError: the file cannot be read, or a record lacks a key.
        """
        path = self.path / file
        content = _json(path) if path.exists() else {}
        for name, needed in keys.items():
            content[name] = self._records(content.get(name, []), needed, path)
        return content

    def _records(self, rows: Any, needed: Sequence[str], path: Path) -> list[dict[str, Any]]:
        """The records with the names shown, refused if one lacks a key."""
        known = isinstance(rows, list) and all(isinstance(r, dict) for r in rows)
        if not known or any(key not in row for row in rows for key in needed):
            raise InputError(f"{path} has a record without {' or '.join(needed)}", _AGAIN)
        of, shown = ("model", "a", "b"), self.names
        return [{k: shown.get(str(v), v) if k in of else v for k, v in r.items()} for r in rows]


def read_source(path: Path) -> Source:
    """Read a study or a run folder.

    Raises:
        InputError: neither is there, or a file in it is broken.
    """
    path = Path(path)
    if exists(path / "comparison.json"):
        return _read_study(path)
    if exists(path / "results.json"):
        return _read_run(path)
    raise InputError(
        f"{path} holds neither comparison.json nor results.json",
        "run 'calovision study' or 'calovision evaluate' first",
    )


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write an ``.npz`` file of this layout, complete or not at all."""
    with atomic(Path(path)) as part, part.open("wb") as file:
        np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
    return Path(path)


def shown_names(models: list[str], our_model: str = "") -> dict[str, str]:
    """Model to the name shown: ``ours`` for our model, or the only one beside the baseline."""
    others = [m for m in models if m != BASELINE]
    ours = others[0] if BASELINE in models and len(others) == 1 else our_model
    return {m: OURS if m == ours else m for m in models}


def _read_study(path: Path) -> Source:
    comparison = _json(path / "comparison.json")
    rows = comparison.get("models")
    if not (isinstance(rows, list) and all(map(_is_result, rows))) or not isinstance(
        comparison.get("floor", {}), dict
    ):
        raise InputError(f"{path / 'comparison.json'} is not a comparison", _AGAIN)
    results = {str(r["model"]): r for r in rows}
    if not results:
        raise InputError(f"{path / 'comparison.json'} compares no models", _AGAIN)
    study = str(comparison.get("study", path.name))
    our_model = OUR_MODEL.get(study, "")
    order = sorted(results, key=lambda m: (m == BASELINE) - (m == our_model))
    names = shown_names(order, our_model)
    curves = _json(path / "curves.json") if (path / "curves.json").exists() else {}
    examples = {}
    for folder, name in {ORIGINAL: ORIGINAL, **names}.items():
        if (path / "examples" / folder).is_dir():
            examples[name] = EventStore.open(path / "examples" / folder).load()
    source = Source(
        path,
        study,
        str(comparison.get("scale", "")),
        {names[m]: results[m] for m in order},
        _geometry(path, study, examples),
        {k: v for k, v in comparison.get("floor", {}).items() if isinstance(v, int | float)},
        {names[m]: curves[m] for m in order if curves.get(m)},
        examples,
        names,
    )
    records = source.content(
        "comparison.json",
        differences=("a", "b", "metric", "value", "error"),
        protocol=("model", "metrics"),
    )
    source.differences = records["differences"]
    source.protocol = {r["model"]: r for r in records["protocol"]}
    return source


def _read_run(path: Path) -> Source:
    results = _json(path / "results.json")
    if not isinstance(results.get("metrics"), dict):
        raise InputError(f"{path / 'results.json'} has no metrics", "evaluate the run again")
    model = str(results.get("model", path.name))
    task = str(results.get("task", path.name))
    source = Source(path, task, "", {model: results}, _geometry(path, task, {}))
    log = path / "metrics.jsonl"
    rows, lines = [], []
    if exists(log):
        with reading(log):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue  # the last line of a run that was killed while writing
    source.curves = {model: rows} if rows else {}
    return source


_AGAIN = "run the study again"


def _geometry(path: Path, name: str, examples: Mapping[str, Events]) -> Geometry:
    """Geometry of the events that a folder tells of; the usual one of a task if it does not."""
    if examples:
        return next(iter(examples.values())).geometry
    if (path / "data" / "test" / "manifest.json").is_file():
        return EventStore.open(path / "data" / "test").geometry
    try:
        return Geometry.from_dict(RunDir(path).describe()["data"].get("geometry"))
    except (InputError, ValueError):
        return EGAMMA_CROPS if name == "egamma" else JET_IMAGES


def _is_result(row: Any) -> bool:
    """Whether a record has metrics and the name of a model, of which folders are named."""
    if not isinstance(row, dict) or not isinstance(row.get("metrics"), dict) or "model" not in row:
        return False
    name = str(row["model"])
    return Path(name).name == name and name != ".." and len(name) <= LONGEST_NAME


def _json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        return read_json(path)
    except ValueError as error:
        raise InputError(f"{path} cannot be read as a JSON object", _AGAIN) from error
