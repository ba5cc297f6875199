from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.evaluation.symmetry.lorentz import (
    Floats,
    LinearSymmetries,
    brackets,
    compared,
    learned_square,
    linear_symmetries,
    lorentz,
    true_generators,
)


def momenta(n: int = 800) -> Floats:
    """Four-momenta (px, py, pz, E) of jets of different mass, GeV."""
    rng = np.random.default_rng(1)
    p = rng.normal(0, 80, (n, 3))
    mass = rng.uniform(5, 60, n)
    return np.column_stack([p, np.sqrt(np.square(p).sum(1) + mass**2)])


def found_for(metric: list[float], noise: float = 0.0) -> LinearSymmetries:
    p = momenta()
    target = np.square(p) @ np.array(metric)
    target += noise * target.std() * np.random.default_rng(2).normal(size=len(p))
    values, gradients = learned_square(p, target)
    return linear_symmetries(p, gradients, values)


def test_the_mass_has_the_lorentz_algebra() -> None:
    said = compared(found_for([-1, -1, -1, 1]))
    assert said["generators"] == 6
    assert said["rotations"] == 3
    assert max(said["open"], said["outside"], said["brackets"]) < 1e-5
    assert said["gap"] > 100


def test_a_noisy_mass_still_has_it_within_five_percent() -> None:
    said = compared(found_for([-1, -1, -1, 1], noise=0.3))
    assert said["generators"] == 6
    assert 1e-5 < said["outside"] < 0.05
    assert max(said["open"], said["brackets"]) < 0.05


def test_other_functions_have_other_algebras() -> None:
    euclidean = compared(found_for([1, 1, 1, 1]))
    assert (euclidean["generators"], euclidean["rotations"]) == (6, 6)
    assert euclidean["outside"] > 0.5
    stretched = compared(found_for([-1, -1, -4, 1]))  # speeds of light that differ
    assert stretched["outside"] > 0.05
    p = momenta()
    gradients = 4 * p**3  # of a sum of fourth powers, which no linear motion keeps
    quartic = linear_symmetries(p, gradients, (p**4).sum(1))
    assert quartic.changes[0] > 0.05


def test_brackets_of_the_true_generators() -> None:
    constants, left = brackets(true_generators() / np.sqrt(2))
    assert left < 1e-12
    assert constants[0, 1, 2] == pytest.approx(1 / np.sqrt(2))  # [Jx, Jy] = Jz
    assert constants[3, 4, 2] == pytest.approx(-1 / np.sqrt(2))  # [Kx, Ky] = -Jz
    _, open_share = brackets(true_generators()[[0, 1, 3]] / np.sqrt(2))
    assert open_share == pytest.approx(1)


def test_jets() -> None:
    jets = cv.simulate.jets(120, seed=1, pileup=0, particles=True, quiet=True)
    said = lorentz(jets)
    assert said["value"]["generators"] == 6
    assert said["value"]["outside"] < 0.05
    assert said["residual"] < 1e-3
    with pytest.raises(InputError, match="no particles"):
        lorentz(replace(jets, particles=None))
    with pytest.raises(InputError, match="too few"):
        lorentz(jets[np.arange(20)])
