"""The reconstruction metrics of originals and their reconstructions, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calovision.metrics.image_quality import image_quality
from calovision.metrics.occupancy import occupancy_metrics
from calovision.metrics.response import response_metrics
from calovision.metrics.value import Metric
from calovision.metrics.wasserstein import w1_hits

if TYPE_CHECKING:
    from calovision.events.events import Events


def reconstruction_metrics(
    true: Events, rec: Events, *, seed: int, max_events: int
) -> dict[str, Metric]:
    """Occupancy, response, hit spectra, PSNR and SSIM.

    Args:
        true: ``n`` original events.
        rec: ``n`` reconstructions in the same order.
        seed: seed of all bootstraps.
        max_events: events used for PSNR and SSIM, the slow ones; the first of the set.

    Returns:
        Metric key to metric; the keys are those of the functions called here.

    Raises:
        InputError: the sets do not match.
    """
    return {
        **occupancy_metrics(true, rec, seed=seed),
        **response_metrics(true, rec, seed=seed),
        **w1_hits(true, rec, paired=True, seed=seed),
        **image_quality(true, rec, seed=seed, max_events=max_events),
    }
