from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import worlds
from torch.nn.functional import cosine_similarity

from calovision.models.symmetry.evidence import Evidence, evidence
from calovision.models.symmetry.isometry import (
    gram_change,
    jacobians,
    pulled_back,
    rigid_motions,
)
from calovision.models.symmetry.search import Symmetry, search
from calovision.models.symmetry.settings import IsometrySettings


def settings(points: int) -> IsometrySettings:
    return IsometrySettings(
        task="symmetry", model="isometry", points=points, components=30, refine_steps=0
    )


def found_in(world: worlds.World, seed: int = 1) -> Symmetry:
    random = torch.Generator().manual_seed(seed)
    return search(world.space, world.stream, settings(800), random=random)


@pytest.mark.parametrize("name", ["circles", "rotated", "translated", "scaled"])
def test_the_known_symmetry_is_found_up_to_two_degrees(name: str) -> None:
    world = getattr(worlds, name)()
    found = found_in(world)
    assert found.found, found.evidence
    z = world.draw(300, torch.Generator().manual_seed(9))
    cosine = cosine_similarity(found.field(z), world.truth(z))
    angle = torch.rad2deg(torch.acos((cosine * cosine.mean().sign()).clamp(-1, 1)))
    assert float(angle.mean()) < 2


@pytest.mark.parametrize("name", ["lawless", "watched"])
def test_where_there_is_no_symmetry_none_is_found(name: str) -> None:
    found = found_in(getattr(worlds, name)())
    assert not found.found
    assert found.evidence.verdict.startswith("no symmetry found")


def test_only_rotations_close_and_their_time_is_an_angle() -> None:
    turned = found_in(worlds.rotated())
    assert turned.spectrum.closes
    images = worlds.rotated().space.decode(torch.tensor([[0.5, 0.0], [0.2, 0.3]]))
    quarter = turned.action.orbit(images, torch.tensor([0.0, math.pi / 2, 2 * math.pi]))
    for i, z in enumerate([[0.0, 0.5], [-0.3, 0.2]]):
        ways = worlds.at(torch.tensor([z, [-z[0], -z[1]]]))
        assert float((ways - quarter[i, 1]).norm(dim=1).min()) < 0.1 * float(images[i].norm())
    torch.testing.assert_close(quarter[:, 2], quarter[:, 0], atol=1e-3, rtol=0)


def test_the_same_seed_finds_the_same() -> None:
    a, b, c = (found_in(worlds.translated(), seed) for seed in (1, 1, 2))
    assert torch.equal(a.action.matrix, b.action.matrix)
    assert not torch.equal(a.action.matrix, c.action.matrix)


def test_leaks_ascend_and_motions_are_orthogonal() -> None:
    world = worlds.rotated()
    random = torch.Generator().manual_seed(0)
    motions = rigid_motions(world.space, world.stream, settings(500), random)
    assert list(motions.leaks) == sorted(motions.leaks)
    assert motions.leaks[0] < 0.01 < 0.1 < motions.leaks[1]
    for action in motions.actions:
        torch.testing.assert_close(action.matrix, -action.matrix.T)


def test_jacobians_against_automatic_differentiation() -> None:
    world = worlds.rotated()
    z = world.draw(3, torch.Generator().manual_seed(0))
    of_image, of_evidence = jacobians(world.space, z)
    for i in range(3):
        exact = torch.autograd.functional.jacobian(lambda p: world.space.decode(p[None])[0], z[i])
        torch.testing.assert_close(of_image[i], exact, atol=0.02, rtol=0.02)
    assert of_evidence.shape == (3, 2, 2)


def test_gram_matrix_tells_rigid_from_other_motions() -> None:
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))
    assert float(gram_change(x, x @ turn)) < 1e-10
    assert float(gram_change(x, x + torch.randn(20, 6))) > 0.05


def test_a_flow_that_stands_still_is_no_symmetry() -> None:
    world = worlds.rotated()
    random = torch.Generator().manual_seed(0)
    action = found_in(world).action
    resting = replace(action, matrix=torch.zeros_like(action.matrix))
    still = evidence(world.space, resting, world.stream, settings(50), random, math.inf)
    assert still.distance == pytest.approx(0, abs=1e-6)
    assert not still.found


def test_what_is_within_its_error_of_a_limit_is_not_claimed() -> None:
    good = Evidence(0.05, 0.1, 0.1, 0.5, 0.1)
    assert good.found
    assert not replace(good, errors={"leak": 0.03}).found
    assert not replace(good, errors={"distance": 0.16}).found
    assert "evenly" in replace(good, imbalance=0.3).verdict


def test_the_pulled_back_generator_moves_images_as_the_action_does() -> None:
    found = found_in(worlds.rotated())
    world = worlds.rotated()
    z = world.draw(50, torch.Generator().manual_seed(3))
    _, velocity = world.space.velocity(z, pulled_back(world.space, found.action)(z))
    x = found.action.components(world.space.decode(z))
    wanted = found.action.images(x @ found.action.matrix.T)
    assert float((velocity - wanted).norm() / wanted.norm()) < 0.15
