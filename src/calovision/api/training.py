"""The run directory of a training, and its events on disk."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.model import Model
from calovision.api.scratch import Scratch
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.store import EventStore, save

if TYPE_CHECKING:
    from torch import nn

    from calovision.training.settings import Training

FEWEST_WATCHED = 50  #: simulated events for validation


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


def watched(config: Training, data: Any, place: Path, quiet: bool) -> EventStore | None:
    """Validation events of a training that simulates its own; none of another.

    Raises:
        InputError: there is a set to train on, too, or another one in the folder for them.
    """
    simulated = int(getattr(config, "simulate", 0))
    if not simulated:
        return None
    if data is not None:
        raise InputError("events to simulate, and a set to train on", "give one of them")
    from calovision.models.config import KINDS
    from calovision.models.load import task_class
    from calovision.simulation.driver import simulate_jets
    from calovision.simulation.egamma.driver import simulate_egamma
    from calovision.simulation.sets import simulate_set
    from calovision.utils import streams

    most = getattr(task_class(config), "validation_events", 5000)
    events = min(most, max(math.ceil(config.validation * simulated), FEWEST_WATCHED))
    seed = streams.torch_seed(streams.Stream.FRESH_VALIDATION, config.seed)
    folder = place.with_name(f"{place.name}-events")
    if (folder / "manifest.json").exists():
        there = EventStore.open(folder)
        said = there.manifest["provenance"]
        if (said.get("seed"), len(there)) != (seed, events):
            raise InputError(f"{folder} holds other events", "choose another out")
        return there
    kind = simulate_egamma if config.task in KINDS else simulate_jets
    made = partial(kind, events=events, seed=seed)
    # those of another training of this seed are the same, on purpose
    simulate_set(made, folder, events, "event", {"seed": None}, quiet)
    return EventStore.open(folder)
