"""What all studies have in common: the folder, the events, the trainings, the comparison, the page.

A study is a :class:`Description`; :func:`run` carries it out. Finished steps are not done again.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from calovision.api.fine_tune import fine_tune
from calovision.errors import InputError
from calovision.events.store import EventStore
from calovision.models.config import load_config
from calovision.models.pretrained import pretrained_run
from calovision.models.train import train
from calovision.reports.from_runs import report
from calovision.simulation.driver import simulate_jets
from calovision.studies.trainings import Training, each
from calovision.training.run import RunDir
from calovision.utils.files import PART, write_json, writing
from calovision.utils.unreadable import read_json

TEST_SEED = 1_000_000  #: added to the seed for the events of the comparison
#: and for training events of a scale that begins with the model of the package, which has learned
#: from those of the seed itself
FINE_SEED = 2_000_000
#: simulates a set: folder, number of events, seed, and ``workers`` and ``progress`` by name
Simulate = Callable[..., EventStore]


@dataclass(frozen=True)
class StudyFolder:
    """The folder that a study writes, and what was asked for.

    Attributes:
        path: the folder.
        size: what the scale means for this study: numbers of events, seeds and seconds.
        seed: of all random numbers.
        workers: processes that simulate and train.
        quiet: no progress bars.
    """

    path: Path
    size: Any
    seed: int
    workers: int
    quiet: bool

    @property
    def training(self) -> EventStore:
        """The events for training and validation."""
        return EventStore.open(self.path / "data" / "train")

    @property
    def test(self) -> EventStore:
        """The events for the comparison, simulated with another seed."""
        return EventStore.open(self.path / "data" / "test")

    def simulated(
        self, simulate: Simulate, unit: str, name: str, number: int, seed: int, **settings: Any
    ) -> EventStore:
        """The set ``data/NAME``, simulated if it is not there yet."""
        path = self.path / "data" / name
        if (path / "manifest.json").exists():
            return EventStore.open(path)
        with tqdm(total=number, desc=f"simulate {name}", unit=unit, disable=self.quiet) as bar:
            settings |= {"workers": self.workers, "progress": lambda done, found: bar.update(done)}
            return simulate(path, number, seed, **settings)

    def train(self, training: Training, *, quiet: bool = True) -> RunDir:
        """The run of a training, begun or gone on with if it is not finished yet."""
        out = self.path / training.folder
        if training.pretrained:
            start = pretrained_run(training.task)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # the report tells them
                fine_tune(
                    start, self.training, out=out, resume=True, quiet=quiet, **training.settings
                )
            return RunDir(out)
        config = load_config(training.task, training.model, overrides=training.settings)
        return train(config, self.training, out, resume=True, quiet=quiet)


@dataclass(frozen=True)
class Step:
    """What is done with every training of a study, side by side in processes of one thread.

    Attributes:
        title: of the progress bar.
        work: does it; must survive pickling.
        finished: whether it has been done.
    """

    title: str
    work: Callable[[StudyFolder, Training], None]
    finished: Callable[[StudyFolder, Training], bool]


@dataclass(frozen=True)
class Description:
    """What distinguishes a study from the others.

    Attributes:
        name: as it is typed.
        scales: sizes of the study, of a type of its own, by their names.
        compare: writes what the report shows, and gives ``models``, ``differences``, ``floor`` and
            whatever else belongs into comparison.json.
        headline: the lines that matter of comparison.json.
        trainings: of a size and a seed: every training of the study.
        steps: what is done with them before the comparison.
        simulate: simulates sets of ``size.training`` and ``size.test`` events; nothing if None.
        unit: what an event is called.
    """

    name: str
    scales: Mapping[str, Any]
    compare: Callable[[StudyFolder], dict[str, Any]]
    headline: Callable[[dict[str, Any]], list[str]]
    trainings: Callable[[Any, int], Sequence[Training]] = lambda size, seed: ()
    steps: Sequence[Step] = ()
    simulate: Simulate | None = simulate_jets
    unit: str = "jet"


def run(
    study: Description,
    out: Path,
    *,
    scale: str,
    seed: int = 1,
    workers: int = 2,
    quiet: bool = False,
) -> tuple[dict[str, Any], Path, list[str]]:
    """Simulate, train and compare in ``out``; finished steps are not done again.

    Returns:
        the comparison (content of comparison.json), the report file, and the lines that matter.

    Raises:
        InputError: the folder is another study's, or holds something that is no study.
    """
    claim(out, {"study": study.name, "scale": scale, "seed": seed})
    size = study.scales[scale]
    folder = StudyFolder(out, size, seed, workers, quiet)
    if study.simulate is not None:
        more = FINE_SEED if getattr(size, "pretrained", False) else 0
        folder.simulated(study.simulate, study.unit, "train", size.training, seed + more)
        folder.simulated(study.simulate, study.unit, "test", size.test, seed + TEST_SEED)
    # The longest first: none is left alone with one worker at the end.
    trainings = sorted(
        study.trainings(size, seed), key=lambda t: float(t.settings["budget_s"]), reverse=True
    )
    for step in study.steps:
        missing = [t for t in trainings if not step.finished(folder, t)]
        done = len(trainings) - len(missing)
        work = partial(step.work, folder)
        each(work, missing, workers=workers, quiet=quiet, done=done, title=step.title)
    finished = out / "comparison.json"
    if finished.exists():
        comparison = dict(json.loads(finished.read_text()))
    else:
        comparison = {"study": study.name, "scale": scale, **study.compare(folder)}
        write_json(finished, comparison)
    return comparison, report([out], out / "report.html"), study.headline(comparison)


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


def check_free(out: Path, own: Collection[str] = ()) -> None:
    """Refuse a folder that holds anything, such as an event set, for a study to begin in.

    Args:
        out: the folder.
        own: names of what may be there.

    Raises:
        InputError: there is something else.
    """
    with writing(out), suppress(FileNotFoundError):
        found = sorted(p.name for p in out.iterdir() if p.suffix != PART)
        if others := [name for name in found if name not in own]:
            raise InputError(
                f"{out} is no study and not empty (it has {others[0]})", "choose another --out"
            )


def difference(a: str, b: str, metric: str, value: float, error: float) -> dict[str, Any]:
    """A row of ``differences`` in comparison.json: a metric of model ``a`` minus that of ``b``."""
    return {"a": a, "b": b, "metric": metric, "value": value, "error": error}


def differences(ours: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """One model's results minus another's, for all metrics that both have a value of.

    Errors add in quadrature, as of trainings or samples that do not depend on each other.
    """
    rows = []
    for key, metric in ours["metrics"].items():
        against = other["metrics"].get(key)
        if against is not None and None not in (metric["value"], against["value"]):
            value = metric["value"] - against["value"]
            error = math.hypot(metric["error"] or 0, against["error"] or 0)
            rows.append(difference(ours["model"], other["model"], key, value, error))
    return rows


def beside(
    comparison: dict[str, Any], key: str, ours: str, others: Mapping[str, str], digits: int = 3
) -> str:
    """A metric of our model, and in brackets that of others, given by what to call each."""
    metrics = {result["model"]: result["metrics"][key] for result in comparison["models"]}

    def text(model: str) -> str:
        return f"{metrics[model]['value']:.{digits}f} +- {metrics[model]['error']:.{digits}f}"

    return f"{text(ours)} ({', '.join(f'{name} {text(model)}' for name, model in others.items())})"
