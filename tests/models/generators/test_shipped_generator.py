"""The generator that comes with the package, from a request to jets: what physics demands."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

import calovision as cv
from calovision.api.model import Model
from calovision.events.events import Events
from calovision.simulation.detector import CMS_BARREL

JETS, SEED = 800, 11


@pytest.fixture(scope="module")
def model() -> Model:
    return cv.pretrained("jet-generator")


@pytest.fixture(scope="module")
def made(model: Model) -> Events:
    return model.generate(JETS, seed=SEED, quiet=True).load()


@pytest.fixture(scope="module")
def simulated() -> Events:
    return cv.simulate.jets(JETS, seed=8101, quiet=True).load()


def nearest_seed(events: Events) -> NDArray[np.float64]:
    """``(n,)`` of each event, the least over its ECAL hits of the largest energy nearby, GeV."""
    dense = events.to_dense()[:, 1]
    reach = 2 * CMS_BARREL.ecal_neighbours + 1
    near = maximum_filter(dense, (1, reach, reach), mode="constant")
    return np.where(dense > 0, near, np.inf).min((1, 2))


def test_classes_and_channels_have_the_means_of_simulated_jets(
    made: Events, simulated: Events
) -> None:
    for label in (0, 1):
        ours, true = (e[e.label == label] for e in (made, simulated))
        for quantity in (Events.counts, Events.sums):
            a, b = (quantity(e) for e in (ours, true))
            # a few fake tracks hold more energy than all others
            a, b = (np.minimum(x, np.quantile(b, 0.98, axis=0)) for x in (a, b))
            error = np.hypot(a.std(0) / len(a) ** 0.5, b.std(0) / len(b) ** 0.5)
            np.testing.assert_array_less(
                np.abs(a.mean(0) - b.mean(0)), 4 * error + 0.02 * b.mean(0)
            )


def test_rules_of_the_read_out_hold(made: Events, simulated: Events) -> None:
    """Every ECAL hit lies near one that makes the read-out keep it, as in simulated jets."""
    few = slice(0, 200)
    threshold = CMS_BARREL.ecal_seed
    assert nearest_seed(simulated[few]).min() > threshold
    assert nearest_seed(made[few]).min() > threshold
    hcal = made.channel == 2
    middle = (made.cell[hcal] // 125 == 62) & (made.cell[hcal] % 125 == 62)
    assert middle.sum() > 0.95 * JETS


def test_conditions_are_met_and_classes_differ(model: Model) -> None:
    """Of one pt, a gluon jet has more tracks, and is heavier, than a quark jet."""
    gluons, quarks = (
        model.generate(200, label=name, pt=(100, 120), seed=3, quiet=True).load()
        for name in ("gluon", "quark")
    )
    for jets, label in ((gluons, 0), (quarks, 1)):
        assert (jets.label == label).all()
        assert ((jets.pt >= 100) & (jets.pt <= 120)).all()
    tracks = [jets.counts()[:, 0].mean() for jets in (gluons, quarks)]
    assert tracks[0] > tracks[1] + 3
    assert gluons.m0.mean() > quarks.m0.mean()


def test_jets_follow_the_jet_before_the_detector(made: Events) -> None:
    """The reconstructed jet has the response of the simulation, close to 1, above the threshold."""
    hard = made.gen_pt > 100
    assert np.median(made.pt[hard] / made.gen_pt[hard]) == pytest.approx(1, abs=0.06)
    assert np.corrcoef(made.pt, made.gen_pt)[0, 1] > 0.8
