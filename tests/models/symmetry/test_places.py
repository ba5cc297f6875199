"""The pieces of the symmetry task on a GPU, pretended, and on the CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from calovision.evaluation.symmetry.measures import measure
from calovision.models.symmetry.autoencoder import train_vae
from calovision.models.symmetry.checkpoints import Keeper
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.frame import co_moving_frame
from calovision.models.symmetry.free import free_generator
from calovision.models.symmetry.group_vae import group_bound, new_group_vae
from calovision.models.symmetry.isometry import rigid_motions
from calovision.models.symmetry.lie import algebra
from calovision.models.symmetry.linear import LinearAction, closed
from calovision.models.symmetry.phases import phases
from calovision.models.symmetry.published import published_generators
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.runs import Flows
from calovision.models.symmetry.settings import IsometrySettings, PublishedSettings
from calovision.models.symmetry.space import LatentSpace, train_oracle, vae_space
from calovision.models.symmetry.supervised import train_published_map, train_step_map
from calovision.networks.image_vae import ImageVAE
from calovision.studies.symmetry_ablation import random_motion
from calovision.training.run import RunDir
from calovision.utils.interruption import Stop
from pretended_gpu import ANSWERS, GPU, OwnGenerator, PretendedGPU, needed

pytestmark = needed
CPU = torch.device("cpu")
OURS = IsometrySettings(
    task="symmetry", model="isometry", refine_steps=2, group_steps=2, points=20, components=5
)
BASELINE = PublishedSettings(
    task="symmetry", model="baseline", generator_steps=2, generator_batch=8
)


@dataclass
class World:
    """A latent space that was never trained, and its data, on one device."""

    data: ImageData
    vae: ImageVAE
    oracle: nn.Module
    action: LinearAction

    def to(self, device: torch.device) -> World:
        vae, oracle = copy.deepcopy(self.vae).to(device), copy.deepcopy(self.oracle).to(device)
        return World(self.data.to(device), vae, oracle, self.action.to(device))

    @property
    def space(self) -> LatentSpace:
        return vae_space(self.vae, self.oracle)

    @property
    def points(self) -> Tensor:
        return self.vae.mean(self.data.test[0]).detach()

    @property
    def flows(self) -> Flows:
        torch.manual_seed(5)
        fields = published_generators(
            self.space, self.data.stream(), 2, BASELINE, random=self.random()
        )
        return Flows(self.vae, self.oracle, tuple(fields), None, {})

    def random(self) -> torch.Generator:
        return OwnGenerator(self.data.train[0].device).manual_seed(7)


@pytest.fixture(scope="module")
def world(reference: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> World:
    data = reference.digits(tmp_path_factory.mktemp("digits") / "set")
    torch.manual_seed(1)
    vae = ImageVAE(data.pixels, 2)
    basis, _ = torch.linalg.qr(torch.randn(data.pixels, 6))
    half = torch.randn(6, 6)
    action = closed(LinearAction(half - half.T, basis), 1.0)
    random = torch.Generator().manual_seed(1)
    oracle = train_oracle(vae, data.stream(warp=1.0), 2, OURS, steps=1, random=random)
    return World(data, vae, oracle, action)


def adapted(w: World) -> Tensor:
    images, label = w.data.stream()(40, w.random())
    vae = new_group_vae(w.action, images, label, 2, 3)
    train_vae(vae, w.data.stream(), OURS, random=w.random(), bound=group_bound, steps=2)
    return vae.decode(vae.mean(images))


def framed(w: World) -> Tensor:
    images, label = w.data.stream()(40, w.random())
    orbits = phases(w.action, images, label)
    frame = co_moving_frame(w.space, w.flows.fields[0], orbits, images, label, number=2)
    return frame.velocities(w.points)


def moved(w: World) -> Tensor:
    found = rigid_motions(w.space, w.data.stream(), OURS, w.random())
    return torch.stack([a.matrix.abs() for a in found.actions[:1]])


#: what a world gives: numbers on its device
PIECES: dict[str, Callable[[World], Tensor]] = {
    "adapt": adapted,
    "refine": lambda w: refine(w.action, w.space, w.data.stream(), OURS, random=w.random()).matrix,
    "generators": lambda w: w.flows.fields[1](w.points),
    "free": lambda w: free_generator(w.space, w.data.stream(), OURS, random=w.random())(w.points),
    "step map": lambda w: train_step_map(w.vae, w.data.stream(12), steps=3, random=w.random())(
        w.points
    ),
    "published map": lambda w: train_published_map(
        w.vae, w.data.stream(12), steps=2, random=w.random(), batch=8
    )(w.points),
    "frame": framed,
    "rigid motions": moved,
    "random motion": lambda w: random_motion(w.space, w.data.stream(), OURS, w.random()).matrix,
}


@pytest.mark.parametrize("piece", PIECES)
def test_pieces(piece: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    expected = PIECES[piece](world.to(CPU)).detach()
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    with PretendedGPU():
        torch.manual_seed(3)
        found = PIECES[piece](world.to(GPU)).detach()
        assert found.device == GPU
        size = float(expected.abs().max())
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3 * size)


def test_measures(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    flows = world.to(CPU).flows
    expected, _ = measure(flows, world.data, device="cpu")
    brackets = algebra(flows.space, flows.fields, world.points)
    for answer in ANSWERS:
        monkeypatch.setattr(answer, ANSWERS[answer])
    with PretendedGPU():
        found, arrays = measure(flows, world.data)
        there = world.to(GPU)
        again = algebra(there.space, there.flows.fields, there.points)
    assert next(flows.vae.parameters()).device == CPU
    assert found.keys() == expected.keys()
    assert arrays["latent/points"].shape == (24, 2)
    for key, metric in expected.items():
        assert found[key].value == pytest.approx(metric.value, rel=1e-2, abs=1e-2, nan_ok=True)
    assert again.size == pytest.approx(brackets.size, rel=1e-2)


def test_a_stage_goes_on_with_new_numbers_where_the_old_ones_are_unknown(tmp_path: Path) -> None:
    """The state of a GPU's random numbers is 16 bytes, which say nothing to a CPU."""

    def drawn(step: int) -> Tensor:
        keeper = Keeper(RunDir(tmp_path), Stop(), torch.Generator().manual_seed(3))
        state = torch.zeros(16, dtype=torch.uint8)
        keeper.stages = {"VAE": {"of": {}, "random": state, "step": step}}
        assert next(keeper.steps("VAE", 100)) == step
        return torch.rand(4, generator=keeper.random)

    assert torch.equal(drawn(5), drawn(5))
    assert not torch.equal(drawn(5), drawn(6))
    assert not torch.equal(drawn(5), torch.rand(4, generator=torch.Generator().manual_seed(3)))
