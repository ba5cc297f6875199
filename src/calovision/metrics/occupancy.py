"""Which pixels are lit: precision, recall and F1 of reconstructed images.

Three views per channel, micro-averaged (counts summed over all events before dividing), on the
pixels of the image, where an HCAL tower is 25 pixels:

* exact: a reconstructed pixel is right if the same pixel is lit in the original;
* ``near``: right if an original pixel is lit at Chebyshev distance <= 1; recall likewise counts
  the original pixels with a reconstructed one at distance <= 1;
* ``energy``: exact, each pixel weighted by its energy: recall with the original's energies,
  precision with the reconstruction's.

A blank image scores 0 in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.events import weighting
from calovision.metrics.bootstrap import Floats, bootstrap_sums, paired_difference, summed
from calovision.metrics.groups import OCCUPANCY, UNREPORTED
from calovision.metrics.pairs import Pixels, check_pair, pixels
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from calovision.events.events import Events

# The columns of the per-event counts: hits, exact matches and near matches of each side, then
# energies (GeV) and matched energies of each side.
TRUE, REC, BOTH, TRUE_NEAR, REC_NEAR, E_TRUE, E_REC, E_TRUE_FOUND, E_REC_RIGHT = range(9)
COUNTS = 9
BATCH = 100  #: images held densely at once
#: suffix of each view -> (matched of rec, all of rec, matched of true, all of true)
VIEWS = {
    "": (BOTH, REC, BOTH, TRUE),
    "_near": (REC_NEAR, REC, TRUE_NEAR, TRUE),
    "_energy": (E_REC_RIGHT, E_REC, E_TRUE_FOUND, E_TRUE),
}
#: what is measured in every view, in the order of :func:`precision_recall_f1`
RATIOS = {
    "precision": "Share of the reconstruction that is in the original.",
    "recall": "Share of the original that is found.",
    "f1": "Harmonic mean of precision and recall.",
}
_WHERE = {"": "exact pixel", "_near": "within one pixel", "_energy": "weighted by energy"}
DEFINITIONS = {
    f"occupancy_{name}{view}[_CHANNEL]": Definition(
        f"{name.replace('f1', 'F1')}, {where}",
        RATIOS[name],
        OCCUPANCY if name == "f1" or not view else UNREPORTED,
    )
    for name in ("f1", "precision", "recall")
    for view, where in _WHERE.items()
}


def _match(
    here: NDArray[np.int64], there: NDArray[np.int64], rows: int, cols: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For every pixel of one side: is the other side lit in it, and in or next to it.

    Both sides are ``(p,)`` numbers of pixels, counted through all images, sorted by image.
    """
    exact, near = np.zeros((2, len(here)), np.bool_)
    size = BATCH * rows * cols
    for start in range(0, int(here.max(initial=-1)) + 1, size):
        mine, other = (
            slice(*np.searchsorted(side // size, (start // size, start // size + 1)))
            for side in (here, there)
        )
        lit = np.zeros((BATCH, rows, cols), np.bool_)
        lit.ravel()[there[other] - start] = True
        exact[mine] = lit.ravel()[here[mine] - start]
        tall = lit.copy()
        tall[:, 1:] |= lit[:, :-1]
        tall[:, :-1] |= lit[:, 1:]
        wide = tall.copy()
        wide[..., 1:] |= tall[..., :-1]
        wide[..., :-1] |= tall[..., 1:]
        near[mine] = wide.ravel()[here[mine] - start]
    return exact, near


def _side(events: Events) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Image, number counted through all images, and energy (GeV) of pixels, sorted by image."""
    found: Pixels = pixels(events)
    image = found.event * len(events.geometry.channels) + found.channel
    order = np.argsort(image, kind="stable")
    code = image * events.geometry.cells + found.cell
    return image[order], code[order], found.energy[order]


def occupancy_counts(true: Events, rec: Events) -> Floats:
    """Per-event sums from which all occupancy metrics follow.

    Args:
        true: ``n`` original events.
        rec: ``n`` reconstructions in the same order.

    Returns:
        ``(n, channels, 9)``: columns TRUE ... E_REC_RIGHT of this module (pixels, then GeV).

    Raises:
        InputError: the sets do not match.
    """
    check_pair(true, rec)
    geometry = true.geometry
    shape = (len(true), len(geometry.channels))
    images = shape[0] * shape[1]
    sides = _side(true), _side(rec)
    counts = np.zeros((images, COUNTS))
    columns = (
        (TRUE, BOTH, TRUE_NEAR, E_TRUE, E_TRUE_FOUND),
        (REC, BOTH, REC_NEAR, E_REC, E_REC_RIGHT),
    )
    others = (side[1] for side in sides[::-1])
    for (image, here, energy), there, into in zip(sides, others, columns, strict=True):
        exact, near = _match(here, there, geometry.rows, geometry.cols)
        sums = (None, exact, near, energy, energy * exact)
        for column, weight in zip(into, sums, strict=True):
            counts[:, column] = np.bincount(image, weight, images)
    return counts.reshape(*shape, COUNTS)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, and 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def precision_recall_f1(total: Floats) -> Floats:
    """Precision, recall and F1 (their harmonic mean) of every view.

    Where both sides are empty there is nothing to miss: all three are 1. Where only one is
    empty they are 0.

    Args:
        total: ``(..., 9)`` summed counts.

    Returns:
        ``(..., 3, 3)``: the views of :data:`VIEWS`, then precision, recall, F1, in [0, 1].
    """
    views = []
    for rec_matched, rec_all, true_matched, true_all in VIEWS.values():
        precision = _ratio(total[..., rec_matched], total[..., rec_all])
        recall = _ratio(total[..., true_matched], total[..., true_all])
        f1 = _ratio(2 * precision * recall, precision + recall)
        empty = (total[..., rec_all] == 0) & (total[..., true_all] == 0)
        views.append(np.stack([np.where(empty, 1.0, x) for x in (precision, recall, f1)], -1))
    return np.stack(views, -2)


def occupancy_metrics(true: Events, rec: Events, *, seed: int) -> dict[str, Metric]:
    """Occupancy precision, recall and F1 per channel with bootstrap errors over events.

    Events count by their column ``weight``.

    Args:
        true: ``n`` original events.
        rec: ``n`` reconstructions in the same order.
        seed: seed of the bootstrap.

    Returns:
        ``occupancy_{precision,recall,f1}{,_near,_energy}_{channel}``, pure numbers in [0, 1].
    """
    counts = occupancy_counts(true, rec)
    weights = weighting.of(true)
    values = precision_recall_f1(summed(counts, weights))
    errors = bootstrap_sums(counts, precision_recall_f1, seed, weights=weights)
    found = {}
    for c, channel in enumerate(true.geometry.channel_names):
        for v, view in enumerate(VIEWS):
            for k, name in enumerate(RATIOS):
                definition = DEFINITIONS[f"occupancy_{name}{view}[_CHANNEL]"]
                metric = definition.measured(values[c, v, k], errors[c, v, k])
                found[f"occupancy_{name}{view}_{channel}"] = metric
    return found


def occupancy_difference(
    true: Events, rec_a: Events, rec_b: Events, *, seed: int
) -> dict[str, Metric]:
    """F1 of reconstruction a minus that of b on the same originals, by paired bootstrap.

    Returns:
        ``occupancy_f1{,_near,_energy}_{channel}``.
    """
    a, b = occupancy_counts(true, rec_a), occupancy_counts(true, rec_b)
    options: dict[str, Any] = {"seed": seed, "weights": weighting.of(true)}
    f1 = [lambda total, v=v: precision_recall_f1(total)[v, 2] for v in range(len(VIEWS))]
    return {
        f"occupancy_f1{view}_{channel}": paired_difference(a[:, c], b[:, c], f1[v], **options)
        for c, channel in enumerate(true.geometry.channel_names)
        for v, view in enumerate(VIEWS)
    }
