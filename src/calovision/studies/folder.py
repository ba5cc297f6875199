"""The folder of a study: whose it is, and the events in it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.reports.from_runs import report
from calovision.simulation.driver import simulate_jets
from calovision.simulation.egamma.driver import simulate_egamma
from calovision.training.run import RunDir
from calovision.utils.files import PART, write_json, writing
from calovision.utils.unreadable import read_json

MEMORY = {"source": "memory"}  #: provenance of events that come from the caller
TEST_SEED = 1_000_000  #: added to the seed for the jets of the comparison


class Sizes(Protocol):
    """Numbers of events that the scale of every study has."""

    @property
    def training(self) -> int:
        """Events simulated for training and validation."""

    @property
    def test(self) -> int:
        """Events for the comparison, simulated with another seed."""


Scale = TypeVar("Scale", bound=Sizes)
#: folder, number, seed, workers, quiet to the events in the folder
Simulated = Callable[[Path, int, int, int, bool], EventStore]


def begin(
    study: str,
    out: Path,
    scales: Mapping[str, Scale],
    scale: str,
    *,
    seed: int,
    workers: int,
    quiet: bool,
    simulated: Simulated | None = None,
) -> tuple[Scale, EventStore, EventStore]:
    """Claim the folder of a study; simulate its events where they are not there yet.

    Args:
        study: name of the study.
        out: its folder.
        scales: the scales there are.
        scale: name of the one that is asked for.
        seed: of all random numbers.
        workers: processes that simulate.
        quiet: without a progress bar.
        simulated: makes the events; :func:`jets` unless told otherwise.

    Returns:
        the numbers of the scale, the events for training, the events for the comparison.

    Raises:
        InputError: unknown scale, or a folder of another study.
    """
    if scale not in scales:
        raise InputError(f"unknown scale {scale!r}", f"choose one of {', '.join(scales)}")
    size = scales[scale]
    claim(out, {"study": study, "scale": scale, "seed": seed})
    make = simulated or jets
    training = make(out / "data" / "train", size.training, seed, workers, quiet)
    test = make(out / "data" / "test", size.test, seed + TEST_SEED, workers, quiet)
    return size, training, test


def claim(out: Path, what: dict[str, Any]) -> None:
    """Refuse a folder that another study, or another version of this one, has begun.

    Raises:
        InputError: the folder is another study's, or holds something that is no study.
    """
    marker = out / "study.json"
    if marker.exists():
        try:
            found: Any = read_json(marker)
        except ValueError:
            found = None
        if found != what:
            raise InputError(f"{out} holds another study", "choose another --out")
        return
    check_free(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    write_json(marker, what)


def check_free(out: Path, mine: Collection[str] = ()) -> None:
    """Refuse a folder that holds anything, such as an event set, for a study to begin in.

    Args:
        out: the folder.
        mine: names that may be there.

    Raises:
        InputError: there is something else.
    """
    with writing(out), suppress(FileNotFoundError):
        found = sorted(p.name for p in out.iterdir() if p.suffix != PART)
        if others := [name for name in found if name not in mine]:
            raise InputError(
                f"{out} is no study and not empty (it has {others[0]})", "choose another --out"
            )


def jets(
    path: Path, number: int, seed: int, workers: int, quiet: bool, **settings: Any
) -> EventStore:
    """The jets in ``path``, simulated if they are not there yet."""
    if (path / "manifest.json").exists():
        return EventStore.open(path)
    with tqdm(total=number, desc=f"simulate {path.name}", unit="jet", disable=quiet) as bar:
        return simulate_jets(
            path,
            number,
            seed,
            workers=workers,
            progress=lambda jets, found: bar.update(jets),
            **settings,
        )


def crops(path: Path, number: int, seed: int, workers: int, quiet: bool) -> EventStore:
    """The electron/photon crops in ``path``, simulated (fast engine) if not there yet."""
    if (path / "manifest.json").exists():
        return EventStore.open(path)
    with tqdm(total=number, desc=f"simulate {path.name}", unit="crop", disable=quiet) as bar:
        return simulate_egamma(
            path, number, seed, workers=workers, progress=lambda done, found: bar.update(done)
        )


def conclude(
    out: Path,
    compare: Callable[[], dict[str, Any]],
    headline: Callable[[dict[str, Any]], list[str]],
) -> tuple[dict[str, Any], Path, list[str]]:
    """End a study: compare its models, unless that is done already, and write the report.

    Args:
        out: folder of the study.
        compare: makes the content of comparison.json, and whatever else the report shows.
        headline: the lines that matter of such a content.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.
    """
    finished = out / "comparison.json"
    if finished.exists():
        comparison = dict(json.loads(finished.read_text()))
    else:
        comparison = compare()
        write_json(finished, comparison)
    page = report([out], out / "report.html")
    return comparison, page, headline(comparison)


def train_on(
    task: str,
    events: Events | EventStore,
    model: str | None,
    out: str | Path,
    settings: dict[str, Any],
    *,
    resume: bool = False,
) -> RunDir:
    """Train one model of a task; events in memory are kept beside the run, in ``OUT-data``.

    What is doubtful about the training, such as a budget that was too short, is a warning.

    Raises:
        InputError: unknown model or setting, or ``out`` holds a run and ``resume`` is not asked
            for.
        Interrupted: by Ctrl-C or SIGTERM; what was reached is kept.
    """
    config, out = load_config(task, model, overrides=settings), Path(out)
    if isinstance(events, Events):
        kept = out.with_name(f"{out.name}-data")
        begun = resume and (kept / "manifest.json").exists()
        events = EventStore.open(kept) if begun else save(events, kept, provenance=MEMORY)
    run = train(config, events, out, resume=resume)
    for line in run.budget().get("warnings", []):
        warnings.warn(line, stacklevel=3)  # of the one who asked for the training
    return run
