from __future__ import annotations

import torch
import worlds
from torch.nn.functional import cosine_similarity

from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.search import search
from calovision.models.symmetry.settings import IsometrySettings
from calovision.networks.perceptron import VectorField
from calovision.studies.symmetry_ablation import Ablated, search_without


def settings(steps: int) -> IsometrySettings:
    return IsometrySettings(
        task="symmetry", model="isometry", points=300, components=12, refine_steps=steps
    )


def without(prior: str, world: worlds.World, steps: int = 0) -> Ablated:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    return search_without(prior, world.space, world.stream, settings(steps), random)


def test_without_nothing_it_is_the_search() -> None:
    world = worlds.rotated()
    found = without("nothing", world)
    random = torch.Generator().manual_seed(1)
    motions = search(world.space, world.stream, settings(0), random=random)
    assert found.leak == motions.leaks[0]
    assert isinstance(found.motion, LinearAction)
    assert torch.equal(found.motion.matrix, -found.motion.matrix.T)


def test_what_is_left_out_is_left_out() -> None:
    world = worlds.rotated()
    general = without("isometry", world).motion
    trained = without("isometry", worlds.circles(), steps=3).motion
    for action in (general, trained):
        assert isinstance(action, LinearAction)
        assert float((action.matrix + action.matrix.T).norm() / action.matrix.norm()) > 0.01
    guess = without("guess", world)
    assert isinstance(guess.motion, LinearAction)
    assert guess.leak is None
    seeing, blind = (without(prior, worlds.watched()).leak for prior in ("nothing", "oracle"))
    assert seeing is not None
    assert blind is not None
    assert blind < 0.2 * seeing


def test_a_network_that_keeps_inner_products_turns() -> None:
    world = worlds.circles()
    field = without("linear", world, steps=150).motion
    assert isinstance(field, VectorField)
    z = world.draw(300, torch.Generator().manual_seed(9))
    cosine = cosine_similarity(field(z), world.truth(z))
    assert float((cosine * cosine.mean().sign()).mean()) > 0.95
