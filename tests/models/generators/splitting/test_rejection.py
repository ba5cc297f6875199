from __future__ import annotations

import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.generators.splitting.config import Rejection
from calovision.models.generators.splitting.rejection import DensityRatioRejection, Table, selected
from calovision.models.generators.splitting.rejection_features import features

TRUE, MADE = 0.8, 0.5  #: share of quark jets


def jets(share: float, n: int, seed: int) -> Events:
    """Toy jets with a share of quarks, which the label and the number of hits tell."""
    rng = np.random.default_rng(seed)
    pool = toys.toy_jets(2 * n, seed)
    of = [np.flatnonzero(pool.label == k) for k in (0, 1)]
    quarks = int(share * n)
    chosen = np.concatenate([rng.choice(of[1], quarks), rng.choice(of[0], n - quarks)])
    return pool[rng.permutation(chosen)]


@pytest.fixture(scope="module")
def selection() -> DensityRatioRejection:
    true, made = (features(jets(share, 900, seed)) for share, seed in ((TRUE, 1), (MADE, 2)))
    trained = DensityRatioRejection(4 + 4 + 45, Rejection())
    trained.fit(true, made, seed=1)
    return trained


def test_what_is_kept_is_distributed_as_the_truth(selection: DensityRatioRejection) -> None:
    rng = np.random.default_rng(3)
    made = jets(MADE, 1500, 4)
    kept = made[np.flatnonzero(selection.keep(features(made), rng))]
    assert len(kept) / len(made) == pytest.approx(float(selection.efficiency), abs=0.06)
    assert kept.label.mean() == pytest.approx(TRUE, abs=0.06)


def test_the_ratio_is_that_of_the_densities(selection: DensityRatioRejection) -> None:
    """But for a factor that all have."""
    made = jets(MADE, 600, 5)
    ratio = np.exp(selection.log_ratio(features(made)))
    quark, gluon = (np.median(ratio[made.label == label]) for label in (1, 0))
    odds = TRUE / MADE / ((1 - TRUE) / (1 - MADE))
    assert quark / gluon == pytest.approx(odds, rel=0.3)


def test_every_number_of_what_is_kept_is_distributed_as_in_the_truth() -> None:
    """By raking: a network that has learned for one step would leave them where they were."""
    rng = np.random.default_rng(1)

    def table(means: tuple[float, ...], n: int) -> Table:
        label = rng.integers(2, size=n)
        return np.column_stack([label, rng.normal(means, size=(n, 3)) + 0.3 * label[:, None]])

    true, made = table((0.0, 0.0, 0.0), 20_000), table((0.25, -0.2, 0.1), 20_000)
    untaught = DensityRatioRejection(4, Rejection(epochs=1e-6))
    untaught.fit(true, made, seed=1)
    kept = made[untaught.keep(made, rng)]
    assert len(kept) > 4000
    for label in (0, 1):
        a, b = (x[x[:, 0] == label] for x in (true, kept))
        assert np.abs(b[:, 1:].mean(0) - a[:, 1:].mean(0)).max() < 0.04
        assert np.abs(b[:, 1:].std(0) - a[:, 1:].std(0)).max() < 0.04


def test_as_many_as_asked_for() -> None:
    pool, rng = jets(MADE, 400, 6), np.random.default_rng(1)
    asked = []

    def propose(n: int) -> Events:
        asked.append(n)
        return pool[rng.integers(400, size=n)]

    found = selected(propose, lambda events: events.label == 1, 50, 0.5)
    assert len(found) == 50
    assert (found.label == 1).all()
    assert asked[0] == pytest.approx(110, abs=2)  # a tenth more than needed


def test_unlikely_events_are_given_up() -> None:
    pool = jets(MADE, 10, 7)
    with pytest.raises(InputError, match="hardly any"):
        selected(lambda n: pool[:n], lambda events: np.zeros(len(events), bool), 5, 0.5)


def test_rounds_go_on_until_there_are_as_many_as_wanted() -> None:
    """The first rounds give many events, the later ones one each."""
    pool, kept = jets(MADE, 40, 3), iter((6, 1, 1, 1, 1))

    def keep(events: Events) -> np.ndarray:
        return np.arange(len(events)) < next(kept)

    assert len(selected(lambda n: pool[: max(n, 6)], keep, 10, 0.5)) == 10
