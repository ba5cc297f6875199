from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.metrics.symmetry import (
    GRID,
    Followed,
    clock_error,
    course,
    follow_metrics,
    named,
    nearest,
    similarity,
)

TIMES = np.linspace(0, 10, 201)


def test_an_even_rotation_is_covered_whole() -> None:
    found = course((90 * TIMES) % 360, TIMES, 360)
    assert found.complete
    assert found.covered == 360
    assert found.r2 == pytest.approx(1)
    assert found.rate == pytest.approx(90)
    assert found.direction == 1
    assert TIMES[found.end - 1] == pytest.approx(4)
    assert found.home == found.end - 1


def test_the_direction_does_not_matter() -> None:
    found = course((-90 * TIMES) % 180, TIMES, 180)
    assert found.complete
    assert found.direction == -1
    assert TIMES[found.end - 1] == pytest.approx(2)
    assert found.home is not None
    assert TIMES[found.home] == pytest.approx(4)
    assert found.rate == pytest.approx(90)


def test_a_course_that_turns_back_ends_there() -> None:
    found = course(100 * np.sin(0.5 * TIMES) % 360, TIMES, 360)
    assert not found.complete
    assert found.covered == pytest.approx(100, abs=1)
    assert TIMES[found.end] == pytest.approx(math.pi + 2 * math.acos(0.85), abs=0.1)
    assert found.r2 < 0.98


def test_a_jump_ends_it_too() -> None:
    alpha = np.where(TIMES < 2, 20 * TIMES, 100 + 20 * TIMES) % 360
    assert course(alpha, TIMES, 360).covered == pytest.approx(40, abs=2)


def test_standing_still_covers_nothing() -> None:
    found = course(np.zeros(201), TIMES, 360)
    assert found.covered == 0
    assert found.r2 == 0
    assert math.isnan(found.rate)


def test_nearest_against_the_plain_definition() -> None:
    rng = np.random.default_rng(0)
    flowed, references = rng.random((3, 5, 16)), rng.random((3, 7, 16))
    distance = ((flowed[:, :, None] - references[:, None]) ** 2).sum(3)
    np.testing.assert_array_equal(nearest(flowed, references), distance.argmin(2))


def test_similarity_of_equal_and_unequal_images() -> None:
    rng = np.random.default_rng(1)
    a = rng.random((4, 784))
    np.testing.assert_allclose(similarity(a, a), 1)
    assert (similarity(a, rng.random((4, 784))) < 0.2).all()
    assert (similarity(a, 0 * a) < 0.05).all()


def clock(n: int = 3, loss: float = 0.0) -> Followed:
    """Images that are a hand turning at 90 degrees per unit of time."""
    angles = np.arange(0, 360, GRID)
    radius = np.linspace(-1, 1, 28)
    y, x = np.meshgrid(radius, radius, indexing="ij")

    def hand(degrees: np.ndarray) -> np.ndarray:
        a = np.radians(degrees)[:, None, None]
        spot = np.exp(-((x - 0.6 * np.cos(a)) ** 2 + (y - 0.6 * np.sin(a)) ** 2) / 0.05)
        return spot.reshape(len(degrees), -1)

    turned = np.repeat(hand(angles)[None], n, 0)
    flowed = np.repeat((1 - loss) * hand(90 * TIMES)[None], n, 0)
    probability = np.repeat(0.9 - 0.02 * TIMES[None], n, 0)
    return Followed(TIMES, flowed, turned, turned, probability, 360)


def test_metrics_of_a_perfect_clock() -> None:
    found = follow_metrics(clock())
    assert found["cover"].value == 360
    assert found["complete"].value == 1
    assert found["r2"].value > 0.999
    assert found["fidelity"].value > 0.99
    assert found["rate"].value == pytest.approx(90, rel=0.01)
    assert found["drift"].value == pytest.approx(0.1)
    assert found["closure"].value < 0.05
    assert found["rebuilt"].value == pytest.approx(1)
    assert clock_error(clock(), 4.0).value < 2 * GRID
    assert clock_error(clock(), 5.0).value > 2 * GRID


def test_a_fainter_flow_costs_fidelity() -> None:
    assert follow_metrics(clock(loss=0.5))["fidelity"].value < 0.9


def test_names() -> None:
    assert set(named({"cover": follow_metrics(clock())["cover"]}, 2, 5)) == {"cover_2_d5"}
