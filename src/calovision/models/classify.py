"""Score event sets with a trained tagger."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.store import EventStore
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.out_of_distribution import domain_features
from calovision.parallel.threads import side_by_side
from calovision.training.devices import enough_memory
from calovision.training.run import RunDir
from calovision.training.seen_events import known_training_events
from calovision.utils.files import atomic, check_folder_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHUNK_EVENTS = 500  #: events prepared and scored at a time
FORMATS = (".parquet", ".csv")


@dataclass(frozen=True, repr=False)
class Scores:
    """What a tagger says about ``n`` events.

    Attributes:
        probability: ``(n,)`` calibrated probability of class 1 (quark, electron), in [0, 1].
        logit: ``(n,)`` what the network gives, before calibration.
        out_of_distribution: ``(n,)`` bool, true for events unlike the training events: their
            probability has no ground.
        wall_s: time taken, preparing the events included, but not what is loaded or compiled once.
        training: ``(n,)`` bool, true for events that the tagger was trained or validated on; none
            where that was not asked for, or cannot be told.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(20, seed=3, quiet=True)
        >>> scores = cv.pretrained("egamma").predict(crops)
        >>> scores.plot_roc(crops.label).axes[0].get_xlabel()
        'signal efficiency'
    """

    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    out_of_distribution: NDArray[np.bool_]
    wall_s: float
    training: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.probability)

    def __repr__(self) -> str:
        unlike = int(self.out_of_distribution.sum())
        return f"Scores of {len(self)} events, {unlike} of them out of distribution"

    def plot_roc(self, labels: NDArray[Any]) -> Figure:
        """Background rejection against signal efficiency, with the AUC.

        Args:
            labels: ``(n,)`` 0 or 1.

        Raises:
            InputError: labels of another length, or of one class only.
        """
        return roc_figure(self.probability, labels)


def roc_figure(probability: NDArray[np.float64], labels: NDArray[Any]) -> Figure:
    """See :meth:`Scores.plot_roc`."""
    from sklearn.metrics import roc_auc_score, roc_curve

    from calovision.utils.picture import Picture

    labels = np.asarray(labels)
    if labels.shape != probability.shape or set(np.unique(labels)) != {0, 1}:
        raise InputError(
            f"labels of shape {labels.shape} for {len(probability)} scores",
            "give 0 or 1 for each, and events of both classes",
        )
    background, signal, _ = roc_curve(labels, probability)
    figure = Picture(figsize=(4.6, 4.0), layout="constrained")
    ax = figure.subplots()
    kept = background > 0
    auc = roc_auc_score(labels, probability)
    ax.plot(signal[kept], 1 / background[kept], label=f"AUC {auc:.4f}")
    efficiency = np.linspace(0.01, 1, 100)
    ax.plot(efficiency, 1 / efficiency, "--", color="grey", label="guessing")
    ax.set(yscale="log", xlabel="signal efficiency", ylabel="background rejection", xlim=(0, 1))
    ax.legend()
    return figure


def score(task: TaggerTask, source: EventSet, quiet: bool = False) -> Scores:
    """Score every event, in order, in memory that does not grow with their number.

    Portions of events are prepared and scored side by side; the scores are the same on any number
    of threads.
    """
    n = len(source)
    probability, logit, unlike = np.empty(n), np.empty(n), np.empty(n, bool)
    reading = Lock()
    task.eval()
    if n:
        with enough_memory(task.device):
            task.logits(task.dataset(source[:1]))
    begin = time.perf_counter()

    def score_chunk(start: int) -> int:
        here = slice(start, min(start + CHUNK_EVENTS, len(source)))
        with reading:
            events = source[here]
        dataset = task.dataset(events)
        logit[here] = task.logits(dataset)
        probability[here] = task.probabilities(logit[here])
        unlike[here] = task.domain.out_of_distribution(domain_features(events))
        return len(dataset)

    bar = tqdm(total=len(source), desc="classify", unit="event", disable=quiet, leave=False)
    with bar, enough_memory(task.device):
        for done in side_by_side(score_chunk, range(0, len(source), CHUNK_EVENTS)):
            bar.update(done)
    return Scores(probability, logit, unlike, time.perf_counter() - begin)


def check_place(out: Path) -> None:
    """Check that scores can be written to a file.

    Raises:
        InputError: another kind of file, or a folder that is not there.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"cannot write {out.name}", f"end it with {' or '.join(FORMATS)}")
    check_folder_of(out)


def classify(
    out: Path, directory: RunDir, task: TaggerTask, store: EventSet, *, quiet: bool = False
) -> Scores:
    """Score ``store`` and write one row an event to ``out`` (``.parquet`` or ``.csv``).

    Columns: ``event`` (number in the set), ``quark_probability`` or ``electron_probability``,
    ``out_of_distribution``, ``training`` where the run tells, and ``label`` where the set has it.
    """
    check_place(out)
    task.check_geometry(store.geometry)
    scores = replace(score(task, store, quiet), training=known_training_events(directory, store))
    numbers = store.numbers if isinstance(store, EventStore) else np.arange(len(store))
    columns = {
        "event": numbers,
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
