"""Score event sets with a trained tagger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.files import atomic
from calovision.events.store import EventStore
from calovision.tasks.models import load_tagger
from calovision.tasks.rundir import RunDir
from calovision.tasks.tagger import TaggerTask, TaggerView

PORTION = 1000  #: events prepared while those before are scored
FORMATS = (".parquet", ".csv")


@dataclass(frozen=True)
class Scores:
    """What a tagger says about ``n`` events.

    Attributes:
        probability: ``(n,)`` calibrated probability of class 1 (quark), in [0, 1].
        foreign: ``(n,)`` bool, true for events unlike the training events: their probability
            has no ground.
        wall_s: time taken, preparing the events included.
    """

    probability: NDArray[np.float64]
    foreign: NDArray[np.bool_]
    wall_s: float


def _portions(source: Events | EventStore) -> Iterator[Events]:
    for start in range(0, len(source), PORTION):
        yield source[start : min(start + PORTION, len(source))]


def score(task: TaggerTask, source: Events | EventStore, quiet: bool = False) -> Scores:
    """Score every event, in order, in memory that does not grow with their number.

    The next events are read and prepared while the network works on those before.
    """
    begin = time.perf_counter()
    probability, foreign = np.empty(len(source)), np.empty(len(source), bool)
    with (
        ThreadPoolExecutor(1) as ahead,
        tqdm(total=len(source), desc="classify", unit="event", disable=quiet, leave=False) as bar,
    ):
        portions = _portions(source)

        def prepared() -> TaggerView | None:
            events = next(portions, None)
            return None if events is None else task.view(events)

        coming, done = ahead.submit(prepared), 0
        while (view := coming.result()) is not None:
            coming = ahead.submit(prepared)
            here = slice(done, done + len(view))
            probability[here] = task.probabilities(task.logits(view))
            foreign[here] = task.domain.foreign(view.domain)
            done += len(view)
            bar.update(len(view))
    return Scores(probability, foreign, time.perf_counter() - begin)


def classify(run: Path, store: EventStore, out: Path, *, quiet: bool = False) -> Scores:
    """Score ``store`` and write one row an event to ``out`` (``.parquet`` or ``.csv``).

    Columns: ``event`` (number in the set), ``quark_probability``, ``foreign``, and ``label`` where
    the set has it.

    Raises:
        InputError: not a finished tagger run, images of another geometry, another kind of file,
            or ``out`` cannot be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"cannot write {out.name}", f"end it with {' or '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent}", "make it, or choose another --out")
    task = load_tagger(RunDir(run))
    task.check(store.geometry)
    scores = score(task, store, quiet)
    columns = {
        "event": np.arange(len(store)),
        "quark_probability": scores.probability,
        "foreign": scores.foreign,
    }
    if "label" in store.columns():
        columns["label"] = store.column("label")
    table = pa.table(columns)
    with atomic(out) as part:
        if out.suffix == ".csv":
            pyarrow.csv.write_csv(table, part)
        else:
            pyarrow.parquet.write_table(table, part)
    return scores
