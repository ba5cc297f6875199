from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from calovision.models.symmetry.linear import LinearAction, closed, principal_basis, spectrum
from calovision.models.symmetry.phases import phases
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace


def planes(*frequencies: float, mixed: bool = True) -> LinearAction:
    """A group that turns planes with the given frequencies, in a skewed basis."""
    k = 2 * len(frequencies)
    matrix = torch.zeros(k, k)
    for i, frequency in enumerate(frequencies):
        matrix[2 * i + 1, 2 * i], matrix[2 * i, 2 * i + 1] = frequency, -frequency
    random = torch.Generator().manual_seed(3)
    turn = torch.linalg.qr(torch.randn(k, k, generator=random))[0] if mixed else torch.eye(k)
    return LinearAction(turn @ matrix @ turn.T, torch.eye(k))


def test_frequencies_and_the_fundamental_one() -> None:
    action = planes(0.52, 1.04, 1.56, 2.6)
    np.testing.assert_allclose(action.frequencies, [2.6, 1.56, 1.04, 0.52], atol=1e-5)
    found = spectrum(action)
    assert found.fundamental == pytest.approx(0.52, rel=1e-4)
    assert found.closes


def test_frequencies_without_a_common_measure_do_not_close() -> None:
    rng = np.random.default_rng(0)
    residuals = [spectrum(planes(*rng.uniform(0.1, 3, 30))).residual for _ in range(5)]
    assert min(residuals) > 0.15


def test_a_rounded_action_comes_home_after_a_turn() -> None:
    action = planes(0.53, 1.03, 1.57)
    whole = closed(action, spectrum(action).fundamental)
    np.testing.assert_allclose(whole.frequencies, [3, 2, 1], atol=1e-5)
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    orbit = whole.orbit(x, torch.tensor([2 * math.pi, 1.0]))
    torch.testing.assert_close(orbit[:, 0], x, atol=1e-4, rtol=0)
    assert float((orbit[:, 1] - x).norm()) > 1
    torch.testing.assert_close(orbit[:, 1].norm(dim=1), x.norm(dim=1))


def test_blocks_of_rows_move_by_their_own_time() -> None:
    action = planes(1.0, 2.0)
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    moved = action.move(x, torch.tensor([0.0, 1.0, -2.0]))
    torch.testing.assert_close(moved[:2], x[:2])
    torch.testing.assert_close(moved[2:4], action.orbit(x[2:4], torch.tensor([1.0]))[:, 0])
    torch.testing.assert_close(moved[4:], action.orbit(x[4:], torch.tensor([-2.0]))[:, 0])


def test_typical_frequency() -> None:
    action = planes(3.0)
    assert action.typical_frequency(torch.randn(10, 2)) == pytest.approx(3, rel=1e-4)


def test_the_basis_leaves_out_what_is_empty() -> None:
    x = torch.randn(100, 3) @ torch.randn(3, 20, generator=torch.Generator().manual_seed(0))
    basis = principal_basis(x, 10)
    assert basis.shape == (20, 3)
    torch.testing.assert_close(x @ basis @ basis.T, x, atol=1e-3, rtol=1e-3)


def ring_space(frequencies: tuple[float, ...]) -> LatentSpace:
    """Points on an orbit of a group; encoding projects onto it."""
    action = planes(*frequencies)
    k = len(action.matrix)
    times = torch.arange(720) * 2 * math.pi / 720
    orbit = action.orbit(torch.ones(1, k), times)[0]

    def encode(x: Tensor) -> Tensor:
        near = torch.softmax(20 * x @ orbit.T, 1) @ orbit
        return near

    return LatentSpace(encode, lambda z: z, lambda z: 0 * z[:, :2], torch.zeros_like, k)


def test_refining_finds_the_way_along_the_data() -> None:
    truth = planes(1.0, 2.0)
    random = torch.Generator().manual_seed(0)
    wrong = torch.randn(4, 4, generator=random)
    guess = LinearAction(truth.matrix + 0.15 * (wrong - wrong.T), truth.basis)
    space = ring_space((1.0, 2.0))
    settings = IsometrySettings(
        task="symmetry", model="isometry", refine_steps=150, motion_batch=32, turns=1.0
    )

    def stream(n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        times = 2 * math.pi * torch.rand(n, generator=random)
        return truth.orbit(torch.ones(1, 4), times)[0], torch.zeros(n, dtype=torch.long)

    found = refine(guess, space, stream, settings, random=random)
    error = [
        float((a.matrix / a.matrix.norm() - truth.matrix / truth.matrix.norm()).norm())
        for a in (guess, found)
    ]
    assert error[1] < 0.3 * error[0], error


def test_phases_follow_the_group_up_to_what_an_orbit_repeats() -> None:
    action = planes(1.0, 2.0, mixed=False)
    random = torch.Generator().manual_seed(0)
    times = 2 * math.pi * torch.rand(60, generator=random)
    once, twice = torch.tensor([[1.0, 0, 0.4, 0]]), torch.tensor([[0.0, 0, 1, 0]])
    images = torch.cat([action.orbit(v, times)[0] for v in (once, twice)])
    label = torch.arange(2).repeat_interleave(60)
    found = phases(action, images, label)
    components = action.components(images)
    kind, step = found.of(components)
    assert torch.equal(kind, label)
    assert int(step.max()) > 60
    for which, fold in enumerate((1, 2)):  # the second is itself again after half a turn
        off = fold * (found.angle(components)[label == which] - times)
        spread = torch.stack([off.cos(), off.sin()]).mean(1).norm()
        assert float(spread) > 0.9999


def test_a_matrix_that_turns_nothing_does_not_close() -> None:
    found = spectrum(LinearAction(torch.diag(torch.tensor([1.0, -0.5, 0.2, 0.0])), torch.eye(4)))
    assert len(found.frequencies) == 0
    assert not found.closes
