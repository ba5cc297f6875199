"""How good a symmetry a motion is: measured on data that it was not made from, with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.isometry import gram_change, leaks_of, pulled_back
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream

REPLICAS = 5  #: independent draws of data, whose spread is the error
POINTS = 120  #: data in each
HALF = 500  #: and in each half of those whose second moments are compared
TIME = 0.5  #: of the motion, in units of the inverse of a typical angular frequency
FOLLOWED = 30  #: data that are followed for a whole period
NEAR = 0.5  #: of the distance to unrelated data: nearer than that, they have come back
SIGMAS = 2.0  #: errors by which a number must be on the right side of its limit


@dataclass(frozen=True)
class Evidence:
    """How good a symmetry a flow is, on data; all without unit.

    Attributes:
        leak: share of squared velocity off the manifold or seen by the oracle.
        distortion: change of the Gram matrix over what unrelated images would show; 0 is rigid,
            1 is no relation.
        drift: change of the oracle's evidence, likewise.
        distance: distance that images move, over that of unrelated images.
        imbalance: change of the second moments of the data, over their size, of a flow that comes
            back: 0 if its orbits are evenly filled, 1.4 if data lie along one axis alone. Of one
            that does not, as a translation, 0: data may end somewhere.
        errors: of each, from independent draws of data.
    """

    leak: float
    distortion: float
    drift: float
    distance: float
    imbalance: float = 0.0
    errors: dict[str, float] = field(default_factory=dict)

    LEAST_DISTANCE = 0.2
    MOST_LEAK = 0.1
    MOST_DISTORTION = 0.25
    MOST_DRIFT = 0.25
    MOST_IMBALANCE = 0.25

    @property
    def found(self) -> bool:
        """Whether this is a symmetry."""
        return self.verdict == "a symmetry"

    @property
    def verdict(self) -> str:
        """In words; what is within :data:`SIGMAS` errors of its limit is not claimed."""
        if self._largest("leak") > self.MOST_LEAK:
            return "no symmetry found: every rigid motion leaves the data or changes the oracle"
        if self._largest("distance", -SIGMAS) < self.LEAST_DISTANCE:
            return "no symmetry found: the flow hardly moves anything"
        if self._largest("distortion") > self.MOST_DISTORTION:
            return "no symmetry found: the flow does not move images rigidly"
        if self._largest("drift") > self.MOST_DRIFT:
            return "no symmetry found: the oracle sees a change along the flow"
        if self._largest("imbalance") > self.MOST_IMBALANCE:
            return "no symmetry found: the data do not fill the orbits evenly"
        return "a symmetry"

    def _largest(self, name: str, sigmas: float = SIGMAS) -> float:
        value: float = getattr(self, name)
        return value + sigmas * self.errors.get(name, 0.0)


@torch.no_grad()
def evidence(
    space: LatentSpace,
    action: LinearAction,
    stream: Stream,
    settings: IsometrySettings,
    random: torch.Generator,
    period: float,
) -> Evidence:
    """Judge the flow of a linear action after :data:`TIME`, on fresh data.

    Args:
        space: the latent space.
        action: of one typical angular frequency.
        stream: its data.
        settings: of the search.
        random: of the data.
        period: of the group, if it has one.
    """
    returns = _returns(space, action, stream, period, random)
    rows = []
    for _ in range(REPLICAS):
        z, _ = space.draw(stream, POINTS, random, spread=0.0)
        uneven = 0.0
        if returns:
            halves = (space.draw(stream, HALF, random, spread=0.0)[0] for _ in range(2))
            uneven = _imbalance(action, *(action.components(space.decode(h)) for h in halves))
        rows.append((*_measured(space, action, z, settings, random), uneven))
    values = torch.tensor(rows, dtype=torch.float64, device="cpu")
    means, errors = values.mean(0).tolist(), (values.std(0) / math.sqrt(REPLICAS)).tolist()
    leak, distortion, drift, distance, imbalance = means
    names = ("leak", "distortion", "drift", "distance", "imbalance")
    return Evidence(
        leak, distortion, drift, distance, imbalance, dict(zip(names, errors, strict=True))
    )


def _measured(
    space: LatentSpace,
    action: LinearAction,
    z: Tensor,
    settings: IsometrySettings,
    random: torch.Generator,
) -> tuple[float, ...]:
    """All numbers of :class:`Evidence` but the last at points ``z`` ``(n, d)``."""
    end = flow(pulled_back(space, action), z, TIME, longest=0.1, reach=50)
    other = z[torch.randperm(len(z), generator=random, device=z.device)]
    x, y, w = (space.decode(p) for p in (z, end, other))
    before, after, unrelated = (space.evidence(p) for p in (z, end, other))
    q = action.components(x)
    velocity = q @ action.matrix.T
    forms = leaks_of(space, z, action.basis, settings.oracle_weight)
    leak = torch.einsum("ni,nij,nj->", velocity, forms, velocity)
    return (
        float(leak / velocity.square().sum().clamp(min=1e-9)),
        math.sqrt(float(gram_change(x, y) / gram_change(x, w).clamp(min=1e-12))),
        float((after - before).norm() / (unrelated - before).norm().clamp(min=1e-9)),
        float((y - x).norm() / (w - x).norm().clamp(min=1e-9)),
    )


def _returns(
    space: LatentSpace,
    action: LinearAction,
    stream: Stream,
    period: float,
    random: torch.Generator,
) -> bool:
    """Whether the flow is back where it began after a period."""
    if not math.isfinite(period):
        return False
    z, _ = space.draw(stream, FOLLOWED, random, spread=0.0)
    end = flow(pulled_back(space, action), z, period, reach=50)
    x, y = space.decode(z), space.decode(end)
    return bool((y - x).norm(dim=1).median() < NEAR * (x.roll(1, 0) - x).norm(dim=1).median())


def _imbalance(action: LinearAction, *halves: Tensor) -> float:
    """See :class:`Evidence`: from two halves of data ``(n, k)``, whose noise does not add up."""
    moving = [action.matrix @ q.T @ q / len(q) for q in halves]
    change = [m + m.T for m in moving]
    size = moving[0].norm() * moving[1].norm()
    return math.sqrt(max(float((change[0] * change[1]).sum() / size.clamp(min=1e-12)), 0.0))
