"""Scores that shall not tell the mass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.decorrelation import distance_correlation


def by_definition(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """V-statistic of Szekely, Rizzo and Bakirov (2007), definition 4: sums over all pairs."""
    n = len(x)
    a = [[abs(x[i] - x[j]) for j in range(n)] for i in range(n)]
    b = [[abs(y[i] - y[j]) for j in range(n)] for i in range(n)]

    def centred(d: list[list[float]], i: int, j: int) -> float:
        row, column = sum(d[i]) / n, sum(d[k][j] for k in range(n)) / n
        return d[i][j] - row - column + sum(map(sum, d)) / n**2

    def mean(p: list[list[float]], q: list[list[float]]) -> float:
        pairs = [(i, j) for i in range(n) for j in range(n)]
        return sum(centred(p, i, j) * centred(q, i, j) for i, j in pairs) / n**2

    return mean(a, b) / float(np.sqrt(mean(a, a) * mean(b, b)))


def of(x: Any, y: Any, weight: Any = None) -> float:
    as_tensor = [None if z is None else torch.as_tensor(z) for z in (x, y, weight)]
    return float(distance_correlation(*as_tensor))  # type: ignore[arg-type]


def test_it_is_the_published_definition() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=12), rng.exponential(size=12)
    assert of(x, y) == pytest.approx(by_definition(x, y), rel=1e-10)
    assert of(x, x**2 + y) == pytest.approx(by_definition(x, x**2 + y), rel=1e-10)
    # by hand: distances of 0 1 2 and of 0 1 4, doubly centred, times 9: sums of products
    expected = 720 / np.sqrt(360 * 1656)
    assert of([0.0, 1.0, 2.0], [0.0, 1.0, 4.0]) == pytest.approx(expected, abs=1e-6)


def test_it_is_one_of_a_line_and_small_where_nothing_depends() -> None:
    x = np.random.default_rng(2).normal(size=400)
    other = np.random.default_rng(3).normal(size=400)
    assert of(x, 3 - 2 * x) == pytest.approx(1, abs=1e-9)
    assert of(x, other) < 0.02
    assert of(x, x**2) > 0.2  # where Pearson's correlation is none
    assert of(x, np.zeros(400)) == 0
    assert of(x[:1], x[:1]) == of(x[:0], x[:0]) == 0


def test_an_event_of_weight_two_is_two_events() -> None:
    rng = np.random.default_rng(4)
    x, y, w = rng.normal(size=30), rng.normal(size=30), rng.integers(0, 4, 30)
    assert of(x, y, w) == pytest.approx(of(np.repeat(x, w), np.repeat(y, w)), rel=1e-9)


def tagger(jets: Events, model: str, **given: Any) -> TaggerTask:
    made = build(load_config("jet-tagger", model, overrides=given), jets.geometry, jets)
    assert isinstance(made, TaggerTask)
    return made


@pytest.mark.parametrize("model", ["particle-transformer", "resnet15"])
def test_the_loss_has_the_part_that_was_asked_for(model: str, toy_jets: Events) -> None:
    made = tagger(toy_jets, model, decorrelate=7.0).eval()
    batch = made.batch(made.dataset(toy_jets), np.arange(64))
    loss = made.loss(batch, torch.Generator())
    plain = tagger(toy_jets, model).eval()
    plain.load_state_dict(made.state_dict())
    without = plain.loss(plain.batch(plain.dataset(toy_jets), np.arange(64)), torch.Generator())
    gluons = toy_jets.label == 0
    score = torch.from_numpy(made.logits(made.dataset(toy_jets))[gluons]).float().sigmoid()
    expected = of(score, torch.from_numpy(toy_jets.m0[gluons]))
    assert float(loss["disco"]) == pytest.approx(expected, rel=1e-2)
    assert (loss["loss"] - without["loss"]).item() == pytest.approx(
        7 * float(loss["disco"]), rel=1e-3
    )
    assert "disco" not in without


def learned(decorrelate: float) -> tuple[float, float]:
    """What a line on two numbers, one of them the mass, tells of background's mass and of class.

    Returns:
        the distance correlation, and the cross entropy.
    """
    rng = np.random.default_rng(6)
    label = torch.from_numpy(rng.integers(0, 2, 300).astype(float))
    mass, other = (torch.from_numpy(rng.normal(size=300)) + 1.5 * label for _ in range(2))
    weight = torch.zeros(3, dtype=torch.double, requires_grad=True)
    optimiser, background = torch.optim.Adam([weight], lr=0.1), label == 0
    for _ in range(150):
        logits = weight[0] * mass + weight[1] * other + weight[2]
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, label)
        told = distance_correlation(logits.sigmoid()[background], mass[background])
        optimiser.zero_grad()
        (entropy + decorrelate * told).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return told.item(), entropy.item()


def test_what_is_learned_with_it_depends_less_on_the_mass_and_pays_for_it() -> None:
    free, entropy = learned(0.0)
    bound, more = learned(10.0)
    assert free > 0.2
    assert bound < 0.1 * free
    assert entropy < more < 0.6  # a coin's is 0.69


def test_a_set_without_masses_is_refused(toy_jets: Events, toy_crops: Events) -> None:
    bare = replace(toy_jets, columns={"label": toy_jets.label})
    with pytest.raises(InputError, match="no mass m0"):
        tagger(bare, "baseline", decorrelate=1.0)
    made = tagger(toy_jets, "baseline", decorrelate=1.0)
    with pytest.raises(InputError, match="no mass m0"):
        made.dataset(bare)
