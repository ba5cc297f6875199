"""The run directory of a training, and its events on disk."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.model import Model
from calovision.api.scratch import Scratch
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.store import EventStore, save

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Place:
    """Where a run is written.

    Attributes:
        folder: the run directory.
        holds: the temporary folder that it lies in, where none was asked for.
    """

    folder: Path
    holds: Scratch | None = None

    @classmethod
    def of(cls, out: str | Path | None, resume: bool) -> Place:
        """The folder ``out``, looked at before anything is loaded, or a temporary one.

        Raises:
            InputError: there is something, and ``resume`` is not asked for.
        """
        from calovision.training.run import RunDir

        if out is None:
            holds = Scratch()
            return cls(holds.path / "run", holds)
        if not resume:
            RunDir(Path(out)).check_new()
        return cls(Path(out))

    def model(self, device: str | None, module: nn.Module | None) -> Model:
        """The model that was trained here; what is doubtful about it is warned of."""
        made = Model(self.folder, device=device or "auto", module=module)
        for doubt in made.budget.get("warnings", []):
            warnings.warn(f"{made.name}: {doubt}", stacklevel=3)
        if self.holds is not None:
            made._trained.hold(self.holds)
        return made


def given_settings(**settings: Any) -> dict[str, Any]:
    """The settings that are not left to the preset."""
    found = {name: value for name, value in settings.items() if value is not None}
    return found | {"device": str(found["device"])} if "device" in found else found


def on_disk(data: Any, place: Path, skip_corrupt: bool = False) -> EventStore:
    """The events as a set on disk; those in memory are written beside the run, which needs them.

    Raises:
        InputError: not events, or others are there.
    """
    if isinstance(data, str | Path):
        return EventStore.open(data, skip_corrupt=skip_corrupt)
    if isinstance(data, EventStore):
        return data
    if not isinstance(data, EventSet):
        raise InputError(
            f"{type(data).__name__} in place of training events",
            "give events, or the folder of a set",
        )
    folder = place.with_name(f"{place.name}-events")
    if (folder / "manifest.json").exists():
        there = EventStore.open(folder)
        if there.load().hash == data.load().hash:
            return there
        raise InputError(f"{folder} holds other events", "choose another out")
    return save(data, folder, provenance={"source": "cv.train", "of": data.provenance})
