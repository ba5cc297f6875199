"""How well a flow of images follows true rotations, how far, how evenly, and what it costs.

A flowed image is compared with the model's own reconstructions of the image turned in truth, on a
grid of angles; the nearest is its angle ``alpha(t)``. The covered angle is how far that goes
before it stops being monotonic: before it falls back by more than :data:`SLIP` or jumps by more
than :data:`JUMP`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.metrics.bootstrap import Floats, mean_metric
from calovision.metrics.groups import GENERATORS, ROTATION, SUPERVISED
from calovision.metrics.image_quality import Windowed, ssim_map
from calovision.metrics.value import Definition, Metric

GRID = 5.0  #: degrees between the true rotations that a flowed image is compared with
SLIP = 15.0  #: degrees, three grid steps, that the angle may fall back
JUMP = 40.0  #: degrees between two points of time that the angle may jump
LEAST = 30.0  #: degrees below which a course says nothing about its evenness
TRIVIAL = 0.25  #: greatest image change over a course, over the image's norm, that counts as none
Images = NDArray[np.floating]
#: kinds of motions of the plane; of events that have no symmetry of their own
_MOTIONS = {
    "eighth_turn": "turned by 45 degrees",
    "quarter_turn": "turned by 90 degrees",
    "half_turn": "turned by 180 degrees",
    "eta_mirrored": "mirrored in eta",
    "phi_mirrored": "mirrored in phi",
    "flow": "moved along the discovered flow",
}
_UP, _DOWN = True, False  # higher is better, lower is better
_OF_DIGIT = {
    "cover": ("angle covered", "How far the digit turns before it falls back or jumps.", _UP),
    "complete": ("digits that come round", "Share that turns until it is itself again.", _UP),
    "r2": ("evenness of the turning", "Squared correlation of angle and time.", _UP),
    "fidelity": (
        "fidelity",
        "Structural similarity with the true rotation, over that of the VAE's reconstruction.",
        _UP,
    ),
    "rebuilt": (
        "the VAE's reconstruction",
        "Its structural similarity with the digit: what the fidelity is relative to.",
        _UP,
    ),
    "drift": ("oracle drift", "Mean change of the digit's own probability along the flow.", _DOWN),
    "closure": ("closure", "Relative distance of the image after a whole turn.", _DOWN),
    "rate": ("rate", "Degrees per unit of time.", _UP),
    "clock": ("distance from a clock", "Of the angle from one radian per unit of time.", _DOWN),
    "change": ("image change", "Relative, per unit of time; a trivial flow has none.", _UP),
    "excursion": ("largest image change", "Relative to the image; a trivial flow has none.", _UP),
    "map_fidelity": ("supervised fidelity", "After twelve steps of 30 degrees.", _UP),
    "map_closure": ("supervised closure", "Relative distance of the image after them.", _DOWN),
    "map_mse": (
        "supervised error of a step",
        "Squared, over the variance of latent means.",
        _DOWN,
    ),
}
_OF_LATENT_SPACE = {
    "rate_gap": ("difference of the digits' rates", "Relative; one clock has none.", _DOWN),
    "trivial": ("trivial generators", "Share of generators that move images hardly.", _DOWN),
    "cos": ("largest |cos| of two generators", "Mean over images, in the pull-back metric.", _DOWN),
    **{
        f"displacement_{k}": (f"{name} generator: image change", "Relative, modulo rotation.", _UP)
        for k, name in enumerate(("second", "third", "fourth"), 1)
    },
    "frame_drift": ("four generators: oracle drift", "Of the three beside the rotation.", _DOWN),
    "frame_accuracy": ("four generators: classifier", "Accuracy on the moved digits.", _UP),
    "frame_cos": (
        "four generators: largest |cos|",
        "Of two of them, mean over images.",
        _DOWN,
    ),
}
_GROUPS = {"map": SUPERVISED, "frame": GENERATORS, "displacement": GENERATORS}
DEFINITIONS = {
    f"{key}{of}": Definition(
        label,
        text,
        _GROUPS.get(key.split("_")[0], ROTATION),
        unit="deg" if key in ("cover", "rate", "clock") else "",
        higher_is_better=up,
        ratio=False,
    )
    for of, entries in (("[_DIGIT][_dLATENT]", _OF_DIGIT), ("_dLATENT", _OF_LATENT_SPACE))
    for key, (label, text, up) in entries.items()
}
DEFINITIONS |= {
    f"seen_{key}": Definition(
        f"AUC, moved or not: {moved}",
        "Of a network that tells moved events from others; 0.5 if it cannot.",
        ratio=False,
    )
    for key, moved in _MOTIONS.items()
}
DEFINITIONS |= {
    f"shift_{key}": Definition(
        f"change of the score when {moved}",
        "Mean change of a tagger's probability.",
        higher_is_better=False,
        ratio=False,
    )
    for key, moved in _MOTIONS.items()
}


@dataclass(frozen=True)
class Course:
    """The angle of one image along a flow.

    Attributes:
        covered: degrees, ``period`` at most.
        complete: whether the period was reached.
        end: number of points of time that belong to the covered stretch.
        direction: +1 or -1.
        r2: squared correlation of angle and time on that stretch; 0 where it is short.
        rate: degrees per unit of time there; nan where it is short.
        angle: ``(t,)`` degrees, unwrapped, in the direction of the flow.
        home: point of time at which a whole turn is over, whatever the period; none if it breaks
            off before.
    """

    covered: float
    complete: bool
    end: int
    direction: int
    r2: float
    rate: float
    angle: Floats
    home: int | None


def course(alpha: Floats, times: Floats, period: float) -> Course:
    """Follow the nearest angle of one image.

    Args:
        alpha: ``(t,)`` degrees, modulo ``period``.
        times: ``(t,)`` equally spaced from 0.
        period: degrees after which an image is itself again: 360, or 180 for a 1.
    """
    steps = (np.diff(alpha) + period / 2) % period - period / 2
    unwrapped = np.concatenate([[0.0], np.cumsum(steps)])
    jumped = np.concatenate([[False], np.abs(steps) > JUMP])
    best: tuple[float, int, int, int | None] = (-1.0, 1, 1, None)
    for direction in (1, -1):
        angle = direction * unwrapped
        lost = jumped | (np.maximum.accumulate(angle) - angle > SLIP) | (angle < -SLIP)
        end = int(lost.argmax()) if lost.any() else len(angle)
        turn = np.flatnonzero(angle[:end] >= 360 - 1e-6)
        home = int(turn[0]) if len(turn) else None
        full = np.flatnonzero(angle[:end] >= period - 1e-6)
        end = int(full[0]) + 1 if len(full) else end
        covered = float(min(max(angle[:end].max(initial=0.0), 0.0), period))
        if covered > best[0]:
            best = covered, end, direction, home
    covered, end, direction, home = best
    angle = direction * unwrapped
    r2, rate = 0.0, np.nan
    top = int(angle[:end].argmax()) + 1
    if covered >= LEAST and top > 3:
        r2 = float(np.corrcoef(times[:top], angle[:top])[0, 1] ** 2)
        rate = float(np.polyfit(times[:top], angle[:top], 1)[0])
    return Course(covered, covered >= period - 1e-6, end, direction, r2, rate, angle, home)


def nearest(flowed: Images, references: Images) -> NDArray[np.intp]:
    """Index ``(n, t)`` of the reference ``(n, a, p)`` nearest to each image ``(n, t, p)``."""
    dot = flowed @ references.transpose(0, 2, 1)
    squared = np.square(references).sum(2)[:, None] - 2 * dot
    found: NDArray[np.intp] = squared.argmin(2)
    return found


def similarity(a: Images, b: Images, window: int = 7) -> Floats:
    """Structural similarity (SSIM) of flat square images ``(..., p)`` in [0, 1]: ``(...)``.

    Uniform window and the usual constants, of which the windows inside the image count.
    """
    from scipy.ndimage import uniform_filter

    side, edge = math.isqrt(a.shape[-1]), window // 2

    def average(images: Images) -> Images:
        size = (*[1] * (images.ndim - 2), window, window)
        mean: Images = uniform_filter(images, size)[..., edge : side - edge, edge : side - edge]
        return mean

    x, y = (Windowed(z.reshape(*z.shape[:-1], side, side), average) for z in (a, b))
    found: Floats = ssim_map(x, y).mean((-1, -2))
    return found.astype(np.float64)


@dataclass(frozen=True)
class Followed:
    """A flow of some images of one class, beside the truth.

    Attributes:
        times: ``(t,)``.
        flowed: ``(n, t, p)`` decoded images along the flow.
        turned: ``(n, a, p)`` the true image, turned by multiples of :data:`GRID`.
        rebuilt: ``(n, a, p)`` reconstructions of those.
        probability: ``(n, t)`` of the image's own class, by the oracle.
        period: degrees.
    """

    times: Floats
    flowed: Images
    turned: Images
    rebuilt: Images
    probability: Images
    period: float

    def courses(self) -> list[Course]:
        """One per image."""
        alpha = GRID * nearest(self.flowed, self.rebuilt)
        return [course(a.astype(np.float64), self.times, self.period) for a in alpha]


def follow_metrics(followed: Followed) -> dict[str, Metric]:
    """Everything that interface and report ask about one class and one flow.

    Keys: ``cover`` (deg), ``complete``, ``r2``, ``fidelity`` (SSIM with the true rotation over
    that of the reconstruction), ``drift``, ``closure`` (relative distance of images after a
    whole turn; none if no image came round), ``rate`` (deg per unit of time, median), ``change``
    (relative image change per unit of time), ``excursion`` (largest relative image change),
    ``rebuilt`` (SSIM of reconstructions: the absolute quality that ``fidelity`` is relative to).
    """
    f, found = followed, followed.courses()
    own = similarity(f.rebuilt, f.turned).mean(1)
    at = nearest(f.flowed, f.rebuilt)
    fidelity, closure = [], []
    size = np.linalg.norm(f.flowed[:, 0], axis=1)
    for i, one in enumerate(found):
        stretch = slice(0, max(one.end, len(f.times) // 8))
        truth = f.turned[i][at[i, stretch]]
        fidelity.append(similarity(f.flowed[i, stretch], truth).mean() / own[i])
        if one.home is not None:
            gap = f.flowed[i, one.home] - f.flowed[i, 0]
            closure.append(np.linalg.norm(gap) / size[i])
    speed = np.linalg.norm(np.diff(f.flowed, axis=1), axis=2).mean(1) / (f.times[1] - f.times[0])
    away = np.linalg.norm(f.flowed - f.flowed[:, :1], axis=2).max(1)
    rates = [one.rate for one in found if np.isfinite(one.rate)]
    values = {
        "cover": [one.covered for one in found],
        "complete": [float(one.complete) for one in found],
        "r2": [one.r2 for one in found],
        "fidelity": fidelity,
        "drift": np.abs(f.probability - f.probability[:, :1]).mean(1),
        "change": speed / size,
        "excursion": away / size,
        "rebuilt": own,
    }
    values |= {"closure": closure} if closure else {}
    metrics = {key: mean_metric(each, _definition(key)) for key, each in values.items()}
    if rates:
        spread = np.std(rates) / np.sqrt(len(rates))
        metrics["rate"] = _definition("rate").measured(np.median(rates), 1.25 * spread)
    return metrics


def _definition(key: str) -> Definition:
    return DEFINITIONS[f"{key}[_DIGIT][_dLATENT]"]


def clock_error(followed: Followed, turn: float) -> Metric:
    """Mean distance (deg) of the angle from a clock: 360 degrees per ``turn`` units of time."""
    errors = []
    for one in followed.courses():
        clock = 360 / turn * followed.times[: one.end]
        errors.append(float(np.abs(one.angle[: one.end] - clock).mean()))
    return mean_metric(errors, _definition("clock"))


def named(metrics: Mapping[str, Metric], digit: int, latent: int) -> dict[str, Metric]:
    """The metrics with the digit and the latent dimension in their keys: ``cover_1_d5``."""
    return {f"{key}_{digit}_d{latent}": value for key, value in metrics.items()}
