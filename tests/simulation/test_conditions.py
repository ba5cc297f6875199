from __future__ import annotations

import pytest

from calovision.errors import InputError
from calovision.simulation.conditions import NOMINAL, Conditions
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.pythia import DIJETS


def test_nominal_conditions_are_the_public_set() -> None:
    assert NOMINAL.settings() == DIJETS
    assert NOMINAL.detector() == CMS_BARREL


def test_each_condition_changes_what_it_names() -> None:
    noisy = Conditions(noise=2.0)
    assert noisy.settings() == DIJETS
    assert noisy.detector().ecal_noise == 2 * CMS_BARREL.ecal_noise
    assert noisy.detector().hcal_noise == 2 * CMS_BARREL.hcal_noise
    hard = Conditions(pt_hat=(470.0, 600.0), tune=14).settings()
    assert {"PhaseSpace:pTHatMin = 470", "PhaseSpace:pTHatMax = 600", "Tune:pp = 14"} <= set(hard)


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        (Conditions(pt_hat=(170.0, 90.0)), "pt-hat"),
        (Conditions(pt_hat=(0.0, 90.0)), "pt-hat"),
        (Conditions(tune=0), "tune"),
        (Conditions(noise=-1.0), "noise"),
    ],
)
def test_senseless_conditions_are_named(conditions: Conditions, word: str) -> None:
    with pytest.raises(InputError, match=word):
        conditions.checked()


def test_further_settings_change_the_hadrons_alone() -> None:
    soft = Conditions(pythia=("StringZ:aLund = 0.3",)).checked()
    assert soft.settings()[:-1] == NOMINAL.settings()
    assert soft.settings()[-1] == "StringZ:aLund = 0.3"


@pytest.mark.parametrize(
    "line",
    [
        "StringZ:aLnd = 0.3",
        "StringZ:aLund",
        "",
        "HardQCD:all = on",
        "Tune:pp = 5",
        " Beams:eCM = 13000.",
    ],
)
def test_settings_that_pythia_does_not_know_or_that_are_ours_are_refused(line: str) -> None:
    with pytest.raises(InputError, match="the setting"):
        Conditions(pythia=(line,)).checked()
