"""PSNR and SSIM, never without the scores of a blank image and of the mean image.

Detector images are almost empty, so pixel-wise scores reward an empty output: a blank image
reaches an SSIM above 0.99. Only the margin over the blank and the mean image says anything.

* PSNR = 10 log10(range^2 / MSE) in dB, MSE over all pixels of all images of a channel;
* SSIM: Wang et al., IEEE Trans. Image Process. 13 (2004) 600, Gaussian window 11 x 11 with
  sigma 1.5, K1 = 0.01, K2 = 0.03, averaged over pixels and images.

Images are in GeV per pixel; the range of a channel is the largest pixel of the originals. Values
without a channel in their name are means over channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.events import weighting
from calovision.metrics.bootstrap import Floats, bootstrap_sums, summed
from calovision.metrics.groups import PIXELWISE
from calovision.metrics.pairs import check_pair
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from calovision.events.events import Events

SIGMA, RADIUS = 1.5, 5  #: pixels; an 11 x 11 window
K1, K2 = 0.01, 0.03
MAX_EVENTS = 1000  #: events of the default subset
BATCH = 50  #: images held densely at once
Images = NDArray[np.floating[Any]]
#: what stands in for the reconstruction -> what the label adds
_OF = {"": "", "_blank": " of the blank image", "_mean": " of the mean image"}
DEFINITIONS = {
    f"{name}{key}[_CHANNEL]": Definition(
        f"{name.upper()}{of}", f"{text}.", PIXELWISE, unit=unit, ratio=False
    )
    for name, text, unit in (
        ("psnr", "Peak signal-to-noise ratio", "dB"),
        ("ssim", "Structural similarity", ""),
    )
    for key, of in _OF.items()
}


def _gaussian(images: Images) -> Images:
    """Gaussian average over the window around every pixel."""
    from scipy.ndimage import gaussian_filter

    smooth: Images = gaussian_filter(images, SIGMA, radius=RADIUS, axes=(-2, -1))
    return smooth


class Windowed:
    """Images ``(..., rows, cols)`` of range 1 with the local moments that SSIM needs.

    Args:
        images: ``(..., rows, cols)``.
        average: local average over a window.
    """

    def __init__(self, images: Images, average: Callable[[Images], Images] = _gaussian) -> None:
        self.images, self.average = images, average
        self.mean = average(images)
        self.variance = average(images * images) - self.mean**2


def ssim_map(a: Windowed, b: Windowed) -> Images:
    """Structural similarity ``(..., rows, cols)`` of images, window by window, in [-1, 1]."""
    c1, c2 = K1**2, K2**2
    means = a.mean * b.mean
    covariance = a.average(a.images * b.images) - means
    likeness: Images = (2 * means + c1) * (2 * covariance + c2)
    return likeness / ((a.mean**2 + b.mean**2 + c1) * (a.variance + b.variance + c2))


def _scan(events: Events, weights: Floats | None) -> tuple[Images, Floats]:
    """Mean image ``(channels, rows, cols)`` and largest pixel ``(channels,)`` in GeV."""
    total, peak = np.zeros(()), np.zeros(len(events.geometry.channels))
    for start in range(0, len(events), BATCH):
        dense = events[start : start + BATCH].to_dense()
        of = None if weights is None else weights[start : start + BATCH]
        total = total + (
            dense.sum(axis=0, dtype=np.float64) if of is None else np.tensordot(of, dense, 1)
        )
        peak = np.maximum(peak, dense.max(axis=(0, 2, 3)))
    return total / len(events), np.where(peak > 0, peak, 1.0)


def _scores(true: Windowed, other: Windowed) -> Floats:
    """``(n, channels, 2)`` mean squared error and SSIM of images of range 1."""
    error = ((true.images - other.images) ** 2).mean(axis=(-2, -1), dtype=np.float64)
    similarity = ssim_map(true, other).mean(axis=(-2, -1), dtype=np.float64)
    return np.stack([error, similarity], axis=-1)


def _psnr_ssim(mean: Floats) -> Floats:
    """From the mean of :func:`_scores` ``(channels, 2)`` to PSNR and SSIM."""
    with np.errstate(divide="ignore"):
        psnr = -10 * np.log10(mean[..., 0])
    return np.stack([psnr, mean[..., 1]], axis=-1)


def image_quality(
    true: Events, rec: Events, *, seed: int, max_events: int = MAX_EVENTS
) -> dict[str, Metric]:
    """PSNR and SSIM of reconstructions, of a blank image and of the mean image.

    Args:
        true: ``n`` original events; the first ``max_events`` are used, those without a weight not
            counted; they count by their column ``weight``.
        rec: ``n`` reconstructions in the same order.
        seed: seed of the bootstrap.
        max_events: events used.

    Returns:
        ``psnr`` (dB) and ``ssim``, each also ``_blank`` and ``_mean`` (mean image of the
        originals), each also per channel: ``psnr_ecal``, ``psnr_blank_ecal``, ...

    Raises:
        InputError: the sets do not match.
    """
    check_pair(true, rec)
    used = np.arange(len(true))
    if weighting.COLUMN in true.columns:
        used = np.flatnonzero(true.columns[weighting.COLUMN])
    true, rec = true[used[:max_events]], rec[used[:max_events]]
    weights = weighting.of(true)
    mean_image, peak = _scan(true, weights)
    scale = (1 / peak[:, None, None]).astype(np.float32)
    fixed = {
        "_blank": Windowed(np.zeros_like(mean_image[None], np.float32)),
        "_mean": Windowed((mean_image[None] * scale).astype(np.float32)),
    }
    scores: dict[str, list[Floats]] = {of: [] for of in _OF}
    for start in range(0, len(true), BATCH):
        part = slice(start, start + BATCH)
        original = Windowed(true[part].to_dense() * scale)
        answers = {"": Windowed(rec[part].to_dense() * scale), **fixed}
        for name, answer in answers.items():
            scores[name].append(_scores(original, answer))
    found: dict[str, Metric] = {}
    for name, parts in scores.items():
        found |= _named(np.concatenate(parts), name, true.geometry.channel_names, seed, weights)
    return found


def _named(
    score: Floats, of: str, channels: tuple[str, ...], seed: int, weights: Floats | None
) -> dict[str, Metric]:
    """The metrics of one answer from its scores ``(n, channels, 2)``."""
    # The sum of the weights belongs to what is drawn.
    counted = np.concatenate([score, np.ones_like(score[:, :1])], axis=1)

    def with_average(total: Floats) -> Floats:
        each = _psnr_ssim(total[:-1] / total[-1])
        return np.vstack([each.mean(axis=0), each])

    values = with_average(summed(counted, weights))
    errors = bootstrap_sums(counted, with_average, seed, weights=weights)
    return {
        f"{name}{of}{suffix}": DEFINITIONS[f"{name}{of}[_CHANNEL]"].measured(
            values[i, k], errors[i, k]
        )
        for i, suffix in enumerate(["", *(f"_{c}" for c in channels)])
        for k, name in enumerate(("psnr", "ssim"))
    }
