"""A fit of the simulated detector to published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calovision.errors import InputError
from calovision.utils.counts import count

if TYPE_CHECKING:
    from calovision.simulation.calibration.fit import Fit

JETS, ROUNDS = 14_000, 2


def calibrate(
    table: str | Path | None = None,
    *,
    jets: int = JETS,
    seed: int = 1,
    rounds: int = ROUNDS,
    detector: str | Path | None = None,
    workers: int = 1,
    out: str | Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Fit:
    r"""Fit constants of the simulated detector to published numbers about images of jets.

    The same simulated collisions and random numbers are sent through one detector after the other.
    With two workers the default takes some twenty minutes. An interrupted fit with ``out`` goes on
    where it stopped.

    Args:
        table: YAML of the numbers, their errors and tolerances, and of the constants to fit with
            what is known of them beforehand; by default those of the public CMS set of jets.
        jets: how many, of both classes together.
        seed: of everything random.
        rounds: how often derivatives are taken; 0 only compares.
        detector: YAML of the detector to start from, such as ``out`` of another fit; by default
            the one of :func:`calovision.simulate.jets`.
        workers: processes on this machine; the same result for any number.
        out: YAML file to write: constants, covariance and the table, for ``detector=`` of
            :func:`calovision.simulate.jets`.
        overwrite: replace a file that is there.
        quiet: no progress bar.

    Returns:
        The fit: ``detector`` (a named tuple of constants), ``names``, ``covariance`` and ``errors``
        of those that were fitted, ``before`` and ``after`` (rows of the table), ``chi2()``, and
        ``markdown()``, the table before and after.

    Raises:
        InputError: a file that holds no table or no detector, bad numbers, or a file that is
            there or cannot be written.

    Example:
        >>> import calovision as cv
        >>> _ = open("mine.yaml", "w").write(
        ...     "source: mine\n"
        ...     "numbers: [{quantity: pt, statistic: mean, gluon: 118, tolerance: 0.01}]\n"
        ...     "constants: {jet_scale: 0.1}\n"
        ... )
        >>> found = cv.calibrate("mine.yaml", jets=40, rounds=1, quiet=True)
        >>> found.names, found.chi2() < found.chi2(after=False)
        (('jet_scale',), True)
    """
    from tqdm import tqdm

    from calovision.api.given import path_of
    from calovision.parallel.cluster import check_workers
    from calovision.simulation.calibration.fit import Evaluations, evaluations, fit
    from calovision.simulation.calibration.sample import sample
    from calovision.simulation.calibration.table import PUBLISHED, read_table
    from calovision.simulation.constants import read_detector
    from calovision.simulation.detector import CMS_BARREL
    from calovision.utils.files import check_new_file, write_bytes
    from calovision.utils.waiting import showing_waits

    jets, seed = count("the number of jets", jets, 2), count("the seed", seed, 0)
    rounds = count("rounds", rounds, 0)
    check_workers(workers)
    numbers = read_table(PUBLISHED if table is None else path_of(table))
    start = CMS_BARREL if detector is None else read_detector(path_of(detector))
    file = None if out is None else path_of(out)
    journal = None
    if file is not None:
        if file.suffix not in (".yaml", ".yml"):
            raise InputError(f"{file} is no name of a YAML file", "give out a name in .yaml")
        check_new_file(file, overwrite)
        journal = file.with_name(f"{file.stem}.part.json")
    total = evaluations(len(numbers.constants), rounds)
    with (
        tqdm(total=total, unit="detector", desc="calibrate", disable=quiet) as bar,
        showing_waits(lambda what: bar.set_description(what or "calibrate")),
    ):

        def finished(detectors: int) -> None:
            bar.set_description("calibrate", refresh=False)
            bar.update(detectors)

        evaluate = Evaluations(sample(jets, seed), numbers, journal, workers)
        found = fit(evaluate, numbers.constants, start, rounds, finished)
    if file is not None and journal is not None:
        write_bytes(file, found.yaml(numbers.source).encode())
        journal.unlink(missing_ok=True)
    return found
