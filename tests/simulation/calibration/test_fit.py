from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from calovision.simulation.calibration.fit import SHARE, Evaluations, Fit, Progress, fit
from calovision.simulation.calibration.sample import Sample, sample
from calovision.simulation.calibration.table import Row, Table, read_table
from calovision.simulation.detector import CMS_BARREL, Detector

WIDTHS = {"hcal_scale": 0.1, "ecal_threshold": 0.01, "jet_scale": 0.05}
TRUE = CMS_BARREL._replace(
    hcal_scale=CMS_BARREL.hcal_scale - 0.08,
    ecal_threshold=CMS_BARREL.ecal_threshold + 0.006,
    jet_scale=CMS_BARREL.jet_scale + 0.04,
)


@pytest.fixture(scope="module")
def jets() -> Sample:
    return sample(600, 5)


@pytest.fixture(scope="module")
def table(jets: Sample) -> Table:
    """Numbers of another detector, from another simulation of the same jets."""
    content = read_table().model_dump()
    values = {
        (row.quantity, row.statistic, row.group): row
        for row in Sample(jets.jets, jets.collisions, 99).compare(read_table(), TRUE)
    }
    for number in content["numbers"]:
        for group in ("gluon", "quark"):
            row = values[number["quantity"], number["statistic"], group]
            number |= {group: row.simulated, "error": row.error, "rounding": 0.0}
        number |= {"tolerance": 0.001, "difference": None}
    return Table.model_validate({**content, "constants": WIDTHS})


@pytest.fixture(scope="module")
def found(jets: Sample, table: Table, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    file = tmp_path_factory.mktemp("fit") / "journal.json"
    done: list[int] = []
    made = fit(Evaluations(jets, table, file, 1), WIDTHS, CMS_BARREL, 1, done.append)
    assert len(json.loads(file.read_text())["known"]) == sum(done)
    return made


def test_constants_of_a_simulation_are_found_again(found: Fit) -> None:
    for name, error in found.errors.items():
        true, start = getattr(TRUE, name), getattr(CMS_BARREL, name)
        assert abs(getattr(found.detector, name) - true) < 3.5 * error
        assert error < 0.6 * abs(true - start), "it says nothing"
    assert found.chi2() < 0.3 * found.chi2(after=False)


def test_other_constants_stay(found: Fit) -> None:
    fitted = {name: getattr(found.detector, name) for name in WIDTHS}
    assert CMS_BARREL._replace(**fitted) == found.detector


def test_the_covariance_is_one(found: Fit) -> None:
    np.testing.assert_allclose(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_an_interrupted_fit_goes_on(jets: Sample, table: Table, tmp_path: Path) -> None:
    file = tmp_path / "journal.json"

    def interrupt(done: int) -> None:
        if done and len(json.loads(file.read_text())["known"]) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Evaluations(jets, table, file, 1), WIDTHS, CMS_BARREL, 1, interrupt)
    again = Evaluations(jets, table, file, 1)
    before = file.read_bytes()
    detectors = [CMS_BARREL]
    again(detectors, 1.0, lambda done: None)
    assert file.read_bytes() == before, "evaluated again"
    other = Evaluations(Sample(jets.jets, jets.collisions, 1), table, file, 1)
    assert not other._known, "of another seed"


def test_the_same_detector_has_the_same_numbers_for_any_workers(jets: Sample, table: Table) -> None:
    one, two = (Evaluations(jets, table, None, workers) for workers in (1, 2))
    detectors = [CMS_BARREL, TRUE]
    assert one(detectors, SHARE, print) == two(detectors, SHARE, print)


def test_another_threshold_leaves_the_rest_of_the_jets_as_they_are(jets: Sample) -> None:
    table = read_table()
    few = jets.part(0.1)
    usual, other = (
        {(r.quantity, r.statistic, r.group): r.simulated for r in few.compare(table, d)}
        for d in (CMS_BARREL, CMS_BARREL._replace(hcal_threshold=5.0))
    )
    changed = {key[0] for key in usual if usual[key] != other[key]}
    assert changed == {"pixels_hcal", "pixels_any", "mean_pixel_hcal"}


def test_numbers_that_are_linear_in_the_constants_take_one_step() -> None:
    """Also what is known beforehand counts, as in the formula for normal distributions."""
    names = {"hcal_scale": 0.1, "jet_scale": 0.05}
    start = np.array([getattr(CMS_BARREL, name) for name in names])
    matrix = np.array([[20.0, 3.0], [-1.0, 40.0], [5.0, 5.0]])
    published = matrix @ (start + np.array([0.15, -0.1])) + np.array([0.3, -0.2, 0.1])
    whole = []

    def evaluate(
        detectors: Sequence[Detector], share: float, progress: Progress
    ) -> list[list[Row]]:
        whole.extend(detectors if share == 1 else [])
        points = np.array([[getattr(d, name) for name in names] for d in detectors])
        return [
            [
                Row("pt", "mean", "gluon", p, 0.5, 0.04, float(s), 0.0)
                for p, s in zip(published, matrix @ point, strict=True)
            ]
            for point in points
        ]

    found = fit(evaluate, names, CMS_BARREL, 1)
    sigma = np.hypot(0.02 * published, 0.5)
    weighted = matrix / sigma[:, None]
    inverse = weighted.T @ weighted + np.diag(1 / np.array([*names.values()]) ** 2)
    covariance = np.linalg.inv(inverse)
    best = start + covariance @ weighted.T @ ((published - matrix @ start) / sigma)
    np.testing.assert_allclose([getattr(found.detector, name) for name in names], best)
    np.testing.assert_allclose(found.covariance, covariance)
    assert len(whole) <= 3
