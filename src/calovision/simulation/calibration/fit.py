"""A fit of named constants of the detector to a table of published numbers.

The sum of squared pulls is made smallest by Gauss-Newton steps, where a pull is a deviation over
half its tolerance and both statistical errors, or a constant's deviation from its start over what
was known of it beforehand. All evaluations use the same jets and random numbers. Derivatives are
differences on a part of the sample, whose steps are doubled until they show above the noise;
between two such rounds they follow the steps that were taken (Broyden 1965).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from calovision.parallel.processes import shared_out
from calovision.simulation.calibration.sample import Sample
from calovision.simulation.calibration.table import Row, Table, markdown
from calovision.simulation.detector import Detector
from calovision.utils import cache
from calovision.utils.files import write_json
from calovision.utils.unreadable import read_json

STEP = 0.5  #: of a constant for a derivative, in its width
LARGEST_STEP = 2.0  #: that it is doubled to
SHARE = 0.35  #: of the sample that derivatives are taken from
STEPS = 8  #: evaluations after each round of derivatives
SHRINK = 0.4  #: of a step that did not help
ENOUGH = 0.02  #: relative change of the sum of squares below which a round ends
UNIT_INTERVAL = ("track_efficiency", "conversion_efficiency")

Progress = Callable[[int], object]  #: called with the number of evaluations that are done
#: called with detectors and a share of the sample
Evaluate = Callable[[Sequence[Detector], float, Progress], list[list[Row]]]


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes:
        start: the detector before it.
        detector: the detector after it.
        names: of the fitted constants.
        covariance: ``(names, names)`` of the constants, in their units.
        before: the table with the first detector.
        after: the table with the last one.
    """

    start: Detector
    detector: Detector
    names: tuple[str, ...]
    covariance: NDArray[np.float64]
    before: list[Row]
    after: list[Row]

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors of the constants, in their units."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def chi2(self, after: bool = True) -> float:
        """Sum of the squared pulls of the table's numbers."""
        return float(sum(row.pull**2 for row in (self.after if after else self.before)))

    def markdown(self) -> str:
        """The table before and after the fit."""
        return markdown(self.after, self.before)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: all constants, those that were fitted with errors, covariance and table."""
        return {
            "detector": self.detector._asdict(),
            "fitted": self.errors,
            "covariance": self.covariance.tolist(),
            "table": [
                {
                    "number": f"{row.quantity}, {row.statistic}, {row.group}",
                    "published": row.published,
                    "before": before.simulated,
                    "after": row.simulated,
                    "error": row.error,
                    "tolerance": row.tolerance,
                }
                for before, row in zip(self.before, self.after, strict=True)
            ],
        }

    def yaml(self, source: str) -> str:
        """A file of the constants, which ``detector=`` of jets reads.

        Args:
            source: of the numbers that they were fitted to.
        """
        return yaml.safe_dump({"source": source, **self.to_dict()}, sort_keys=False)


class Evaluations:
    """Rows of a table by detector, kept in a file so that an interrupted fit goes on."""

    def __init__(self, sample: Sample, table: Table, file: Path | None, workers: int) -> None:
        self._samples = {1.0: sample, SHARE: sample.part(SHARE)}
        self._table, self._file, self._workers = table, file, workers
        self._about = cache.digest(table, sample.seed, {k: len(v) for k, v in sample.jets.items()})
        self._known: dict[str, list[list[float]]] = {}
        if file is not None and file.exists():
            found = read_json(file)
            self._known = found["known"] if found.get("about") == self._about else {}

    def __call__(
        self, detectors: Sequence[Detector], share: float, progress: Progress
    ) -> list[list[Row]]:
        """The table for each detector, from a share of the sample."""
        names = [cache.digest(tuple(d), share) for d in detectors]
        missing = [(n, d) for n, d in zip(names, detectors, strict=True) if n not in self._known]
        progress(len(detectors) - len(missing))

        def make(task: tuple[str, Detector]) -> list[tuple[str, list[list[float]]]]:
            rows = self._samples[share].compare(self._table, task[1])
            return [(task[0], [[row.simulated, row.error] for row in rows])]

        template = self._table.rows()
        with shared_out(missing, make, self._workers) as results:
            for name, values in results:
                self._known[name] = values
                if self._file is not None:
                    write_json(self._file, {"about": self._about, "known": self._known})
                progress(1)
        return [
            [
                replace(row, simulated=value, error=error)
                for row, (value, error) in zip(template, self._known[name], strict=True)
            ]
            for name in names
        ]


def evaluations(constants: int, rounds: int) -> int:
    """About how many evaluations a fit takes."""
    return 1 + rounds * (1 + constants + STEPS)


def fit(
    evaluate: Evaluate,
    widths: dict[str, float],
    start: Detector,
    rounds: int = 2,
    progress: Progress = lambda done: None,
) -> Fit:
    """Fit constants of a detector.

    Args:
        evaluate: gives the table of a detector.
        widths: constants to fit, and the standard deviation of what one knows of each beforehand.
        start: the detector to start from, and the centre of what one knows.
        rounds: how often derivatives are taken.
        progress: called with numbers of evaluations that were done.
    """
    names = tuple(widths)
    if not rounds:
        rows = evaluate([start], 1.0, progress)[0]
        return Fit(start, start, (), np.zeros((0, 0)), rows, rows)
    width = np.array([widths[name] for name in names])
    first = np.array([getattr(start, name) for name in names])

    def detector(u: NDArray[np.float64]) -> Detector:
        return start._replace(**dict(zip(names, (first + u * width).tolist(), strict=True)))

    def inside(u: NDArray[np.float64]) -> NDArray[np.float64]:
        top = np.array([1.0 if name in UNIT_INTERVAL else math.inf for name in names])
        inner: NDArray[np.float64] = (np.clip(first + u * width, 0.0, top) - first) / width
        return inner

    u = np.zeros(len(names))
    before = rows = evaluate([start], 1.0, progress)[0]
    for _ in range(rounds):
        sigma = np.array([row.sigma for row in rows])
        slopes = _slopes(evaluate, detector, inside, u, sigma, progress)
        pulls, size = _pulls(rows, sigma), 1.0
        for _ in range(STEPS):
            step = inside(u + size * _gauss_newton(slopes, pulls, u)) - u
            tried = evaluate([detector(u + step)], 1.0, progress)[0]
            new = _pulls(tried, sigma)
            gain = pulls @ pulls + u @ u - new @ new - (u + step) @ (u + step)
            slopes += np.outer(new - pulls - slopes @ step, step) / max(float(step @ step), 1e-12)
            enough = abs(gain) < ENOUGH * (pulls @ pulls + u @ u)
            if gain > 0:
                u, rows, pulls, size = u + step, tried, new, 1.0
            else:
                size *= SHRINK
            if enough:
                break
    inverse = np.linalg.inv(slopes.T @ slopes + np.eye(len(names)))
    covariance = (inverse * np.outer(width, width)).astype(np.float64)
    return Fit(start, detector(u), names, covariance, before, rows)


def _pulls(rows: list[Row], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([row.simulated - row.published for row in rows]) / sigma


def _gauss_newton(
    slopes: NDArray[np.float64], pulls: NDArray[np.float64], u: NDArray[np.float64]
) -> NDArray[np.float64]:
    matrix = slopes.T @ slopes + np.eye(len(u))
    return -np.linalg.solve(matrix, slopes.T @ pulls + u).astype(np.float64)


def _slopes(
    evaluate: Evaluate,
    detector: Callable[[Any], Detector],
    inside: Callable[[Any], NDArray[np.float64]],
    u: NDArray[np.float64],
    sigma: NDArray[np.float64],
    progress: Progress,
) -> NDArray[np.float64]:
    """Derivatives ``(numbers, constants)`` of the pulls by constants in their widths."""
    slopes = np.zeros((len(sigma), len(u)))
    sizes = dict.fromkeys(range(len(u)), STEP)
    base: NDArray[np.float64] | None = None
    while sizes:
        moved = {k: _moved(u, k, size, inside) for k, size in sizes.items()}
        points = [detector(one) for one in moved.values()]
        found = evaluate([*([detector(u)] if base is None else []), *points], SHARE, progress)
        if base is None:
            base = _pulls(found.pop(0), sigma)
        for k, rows in zip(list(sizes), found, strict=True):
            change = _pulls(rows, sigma) - base
            slopes[:, k] = change / (moved[k][k] - u[k])
            sizes[k] *= 2
            if np.abs(change).max() > 0.5 or sizes[k] > LARGEST_STEP:
                del sizes[k]
    return slopes


def _moved(
    u: NDArray[np.float64],
    k: int,
    size: float,
    inside: Callable[[Any], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Another point, a step up along one constant, or down where up ends."""
    for sign in (1, -1):
        other = u.copy()
        other[k] += sign * size
        if abs(inside(other)[k] - other[k]) < size / 2:
            return inside(other)
    return other
