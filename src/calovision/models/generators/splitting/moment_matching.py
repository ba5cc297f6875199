"""Moment matching: energies of generated hits are scaled to the shapes that were asked for.

A cascade draws every cut by itself, so that the shape of a channel scatters about what it was told,
and what the totals know of channels together is washed out. Of all changes of energies that give a
channel the shape asked for, the smallest is taken: energies are multiplied with an exponential of
what they count for in every number of the shape, which is the change of least relative entropy
(minimum discrimination information; Kullback, Information Theory and Statistics, 1959). Hits stay
where they are, a channel keeps its energy, and no hit falls below its threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.features.jet_shapes import CONE, CORE
from calovision.models.generators.splitting.compiled_mlp import LOOSE
from calovision.models.generators.splitting.global_features import BY_ENERGY, Table
from calovision.utils.compiled import compiled

STEPS = 6  #: of Newton's method at most; what takes more is asking too much
CLOSE = 0.3  #: tolerances within which a shape is as asked for
#: of each number of a shape: shares of the energy, times rad where they are a distance
TOLERANCE = np.array([3e-3, 4e-3, 4e-3, 7e-4, 4e-3, 3e-3])
#: what is a large exponent, for a number and for one over rad: what a channel with few hits cannot
#: have should not make it absurd
LARGE = np.array([0.25, 0.6, 0.6, 0.6, 0.25, 0.12])


@dataclass(frozen=True)
class MomentTargets:
    """What the shapes of ``n`` events should become.

    Attributes:
        shapes: ``(n, C, BY_ENERGY)`` see ``global_features.moment_targets``.
        axes: ``(n, 2)`` eta and phi of the jets' axes.
    """

    shapes: Table
    axes: Table

    def ahead(self, leads: Table) -> MomentTargets:
        """The same, with ``leads`` ``(C, BY_ENERGY)`` added to the shapes."""
        return MomentTargets(self.shapes + leads, self.axes)


def adjust(
    excess: Table,
    ends: NDArray[np.int64],
    eta: Table,
    phi: Table,
    threshold: Table,
    wanted: MomentTargets,
) -> None:
    """Change energies in place.

    Args:
        excess: ``(k,)`` energies above threshold, GeV, by event and channel.
        ends: ``(n, C)`` hit after the last of every channel of every event.
        eta: ``(k,)`` of the hits' cells, rad from the middle of the window.
        phi: ``(k,)`` the same.
        threshold: ``(C,)`` GeV.
        wanted: of the events.
    """
    # Of one layout in memory, so that one compiled function serves all.
    given = (np.ascontiguousarray(x) for x in (wanted.shapes, wanted.axes, TOLERANCE, LARGE))
    _adjust(excess, ends, eta, phi, threshold, *given)


@compiled
def _adjust(excess, ends, eta, phi, threshold, wanted, axes, tolerance, large):  # type: ignore[no-untyped-def]
    start, most = 0, 0
    for end in ends.reshape(-1):
        start, most = end, max(most, end - start)
    counts, near, now = np.empty((BY_ENERGY, most)), np.empty(most), np.empty(most)
    start = 0
    for b in range(len(ends)):
        for c in range(ends.shape[1]):
            end = ends[b, c]
            mine = excess[start:end]
            if end - start > 1 and mine.max() > 0:
                _count(counts, near, mine, eta[start:end], phi[start:end], axes[b])
                _tilt(mine, now, counts, near, threshold[c], wanted[b, c], tolerance, large)
            start = end


@compiled(error_model="numpy")
def _count(counts, near, excess, eta, phi, axis):  # type: ignore[no-untyped-def]
    """Write what hits count for in the shapes, the last of which goes by their energies."""
    for k in range(len(excess)):
        distance = np.hypot(eta[k] - axis[0], phi[k] - axis[1])
        inside = 1.0 if np.hypot(eta[k], phi[k]) < CONE else 0.0
        near[k] = 1.0 if distance < CONE else 0.0
        counts[0, k], counts[1, k], counts[2, k] = inside, inside * eta[k], inside * phi[k]
        counts[3, k] = near[k] * distance
        counts[4, k] = 1.0 if distance < CORE else 0.0
        counts[5, k] = near[k] * np.log(excess[k]) if excess[k] > 0 else 0.0


@compiled(fastmath=LOOSE, error_model="numpy")
def _sum(shape, means, slopes, now, counts, near, threshold):  # type: ignore[no-untyped-def]
    """Write sums over hits: of shapes, of what they count for, and how shapes grow with tilts."""
    hits, last = len(now), BY_ENERGY - 1
    for x in range(BY_ENERGY):
        mean, least = 0.0, 0.0
        for k in range(hits):
            mean += now[k] * counts[x, k]
            least += counts[x, k]
        means[x], shape[x] = mean, mean + threshold * least
        for y in range(x + 1):
            if x < last or y < last:
                both = 0.0
                for k in range(hits):
                    both += now[k] * counts[x, k] * counts[y, k]
                slopes[x, y], slopes[y, x] = both, both
    square = 0.0
    for k in range(hits):
        square += near[k] * (now[k] + threshold) ** 2
    shape[last] = np.sqrt(square)
    for y in range(BY_ENERGY):
        both = 0.0
        for k in range(hits):
            both += near[k] * (now[k] + threshold) * now[k] * counts[y, k]
        slopes[last, y] = both / max(shape[last], 1e-9)
    slope = 0.0
    for k in range(hits):
        slope += near[k] * (now[k] + threshold) * now[k]
    return slope / max(shape[last], 1e-9)


@compiled(fastmath=LOOSE, error_model="numpy")
def _tilt(excess, space, counts, near, threshold, wanted, tolerance, large):  # type: ignore[no-untyped-def]
    """Find the exponents of one channel by Newton's method, and write its energies."""
    hits, last, above = len(excess), BY_ENERGY - 1, excess.sum()
    total, now = above + hits * threshold, space[:hits]
    tilts, means, shape = np.zeros(BY_ENERGY), np.empty(BY_ENERGY), np.empty(BY_ENERGY)
    slopes, left = np.empty((BY_ENERGY, BY_ENERGY)), np.empty((BY_ENERGY, BY_ENERGY))
    lacking, step = np.empty(BY_ENERGY), np.empty(BY_ENERGY)
    for k in range(hits):
        now[k] = excess[k]
    for _ in range(STEPS):
        whole = _sum(shape, means, slopes, now, counts, near, threshold)
        worst = 0.0
        for x in range(BY_ENERGY):
            lacking[x] = (wanted[x] - shape[x] / total) / tolerance[x]
            worst = max(worst, abs(lacking[x]))
            for y in range(BY_ENERGY):
                of_all = whole if x == last else means[x]
                slopes[x, y] = (slopes[x, y] - of_all * means[y] / above) / (total * tolerance[x])
        if worst < CLOSE:
            break
        for x in range(BY_ENERGY):
            step[x] = -tilts[x] / large[x] ** 2
            for z in range(BY_ENERGY):
                step[x] += slopes[z, x] * lacking[z]
            for y in range(x + 1):
                left[x, y] = 1 / large[x] ** 2 if x == y else 0.0
                for z in range(BY_ENERGY):
                    left[x, y] += slopes[z, x] * slopes[z, y]
        _solve(left, step)
        longest = 1.0
        for x in range(BY_ENERGY):
            longest = max(longest, abs(step[x]) / large[x])
        for x in range(BY_ENERGY):
            tilts[x] += step[x] / longest
        summed = 0.0
        for k in range(hits):
            exponent = 0.0
            for x in range(BY_ENERGY):
                exponent += tilts[x] * counts[x, k]
            now[k] = excess[k] * np.exp(exponent)
            summed += now[k]
        for k in range(hits):
            now[k] *= above / summed
    for k in range(hits):
        excess[k] = now[k]


@compiled
def _solve(matrix, vector):  # type: ignore[no-untyped-def]
    """Solve equations in place, by Cholesky's decomposition of the lower triangle."""
    size = len(vector)
    for x in range(size):
        for y in range(x + 1):
            left = matrix[x, y]
            for z in range(y):
                left -= matrix[x, z] * matrix[y, z]
            matrix[x, y] = np.sqrt(left) if x == y else left / matrix[y, y]
    for x in range(size):
        for z in range(x):
            vector[x] -= matrix[x, z] * vector[z]
        vector[x] /= matrix[x, x]
    for x in range(size - 1, -1, -1):
        for z in range(x + 1, size):
            vector[x] -= matrix[z, x] * vector[z]
        vector[x] /= matrix[x, x]
