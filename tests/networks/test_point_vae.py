from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.networks.point_vae import Grid, Hits, PointVAE

GRID = Grid(25, 5, (False, False, True))
POINTS = 30


def network() -> PointVAE:
    torch.manual_seed(0)
    return PointVAE(
        rows=25, block=5, coarse=(False, False, True), summary=7, code=16, points=POINTS, width=16
    ).eval()


def hits(n: int, size: int, seed: int) -> Hits:
    rng = torch.Generator().manual_seed(seed)
    channel = torch.randint(0, 3, (n, size), generator=rng)
    pixel = torch.randint(0, 125, (n, size, 2), generator=rng)
    pixel = torch.where((channel == 2)[..., None], pixel // 5 * 5 + 2, pixel)
    return Hits(
        (pixel - 62).float(),
        torch.randn(n, size, generator=rng),
        channel,
        torch.ones(n, size, dtype=torch.bool),
        torch.full((n,), POINTS),
    )


def padded(given: Hits, extra: int) -> Hits:
    n = len(given.mask)
    return Hits(
        torch.cat([given.position, torch.full((n, extra, 2), 7.0)], 1),
        torch.cat([given.energy, torch.full((n, extra), 3.0)], 1),
        torch.cat([given.channel, torch.zeros(n, extra, dtype=torch.long)], 1),
        torch.cat([given.mask, torch.zeros(n, extra, dtype=torch.bool)], 1),
        given.points,
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_grid_index_and_place_are_inverse(seed: int) -> None:
    some = hits(2, 50, seed)
    position, channel = GRID.place(GRID.index(some.position, some.channel))
    assert torch.equal(position, some.position)
    assert torch.equal(channel, some.channel)


def test_grid_index_is_one_to_one() -> None:
    every = torch.arange(GRID.layers * 25 * 25)
    position, channel = GRID.place(every)
    assert torch.equal(GRID.index(position, channel), every)


def test_scatter_conserves_what_it_is_given() -> None:
    some = hits(3, 40, 1)
    image = GRID.scatter(GRID.index(some.position, some.channel), some.energy)
    assert torch.allclose(image.sum((1, 2, 3)), some.energy.sum(1), atol=1e-4)


def test_padding_changes_no_posterior() -> None:
    net, some, summary = network(), hits(4, 45, 2), torch.randn(4, 7)
    plain, more = net.encoder(some, summary), net.encoder(padded(some, 13), summary)
    for a, b in zip(plain, more, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_order_of_hits_changes_the_code_nowhere_and_permutes_the_points() -> None:
    net, some, summary = network(), hits(4, POINTS, 3), torch.randn(4, 7)
    order = torch.randperm(POINTS)
    mixed = Hits(
        some.position[:, order],
        some.energy[:, order],
        some.channel[:, order],
        some.mask,
        some.points,
    )
    plain, other = net.encoder(some, summary), net.encoder(mixed, summary)
    assert torch.allclose(plain.code, other.code, atol=1e-5)
    assert torch.allclose(plain.point[:, order], other.point, atol=1e-5)


def test_untrained_decoder_already_names_channel_and_cell_of_exact_points() -> None:
    net, some, summary = network(), hits(4, POINTS, 4), torch.randn(4, 7)
    some = some._replace(energy=some.energy.clamp(-3, 3))
    q = net.encoder(some, summary)
    p = net.decoder.points(q.code, q.point)
    assert torch.equal(p.channel.argmax(-1), some.channel)
    assert torch.allclose(p.position, some.position, atol=1e-3)
    assert torch.allclose(p.energy, some.energy, atol=0.05)


def test_latent_numbers_are_at_most_those_of_the_baseline() -> None:
    net = PointVAE(rows=25, block=5, coarse=(False, False, True), summary=23)
    assert net.latent_numbers == 1024
