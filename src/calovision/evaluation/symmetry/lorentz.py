"""The Lorentz algebra, found from jets of particles and their masses.

A function is learned from data: the square of a jet's mass as a polynomial of second degree in the
sum of its particles' four-momenta. Which linear motions ``p -> exp(t A) p`` of all particles leave
it alone? The function changes by ``grad f . A P``, which is linear in ``A``, so the generators are
the zero modes of one quadratic form of 16 unknowns, as in the search for rigid motions of images.
No metric, no angle and no boost is given. Compare arXiv:2302.00236 (generators by a generative
adversarial network) and arXiv:2301.05638 (generators that keep an oracle).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.utils import streams

Floats = NDArray[np.float64]

PAIRS = tuple(combinations_with_replacement(range(4), 2))
LEAST_JETS = 100  #: fifteen coefficients and sixteen unknowns have to be determined
NOTHING = 1e-3  #: change of the function, over its spread, that is as good as none
REPLICAS = 20  #: of the bootstrap over jets


@dataclass(frozen=True)
class LinearSymmetries:
    """Linear motions of a space that leave a function alone.

    Attributes:
        generators: ``(m, d, d)`` of norm 1 and orthogonal to each other.
        changes: ``(d * d,)`` root mean square change of the function along motions that are
            orthogonal to each other, ascending; over the spread of the function, with all
            motions of norm 1 and points in their root mean square length.
    """

    generators: Floats
    changes: Floats

    @property
    def gap(self) -> float:
        """Change along the first motion that is left out, over that along the last taken."""
        m = len(self.generators)
        return float(self.changes[m] / max(self.changes[m - 1], NOTHING))


def linear_symmetries(points: Floats, gradients: Floats, values: Floats) -> LinearSymmetries:
    """Generators along which a function does not change: those before the largest gap.

    Args:
        points: ``(n, d)``.
        gradients: ``(n, d)`` of the function there.
        values: ``(n,)`` of the function there.
    """
    n, d = points.shape
    velocity = np.einsum("ni,nj->nij", gradients, points).reshape(n, d * d) / values.std()
    _, changes, axes = np.linalg.svd(velocity / np.sqrt(n), full_matrices=False)
    changes, axes = changes[::-1], axes[::-1]
    number = 1 + int(np.argmax(np.diff(np.log(np.maximum(changes, NOTHING)))))
    return LinearSymmetries(axes[:number].reshape(number, d, d), changes)


def learned_square(momenta: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Fit a polynomial of second degree by least squares: its values and gradients.

    Args:
        momenta: ``(n, 4)`` GeV.
        target: ``(n,)`` squared masses, GeV^2.

    Returns:
        values ``(n,)`` in GeV^2 and gradients ``(n, 4)`` in GeV.
    """
    scale = float(np.sqrt(np.square(momenta).mean()))
    p = momenta / scale
    terms = [np.ones(len(p)), *p.T, *(p[:, i] * p[:, j] for i, j in PAIRS)]
    found = np.linalg.lstsq(np.stack(terms, 1), target, rcond=None)[0]
    form = np.zeros((4, 4))
    for (i, j), value in zip(PAIRS, found[5:], strict=True):
        form[i, j] += value / 2
        form[j, i] += value / 2
    values = found[0] + p @ found[1:5] + np.einsum("ni,ij,nj->n", p, form, p)
    return values, (found[1:5] + 2 * p @ form) / scale


def brackets(generators: Floats) -> tuple[Floats, float]:
    """Structure constants, and the largest share of a bracket outside the generators' span.

    Args:
        generators: ``(m, d, d)`` orthonormal.

    Returns:
        ``(m, m, m)`` constants ``c`` of ``[A_j, A_k] = c_jki A_i``, and the share of the norm.
    """
    every = np.einsum("jab,kbc->jkac", generators, generators)
    every = every - every.transpose(1, 0, 2, 3)
    constants = np.einsum("jkac,iac->jki", every, generators)
    left = every - np.einsum("jki,iac->jkac", constants, generators)
    size = np.linalg.norm(every, axis=(2, 3))
    known = size > 0.1 * size.max()
    return constants, float((np.linalg.norm(left, axis=(2, 3))[known] / size[known]).max())


def true_generators() -> Floats:
    """Rotations about x, y, z and boosts along them, of ``(px, py, pz, E)``: ``(6, 4, 4)``."""
    found = np.zeros((6, 4, 4))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        found[i, k, j], found[i, j, k] = 1.0, -1.0
        found[3 + i, i, 3] = found[3 + i, 3, i] = 1.0
    return found


def compared(found: LinearSymmetries) -> dict[str, float]:
    """The generators beside the Lorentz algebra; all but the number are relative, and 0 is best.

    Returns:
        ``generators``: their number, 6; ``open``: largest share of a bracket outside their span;
        ``outside``: largest share of a true generator outside it; ``brackets``: largest deviation
        of a structure constant from those of rotations and boosts, which are 0 and 1, after the
        generators were combined to be as near as they can to rotations and boosts; ``rotations``:
        number of compact directions, 3, by the sign of the trace form; ``gap``.
    """
    span, truth = found.generators, true_generators()
    inside = np.einsum("tab,iab->ti", truth, span)
    near = np.einsum("ti,iab->tab", inside, span)
    size = np.linalg.norm(truth, axis=(1, 2))
    outside = np.linalg.norm(near - truth, axis=(1, 2)) / size
    made = np.einsum("jab,kbc->jkac", near, near)
    made = made - made.transpose(1, 0, 2, 3)
    wanted = np.einsum("jab,kbc->jkac", truth, truth)
    wanted = wanted - wanted.transpose(1, 0, 2, 3)
    basis = near.reshape(6, 16).T
    constants = np.linalg.lstsq(basis, made.reshape(36, 16).T, rcond=None)[0]
    expected = np.linalg.lstsq(truth.reshape(6, 16).T, wanted.reshape(36, 16).T, rcond=None)[0]
    trace = np.einsum("iab,jba->ij", span, span)
    return {
        "generators": float(len(span)),
        "open": brackets(span)[1],
        "outside": float(outside.max()),
        "brackets": float(np.abs(constants - expected).max()),
        "rotations": float((np.linalg.eigvalsh((trace + trace.T) / 2) < 0).sum()),
        "gap": found.gap,
    }


def lorentz(events: Events, *, measured: bool = False, seed: int = 1) -> dict[str, Any]:
    """Find the linear symmetries of the learned mass of jets, and compare them with Lorentz's.

    Args:
        events: jets with lists of particles.
        measured: learn the mass that the detector measures, in place of the generator's.
        seed: of the bootstrap.

    Returns:
        ``value`` and ``error`` of everything that :func:`compared` says, the error by the bootstrap
        over jets, and ``residual``: of the learned squared mass, over its spread.

    Raises:
        InputError: no particles, no column of masses, or too few jets.

    Example:
        >>> import calovision as cv
        >>> jets = cv.simulate.jets(150, seed=1, pileup=0, particles=True, quiet=True)
        >>> lorentz(jets)["value"]["generators"]
        6.0
    """
    column = "m0" if measured else "gen_m0"
    if events.particles is None or column not in events.columns:
        raise InputError(
            "the events have no particles or no masses", "simulate jets with --particles"
        )
    if len(events) < LEAST_JETS:
        raise InputError(f"{len(events)} jets are too few", f"give {LEAST_JETS} or more")
    members = events.particles.where(events.particles.member)
    each = members.momenta()
    momenta: Floats = np.stack(
        [
            np.bincount(members.owner, weights=p, minlength=len(events)).astype(np.float64)
            for p in each
        ],
        1,
    )
    target = np.square(events.columns[column].astype(np.float64))

    def of(rows: NDArray[np.int64]) -> tuple[dict[str, float], float]:
        values, gradients = learned_square(momenta[rows], target[rows])
        left = float(np.std(values - target[rows]) / np.std(target[rows]))
        return compared(linear_symmetries(momenta[rows], gradients, values)), left

    value, residual = of(np.arange(len(events)))
    random = streams.rng(streams.Stream.LORENTZ, seed)
    drawn = [of(random.integers(len(events), size=len(events)))[0] for _ in range(REPLICAS)]
    error = {name: float(np.std([d[name] for d in drawn], ddof=1)) for name in value}
    return {"jets": len(events), "residual": residual, "value": value, "error": error}
