from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.metrics.value import Metric
from calovision.models.taggers.boosted_trees import TREES
from calovision.studies import jet_tagging
from calovision.studies.jobs import Job, carry_out
from calovision.studies.tagging_seeds import over_seeds, read
from calovision.training.run import RunDir

SMALL = {"hits": 12, "width": 16, "layers": 1, "epochs": 1, "batch": 16, "test": 0.0}


@pytest.fixture(scope="module")
def sets(
    tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]
) -> tuple[EventStore, EventStore]:
    folder = tmp_path_factory.mktemp("sets")
    train, test = (
        save(make_jets(n, s), folder / str(s), provenance={}) for n, s in ((300, 1), (100, 2))
    )
    return train, test


def jobs() -> list[Job]:
    trees = {"seed": 1, "test": 0.0, "events": 200}
    return [
        Job("ours", "particle-transformer", "runs/ours", SMALL),
        Job("trees", TREES, "runs/trees", trees),
    ]


@pytest.mark.timeout(300)
def test_every_job_leaves_its_scores_and_is_not_done_again(
    sets: tuple[EventStore, EventStore], tmp_path: Path
) -> None:
    train, test = sets
    carry_out(jobs(), train.path, test.path, tmp_path, workers=1, quiet=True)
    for job in jobs():
        found = read(job.label, [tmp_path / job.folder])
        assert found.probabilities.shape == (1, 100)
        assert ((found.probabilities > 0) & (found.probabilities < 1)).all()
        assert RunDir(tmp_path / job.folder).budget()["wall_s"] > 0
    before = (tmp_path / "runs/ours/scores.npz").stat().st_mtime_ns
    carry_out(jobs(), train.path, test.path, tmp_path, workers=1, quiet=True)
    assert (tmp_path / "runs/ours/scores.npz").stat().st_mtime_ns == before


@pytest.mark.timeout(300)
def test_a_failing_job_is_not_lost(sets: tuple[EventStore, EventStore], tmp_path: Path) -> None:
    train, test = sets
    bad = Job("ours", "particle-transformer", "runs/bad", SMALL | {"events": 10_000})
    with pytest.raises(InputError, match="training events"):
        carry_out([bad], train.path, test.path, tmp_path, workers=1, quiet=True)


def test_errors_of_events_and_seeds_add_in_quadrature() -> None:
    combined = over_seeds([Metric(0.80, 0.003), Metric(0.82, 0.003), Metric(0.81, 0.003)])
    assert combined.value == pytest.approx(0.81)
    assert combined.error == pytest.approx(np.hypot(0.003, 0.01 / 3**0.5))
    alone = over_seeds([Metric(0.8, 0.003, "u", higher_is_better=False)])
    assert (alone.error, alone.unit, alone.higher_is_better) == (0.003, "u", False)


@pytest.mark.timeout(300)
def test_events_in_memory_can_be_trained_on(
    make_jets: Callable[..., Events], tmp_path: Path
) -> None:
    run = jet_tagging.train(make_jets(120, 3), out=tmp_path / "run", **SMALL)
    assert run.budget()["steps"] > 0
    assert len(EventStore.open(tmp_path / "run-data")) == 120
    with pytest.raises(InputError, match="already holds a run"):
        jet_tagging.train(EventStore.open(tmp_path / "run-data"), out=tmp_path / "run", **SMALL)
