"""Every tagging network: gradients, invariances, save and load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from calovision.networks.graph_sage import GraphSAGE
from calovision.networks.particle_net import PARTICLE_NET_LITE, ParticleNet
from calovision.networks.particle_transformer import ParticleTransformer
from calovision.networks.resnet15 import ResNet15
from calovision.networks.tower_net import BINS

Inputs = tuple[Tensor | int, ...]
TOLERANCE = 1e-5
JETS, HITS = 6, 30


@dataclass(frozen=True)
class Tagger:
    """A network, inputs for it, and what must not change its output.

    Attributes:
        make: a fresh network.
        inputs: inputs of :data:`JETS` jets from a generator.
        permuted: the same jets with the hits of each in another order.
        padded: the same jets with more padding, which holds rubbish.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[torch.Generator], Inputs]
    permuted: Callable[[Inputs], Inputs] | None = None
    padded: Callable[[Inputs], Inputs] | None = None


def sets(generator: torch.Generator) -> Inputs:
    """Points, features and mask of jets of 3 to :data:`HITS` hits, in no order of the mask."""
    points = torch.randn(JETS, HITS, 2, generator=generator)
    features = torch.randn(JETS, HITS, 5, generator=generator)
    counts = torch.tensor([3, 5, HITS, 12, 20, 17])[:, None]
    return points, features, torch.arange(HITS) < counts


def permuted_sets(inputs: Inputs) -> Inputs:
    order = torch.randperm(HITS, generator=torch.Generator().manual_seed(5))
    return tuple(t[:, order] for t in inputs if isinstance(t, Tensor))


def padded_sets(inputs: Inputs) -> Inputs:
    points, features, mask = inputs
    assert isinstance(points, Tensor)
    assert isinstance(features, Tensor)
    assert isinstance(mask, Tensor)
    more = 9
    points = torch.where(mask[..., None], points, 1e3)
    features = torch.where(mask[..., None], features, -1e3)
    return (
        torch.cat([points, torch.full((JETS, more, 2), 0.01)], 1),
        torch.cat([features, torch.full((JETS, more, 5), 77.0)], 1),
        torch.cat([mask, torch.zeros(JETS, more, dtype=torch.bool)], 1),
    )


def pixel_graphs(generator: torch.Generator) -> Inputs:
    """Features, edges, graph numbers and their number; three neighbours a node."""
    nodes = 10
    features = torch.randn(JETS * nodes, 3, generator=generator)
    target = torch.arange(JETS * nodes).repeat_interleave(3)
    steps = torch.randint(0, nodes, (len(target),), generator=generator)
    source = target // nodes * nodes + steps
    return features, torch.stack([source, target]), torch.arange(len(features)) // nodes, JETS


def permuted_graphs(inputs: Inputs) -> Inputs:
    features, edges, batch, n = inputs
    assert isinstance(features, Tensor)
    assert isinstance(edges, Tensor)
    assert isinstance(batch, Tensor)
    mixed = torch.rand(len(batch), generator=torch.Generator().manual_seed(5))
    order = (batch + mixed).argsort()
    place = order.argsort()
    swapped = place[edges][:, torch.randperm(edges.shape[1])]
    return features[order], swapped, batch[order], n


def images(generator: torch.Generator) -> Inputs:
    return (torch.randn(JETS, 3, 40, 40, generator=generator),)


def hits_and_context(generator: torch.Generator) -> Inputs:
    """Features, positions, mask, context and towers, as the transformer takes them."""
    points, features, mask = sets(generator)
    context = torch.randn(JETS, 4, generator=generator)
    return features, points, mask, context, torch.randn(JETS, 2, BINS, BINS, generator=generator)


def permuted_hits(inputs: Inputs) -> Inputs:
    features, points, mask = permuted_sets(inputs[:3])
    return features, points, mask, *inputs[3:]


def padded_hits(inputs: Inputs) -> Inputs:
    points, features, mask = padded_sets((inputs[1], inputs[0], inputs[2]))
    return features, points, mask, *inputs[3:]


TAGGERS = {
    "particle-transformer": Tagger(
        lambda: ParticleTransformer(5, 4, 2, width=16, heads=2),
        hits_and_context,
        permuted_hits,
        padded_hits,
    ),
    "graph-sage": Tagger(GraphSAGE, pixel_graphs, permuted_graphs),
    "particle-net": Tagger(lambda: ParticleNet(5), sets, permuted_sets, padded_sets),
    "particle-net-lite": Tagger(
        lambda: ParticleNet(5, blocks=PARTICLE_NET_LITE, head=128),
        sets,
        permuted_sets,
        padded_sets,
    ),
    "resnet15": Tagger(ResNet15, images),
}


@pytest.fixture(params=TAGGERS)
def tagger(request: pytest.FixtureRequest) -> Tagger:
    return TAGGERS[request.param]


def changed_by(form: str) -> list[Any]:
    """Taggers whose inputs have the ``form``; images have none, graphs no padding."""
    return [pytest.param(t, id=k) for k, t in TAGGERS.items() if getattr(t, form) is not None]


def made(tagger: Tagger) -> tuple[nn.Module, Inputs]:
    """A network whose batch normalisation has seen data, in evaluation mode, and inputs."""
    torch.manual_seed(3)
    network = tagger.make()
    inputs = tagger.inputs(torch.Generator().manual_seed(4))
    network.train()
    network(*inputs)
    return network.eval(), inputs


def test_one_finite_logit_a_jet(tagger: Tagger) -> None:
    network, inputs = made(tagger)
    out = network(*inputs)
    assert out.shape == (JETS,)
    assert out.isfinite().all()
    assert out.std() > 1e-4  # or the invariances below would hold for nothing


def test_every_parameter_has_a_gradient(tagger: Tagger) -> None:
    network, inputs = made(tagger)
    network.train()
    network(*inputs).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("tagger", changed_by("permuted"))
def test_the_order_of_hits_does_not_matter(tagger: Tagger) -> None:
    assert tagger.permuted is not None
    network, inputs = made(tagger)
    again = network(*tagger.permuted(inputs))
    torch.testing.assert_close(again, network(*inputs), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("tagger", changed_by("padded"))
@pytest.mark.parametrize("training", [False, True])
def test_padding_does_not_matter(tagger: Tagger, training: bool) -> None:
    assert tagger.padded is not None
    network, inputs = made(tagger)
    more = tagger.padded(inputs)
    network.train(training)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    torch.testing.assert_close(network(*more), network(*inputs), atol=TOLERANCE, rtol=0)


def test_jets_of_a_batch_do_not_meet(tagger: Tagger) -> None:
    network, inputs = made(tagger)
    whole = network(*inputs)
    disturbed = [t.clone() if isinstance(t, Tensor) else t for t in inputs]
    features = disturbed[0 if len(inputs) != 3 else 1]
    assert isinstance(features, Tensor)
    features[len(features) // JETS * (JETS - 1) :] += 3.0  # the last jet's
    again = network(*disturbed)
    torch.testing.assert_close(again[:-1], whole[:-1], atol=TOLERANCE, rtol=0)
    assert (again[-1] - whole[-1]).abs() > 1e-5


def test_save_and_load(tagger: Tagger, tmp_path: Path) -> None:
    network, inputs = made(tagger)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    torch.manual_seed(99)
    again = tagger.make().eval()
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(*inputs), network(*inputs))
