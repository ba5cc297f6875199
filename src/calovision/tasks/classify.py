"""Score event sets with a trained tagger."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.files import atomic
from calovision.events.store import EventStore
from calovision.tasks.devices import enough_memory
from calovision.tasks.domain import domain_features
from calovision.tasks.models import load_tagger
from calovision.tasks.rundir import RunDir
from calovision.tasks.side_by_side import side_by_side
from calovision.tasks.tagger import TaggerTask
from calovision.tasks.training_events import known_training_events

PORTION = 500  #: events prepared and scored at a time
FORMATS = (".parquet", ".csv")


@dataclass(frozen=True)
class Scores:
    """What a tagger says about ``n`` events.

    Attributes:
        probability: ``(n,)`` calibrated probability of class 1 (quark), in [0, 1].
        out_of_distribution: ``(n,)`` bool, true for events unlike the training events: their
            probability has no ground.
        wall_s: time taken, preparing the events included, but not what is loaded or compiled once.
        training: ``(n,)`` bool, true for events that the tagger was trained or validated on; none
            where that was not asked for, or cannot be told.
    """

    probability: NDArray[np.float64]
    out_of_distribution: NDArray[np.bool_]
    wall_s: float
    training: NDArray[np.bool_] | None = None


def score(task: TaggerTask, source: EventSet, quiet: bool = False) -> Scores:
    """Score every event, in order, in memory that does not grow with their number.

    Portions of events are prepared and scored side by side; the scores are the same on any number
    of threads.
    """
    probability, unlike = np.empty(len(source)), np.empty(len(source), bool)
    reading = Lock()
    task.eval()
    with enough_memory(task.device):
        task.logits(task.view(source[:1]))
    begin = time.perf_counter()

    def portion(start: int) -> int:
        here = slice(start, min(start + PORTION, len(source)))
        with reading:
            events = source[here]
        view = task.view(events)
        probability[here] = task.probabilities(task.logits(view))
        unlike[here] = task.domain.out_of_distribution(domain_features(events))
        return len(view)

    bar = tqdm(total=len(source), desc="classify", unit="event", disable=quiet, leave=False)
    with bar, enough_memory(task.device):
        for done in side_by_side(portion, range(0, len(source), PORTION)):
            bar.update(done)
    return Scores(probability, unlike, time.perf_counter() - begin)


def classify(
    run: Path, store: EventStore, out: Path, *, device: str = "auto", quiet: bool = False
) -> Scores:
    """Score ``store`` and write one row an event to ``out`` (``.parquet`` or ``.csv``).

    Columns: ``event`` (number in the set), ``quark_probability`` or ``electron_probability``,
    ``out_of_distribution``, ``training`` where the run tells, and ``label`` where the set has it.

    Args:
        run: run directory.
        store: events to score.
        out: file to write.
        device: where the network works, see :func:`~calovision.tasks.devices.chosen_device`.
        quiet: no progress bar.

    Raises:
        InputError: not a finished tagger run, no such device, images of another geometry,
            another kind of file, or ``out`` cannot be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"cannot write {out.name}", f"end it with {' or '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent}", "make it, or choose another --out")
    task = load_tagger(RunDir(run), device)
    task.check(store.geometry)
    scores = replace(score(task, store, quiet), training=known_training_events(RunDir(run), store))
    columns = {
        "event": store.numbers,
        f"{store.geometry.classes[1]}_probability": scores.probability,
        "out_of_distribution": scores.out_of_distribution,
    }
    if scores.training is not None:
        columns["training"] = scores.training
    if "label" in store.columns:
        columns["label"] = store.column("label")
    table = pa.table(columns)
    with atomic(out) as part:
        if out.suffix == ".csv":
            pyarrow.csv.write_csv(table, part)
        else:
            pyarrow.parquet.write_table(table, part)
    return scores
