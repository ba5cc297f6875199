"""The network of the particles of a jet before the detector, one after another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.models.generators.particles.tokens import (
    ETA,
    GEN_M0,
    GEN_PT,
    LOWEST_PT,
    M0,
    MEMBERS,
    OTHERS,
    PT,
)
from calovision.models.generators.sequences import rows_in_turn
from calovision.networks.mixtures import (
    LINE,
    PLANE,
    category,
    line_log_prob,
    line_sample,
    plane_log_prob,
    plane_sample,
)
from calovision.networks.perceptron import perceptron
from calovision.networks.sequence_transformer import Memory, SequenceTransformer

_LOWEST = math.log(LOWEST_PT)
_HIGHEST = 9.0  #: no particle is harder, logarithm of GeV
_FREQUENCIES = (1.5, 4.0, 12.0, 40.0)  #: by which angles enter
_STATE, _PARTICLE, _JET = 12, 6 + 4 * len(_FREQUENCIES), 9
_FAR = 1e3  #: bound of a position that has none


def normal(numbers: Tensor) -> Tensor:
    """Numbers of jets ``(n, NUMBERS)`` (GeV) as the law sees them, of order one."""
    gen_pt, gen_m0, eta, pt, m0, members, others = numbers.unbind(-1)
    shown = [
        3 * (gen_pt / 100).log(),
        6 * (gen_m0 / gen_pt).clamp(min=1e-3).log() + 12,
        2 * eta.abs() - 1.5,
        6 * (pt / gen_pt).log(),
        4 * (m0.clamp(min=0.1) / gen_m0.clamp(min=0.1)).log(),
        2 * (members + 1).log() - 6,
        2 * (others + 1).log() - 7,
    ]
    return torch.stack(shown, -1)


def physical(shown: Tensor) -> Tensor:
    """The inverse of :func:`normal`; pseudorapidities are positive."""
    gen_pt = 100 * (shown[..., GEN_PT] / 3).exp()
    gen_m0 = gen_pt * ((shown[..., GEN_M0] - 12) / 6).exp()
    counts = (((shown[..., i] + c) / 2).exp() - 1 for i, c in ((MEMBERS, 6), (OTHERS, 7)))
    columns = [
        gen_pt,
        gen_m0,
        (shown[..., ETA] + 1.5) / 2,
        gen_pt * (shown[..., PT] / 6).exp(),
        gen_m0.clamp(min=0.1) * (shown[..., M0] / 4).exp(),
        *counts,
    ]
    return torch.stack(columns, -1)


class Particle(NamedTuple):
    """A particle of each jet, or all of them: ``(n,)`` or ``(n, objects)`` each.

    Attributes:
        kind: place in the list of identities.
        log_pt: logarithm of the transverse momentum in GeV.
        eta, phi: from the jet's axis, phi in rad.
    """

    kind: Tensor
    log_pt: Tensor
    eta: Tensor
    phi: Tensor

    def of(self, jets: int) -> Particle:
        """Those of the first jets."""
        return Particle(*(v[:jets] for v in self))


class Jet(NamedTuple):
    """Jets as the network of particles needs them.

    Attributes:
        numbers: ``(n, NUMBERS)``, GeV.
        shown: ``(n, width)`` class and numbers as the transformer sees them.
    """

    numbers: Tensor
    shown: Tensor


class ParticleLaw(nn.Module):
    """Law of the next particle, given the jet and the particles so far.

    Args:
        kinds: identities that there are.
        width, layers, heads: of the transformer.
        components: of the mixtures of momenta; twice as many of the mixtures of directions.
        reach: largest distance in eta of the particles around a jet.
    """

    frequencies: Tensor

    def __init__(
        self, kinds: int, *, width: int, layers: int, heads: int, components: int, reach: float
    ) -> None:
        super().__init__()
        self.kinds, self.reach = kinds, reach
        self.transformer = SequenceTransformer(width, layers, heads)
        self.jet = perceptron([_JET, width, width])
        self.state = perceptron([_STATE, width, width])
        self.particle = nn.Linear(_PARTICLE, width)
        self.identity = nn.Embedding(2 * kinds + 1, width)
        self.law_of_kind = perceptron([width, width, kinds])
        self.known_kind = nn.Embedding(kinds, width // 4)
        self.law_of_pt = perceptron([width + width // 4, width, LINE * components])
        self.law_of_place = perceptron([width + width // 4 + 4, width, 2 * PLANE * components])
        self.register_buffer("frequencies", torch.tensor(_FREQUENCIES), persistent=False)

    def jet_of(self, label: Tensor, numbers: Tensor) -> Jet:
        """Jets of classes ``(n,)`` and numbers ``(n, NUMBERS)``."""
        shown = normal(numbers)
        ratio = 5 * (numbers[:, GEN_M0] / numbers[:, GEN_PT] - 0.13)
        told = [shown[:, i] for i in (GEN_PT, GEN_M0, ETA, MEMBERS, OTHERS)]
        side = numbers[:, ETA]
        share = numbers[:, MEMBERS] / 30 - 1
        shown = torch.stack([label * 2 - 1, *told, ratio, side, share], -1)
        return Jet(numbers, self.jet(shown))

    def left(self, numbers: Tensor, sums: Tensor, place: Tensor) -> Tensor:
        """What is left of jets before their next particles, ``(n, objects, _STATE)``.

        ``sums`` ``(n, objects, 4)`` are of :func:`moments` of the members so far, ``place``
        ``(objects,)`` counts the particles before.
        """
        jet = numbers[:, None].expand(-1, sums.shape[1], -1)
        pt, mass2, members = jet[..., GEN_PT], jet[..., GEN_M0] ** 2, jet[..., MEMBERS]
        along, around, across, wide = sums.unbind(-1)
        rest = (pt - along) / pt
        # of particles close to the axis, m^2 = pt sum(pt (eta^2 + phi^2))
        heavy = (mass2 - pt * wide) / (mass2 + 1)
        own = (members - place).clamp(min=0)
        others = (members + jet[..., OTHERS] - place - own).clamp(min=0)
        mean = (F.relu(rest) * pt + 0.01) / (own + 0.5)
        shown = [
            *(2 * rest - 1, (100 * F.relu(rest) + 0.01).log() / 2 - 1, around / 5, across / 5),
            *(own / 15 - 1, own.log1p() - 2, (own == 0).float(), others.log1p() - 3),
            *(2 * heavy - 1, (100 * F.relu(heavy) + 0.01).log() / 2 - 1),
            *((own == 1).float(), mean.log()),
        ]
        return torch.stack(shown, -1)

    def objects(self, jet: Tensor, before: Particle, left: Tensor) -> Tensor:
        """What the transformer sees ``(n, objects, width)``: the particles before, what is left.

        ``jet`` is :attr:`Jet.shown`; the kind of the particles before tells members from others.
        """
        angle = torch.stack([before.eta, before.phi], -1)[..., None] * self.frequencies
        away = before.eta**2 + before.phi**2
        plain = [before.log_pt, before.eta, before.phi, away, (away + 1e-4).log() / 4]
        numbers = torch.stack([*plain, before.log_pt**2 / 8], -1)
        numbers = torch.cat([numbers, angle.sin().flatten(-2), angle.cos().flatten(-2)], -1)
        hidden: Tensor = self.identity(before.kind) + self.particle(numbers)
        out: Tensor = hidden + self.state(left) + jet[:, None]
        return out

    def begin(self, jets: int, device: torch.device) -> Particle:
        """What stands before the first particle of each jet."""
        nothing = torch.zeros(jets, device=device)
        return Particle(nothing.long() + 2 * self.kinds, nothing, nothing, nothing)

    def told(self, particle: Particle, member: Tensor) -> Particle:
        """The particle as the next one sees it, its kind telling members from others."""
        return particle._replace(kind=particle.kind + self.kinds * member)

    def log_prob(
        self, label: Tensor, numbers: Tensor, particles: Particle, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probability of kinds, and log-density of momenta and of directions ``(m,)``.

        Of the particles ``(n, objects)`` that there are by the mask, of jets of classes ``(n,)``.
        """
        n, objects = mask.shape
        place = torch.arange(objects, device=mask.device)
        member = place < numbers[:, MEMBERS, None]
        told = self.told(particles, member)
        begin = self.begin(n, mask.device)
        shifted = (torch.cat([b[:, None], t[:, :-1]], 1) for b, t in zip(begin, told, strict=True))
        sums = moments(particles) * member[..., None]
        sums = F.pad(sums.cumsum(1)[:, :-1], (0, 0, 1, 0))
        left = self.left(numbers, sums, place)
        seen = self.objects(self.jet_of(label, numbers).shown, Particle(*shifted), left)
        hidden = self.transformer(seen)[mask]
        found = Particle(*(v[mask] for v in particles))
        first = (place == 0) | (place == numbers[:, MEMBERS, None])
        high = torch.where(first[:, 1:], _HIGHEST, particles.log_pt[:, :-1])
        high = F.pad(high, (1, 0), value=_HIGHEST)[mask]
        high = torch.maximum(high, found.log_pt) + 1e-4
        low = torch.full_like(high, _LOWEST)
        kind = -F.cross_entropy(self.law_of_kind(hidden).float(), found.kind, reduction="none")
        of_pt, of_place = self._laws(hidden, found.kind)
        pt = line_log_prob(of_pt(), found.log_pt, low, high)
        half = self._half(member[mask])
        at = plane_log_prob(of_place(found.log_pt, member[mask]), found.eta, found.phi, half)
        return kind, pt, at

    def advance(
        self, jet: Jet, before: Particle, sums: Tensor, memory: Memory, uniform: Tensor
    ) -> tuple[Particle, Particle, Tensor]:
        """Draw the next particle ``(n,)`` of each jet.

        Args:
            jet: ``n`` jets.
            before: ``(n,)`` the particle before, as :meth:`told`.
            sums: ``(n, 4)`` of the :func:`moments` of the members so far.
            memory: of the particles so far; it takes up this one.
            uniform: ``(n, 6)`` uniform numbers.

        Returns:
            The particle, as it is and as the next one is told, and the new sums.
        """
        place = torch.full((1,), memory.place, device=uniform.device)
        left = self.left(jet.numbers, sums[:, None], place)
        seen = self.objects(jet.shown, Particle(*(v[:, None] for v in before)), left)
        hidden = self.transformer.step(seen[:, 0], memory)
        members = jet.numbers[:, MEMBERS]
        member, first = place < members, (place == 0) | (place == members)
        kind = category(self.law_of_kind(hidden).float(), uniform[:, 0])
        of_pt, of_place = self._laws(hidden, kind)
        high = torch.where(first, _HIGHEST, before.log_pt) + 1e-4
        log_pt = line_sample(of_pt(), torch.full_like(high, _LOWEST), high, uniform[:, 1:3])
        law = of_place(log_pt, member)
        eta, phi = plane_sample(law, self._half(member), uniform[:, 3:])
        found = Particle(kind, log_pt, eta, phi.clamp(-math.pi, math.pi))
        return found, self.told(found, member), sums + moments(found) * member[:, None]

    def _half(self, member: Tensor) -> Tensor:
        return torch.where(member, _FAR, self.reach)

    def _laws(self, hidden: Tensor, kind: Tensor) -> tuple[Callable[..., Tensor], ...]:
        """Laws of momentum, and of direction at a momentum, of particles of known kinds."""
        known = torch.cat([hidden, self.known_kind(kind)], -1)

        def of_pt() -> Tensor:
            law: Tensor = self.law_of_pt(known).float()
            return law

        def of_place(log_pt: Tensor, member: Tensor) -> Tensor:
            hard = log_pt.exp().clamp(max=5.0)
            more = torch.stack([log_pt, hard, log_pt**2 / 8, member.to(log_pt)], -1)
            law: Tensor = self.law_of_place(torch.cat([known, more], -1)).float()
            # members lie close together; of others eta and phi are all but independent
            scale = torch.where(member[:, None], -2.5, -1.2)
            weight, at_eta, at_phi, wide, high, slope = law.chunk(PLANE, -1)
            parts = [weight, at_eta, at_phi, wide + scale, high + scale]
            return torch.cat([*parts, slope * 0.5 * member[:, None]], -1)

        return of_pt, of_place


def moments(particle: Particle) -> Tensor:
    """``(..., 4)`` pt (GeV) times cos(phi), phi, eta, and eta^2 + phi^2."""
    eta, phi = particle.eta, particle.phi
    parts = torch.stack([phi.cos(), phi, eta, eta**2 + phi**2], -1)
    return particle.log_pt.exp()[..., None] * parts


@torch.no_grad()
def sample_particles(
    law: ParticleLaw, label: Tensor, numbers: Tensor, generator: torch.Generator
) -> Particle:
    """Particles ``(n, objects)`` of jets in descending order of their number, padded by zeros."""
    device, n = label.device, len(label)
    turns = rows_in_turn(numbers[:, MEMBERS:].sum(1).long())
    blank = torch.zeros(n, len(turns), device=device)
    out = Particle(blank.long(), *(blank.clone() for _ in range(3)))
    memory = law.transformer.memory(n, len(turns), device)
    jet, before = law.jet_of(label, numbers), law.begin(n, device)
    sums = numbers.new_zeros(n, 4)
    for place, now in enumerate(turns):
        uniform = torch.rand(now, 6, generator=generator, device=device)
        jet, before, sums = Jet(*(v[:now] for v in jet)), before.of(now), sums[:now]
        found, before, sums = law.advance(jet, before, sums, memory, uniform)
        for column, value in zip(out, found, strict=True):
            column[:now, place] = value
    return out
