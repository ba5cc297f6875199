"""Draw what the metrics mean, a picture a group, into docs/images/metrics-GROUP.png.

    python docs/draw_metrics.py

All is drawn from toy numbers of fixed seeds: pictures of definitions, not of results.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import NDArray

IMAGES = Path(__file__).resolve().parent / "images"
TRUE, MADE, SOFT = "#0072b2", "#d55e00", "#999999"
Draw = Callable[[Axes, np.random.Generator], None]


def occupancy(ax: Axes, rng: np.random.Generator) -> None:
    """Cells that both, or only one of two images light."""
    true, made = rng.random((8, 8)) < 0.2, rng.random((8, 8)) < 0.06
    made |= true & (rng.random((8, 8)) < 0.8)
    for lit, colour, size in ((true, TRUE, 90), (made, MADE, 25)):
        row, col = np.nonzero(lit)
        ax.scatter(col, row, size, colour, marker="s")
    both = (true & made).sum()
    precision, recall = both / made.sum(), both / true.sum()
    f1 = 2 * precision * recall / (precision + recall)
    ax.set_xlabel(f"both {both}; precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}")


def response(ax: Axes, rng: np.random.Generator) -> None:
    """Mean and spread of a ratio of energies."""
    ratio = rng.normal(0.95, 0.1, 4000)
    ax.hist(ratio, 40, color=SOFT)
    ax.axvline(ratio.mean(), color=MADE)
    low, high = np.quantile(ratio, [0.1587, 0.8413])
    ax.axvspan(low, high, color=MADE, alpha=0.2)
    ax.set_xlabel("reconstructed / true energy: line response,\nband twice resolution68")


def moved(ax: Axes, rng: np.random.Generator) -> None:
    """Energy that moves from true to made hits."""
    true, shift = rng.normal(0, 1, (8, 2)), rng.normal(0, 0.25, (8, 2))
    size = rng.exponential(1, 8)
    for (x, y), (dx, dy) in zip(true, shift, strict=True):
        ax.annotate("", (x + dx, y + dy), (x, y), arrowprops={"arrowstyle": "->"})
    ax.scatter(*true.T, 60 * size, TRUE, alpha=0.7)
    ax.scatter(*(true + shift).T, 60 * size, MADE, alpha=0.7)
    ax.set_xlabel("emd: energy times distance of the arrows")


def area(ax: Axes, rng: np.random.Generator) -> None:
    """The area between two cumulative distributions."""
    grid = np.linspace(-3, 4, 300)
    curves = [(rng.normal(m, s, 2000)[:, None] < grid).mean(0) for m, s in ((0, 1), (0.7, 1.2))]
    ax.plot(grid, curves[0], color=TRUE)
    ax.plot(grid, curves[1], color=MADE)
    ax.fill_between(grid, *curves, color=SOFT, alpha=0.5)
    ax.set_xlabel("w1: the grey area, in the observable's unit")


def scores(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of background and signal."""
    return rng.normal(0, 1, 3000), rng.normal(1.3, 1, 3000)


def roc(ax: Axes, rng: np.random.Generator) -> None:
    """The area under a ROC curve, and the rejection at half of the signal."""
    background, signal = scores(rng)
    cuts = np.linspace(-4, 6, 200)
    false, true = ((x[:, None] > cuts).mean(0) for x in (background, signal))
    ax.fill_between(false, true, color=SOFT, alpha=0.5)
    ax.plot(false, true, color=TRUE)
    at = false[np.argmin(abs(true - 0.5))]
    ax.plot([0, at, at], [0.5, 0.5, 0], color=MADE)
    ax.set_xlabel(f"background kept: auc is the area;\nrejection_50 = 1 / {at:.2f}")
    ax.set_ylabel("signal kept")


def calibration(ax: Axes, rng: np.random.Generator) -> None:
    """Distances from the diagonal."""
    middle = np.linspace(0.05, 0.95, 10)
    seen = middle + 0.12 * np.sin(2 * np.pi * middle) + rng.normal(0, 0.01, 10)
    ax.plot([0, 1], [0, 1], color=SOFT)
    ax.vlines(middle, middle, seen, color=MADE)
    ax.scatter(middle, seen, 20, TRUE)
    ax.set_xlabel("score; ece: mean length of the red lines")
    ax.set_ylabel("share of signal")


def judge(ax: Axes, rng: np.random.Generator) -> None:
    """Scores of a classifier of true and made events."""
    for shift, colour in ((0, TRUE), (0.9, MADE)):
        ax.hist(rng.normal(shift, 1, 3000), 40, histtype="step", color=colour)
    ax.set_xlabel(
        "a judge's score; classifier_auc: how well\ntrue and made come apart, 0.5 not at all"
    )


def gaussians(ax: Axes, rng: np.random.Generator) -> None:
    """Clouds of two samples in the space of observables."""
    for centre, colour, shape in (((0, 0), TRUE, (1, 0.6)), ((0.8, 0.4), MADE, (0.7, 0.9))):
        ax.scatter(*(rng.normal(0, shape, (300, 2)) + centre).T, 4, colour, alpha=0.5)
    ax.set_xlabel("fpd, kpd: distance of the two clouds,\nby mean and covariance, by a kernel")


def balls(ax: Axes, rng: np.random.Generator) -> None:
    """Events of one sample inside balls of the other."""
    true, made = rng.normal(0, 1, (12, 2)), rng.normal((1.5, -0.5), 1.1, (12, 2))
    reach = np.sort(np.linalg.norm(true[:, None] - true, axis=2))[:, 2]
    for centre, radius in zip(true, reach, strict=True):
        ax.add_patch(Circle((centre[0], centre[1]), radius, color=TRUE, alpha=0.08))
    ax.scatter(*true.T, 15, TRUE)
    ax.scatter(*made.T, 15, MADE)
    inside = (np.linalg.norm(made[:, None] - true, axis=2) < reach).any(1).mean()
    ax.set_aspect("equal")
    ax.set_xlabel(f"precision {inside:.2f}: red dots in a blue ball;\nrecall the other way round")


def sliced(ax: Axes, rng: np.random.Generator) -> None:
    """A direction on which both samples are projected."""
    gaussians(ax, rng)
    ax.axline((0, 0), slope=0.7, color="black")
    ax.set_xlabel("sliced_w1: W1 along many random lines")


def worth(ax: Axes, rng: np.random.Generator) -> None:
    """Bins of equal content, and what a biased sample puts there."""
    ax.bar(range(10), np.full(10, 0.1), color=TRUE, alpha=0.3)
    ax.errorbar(range(10), np.full(10, 0.1), 0.012, fmt="none", color=TRUE)
    ax.scatter(range(10), 0.1 + rng.normal(0, 0.012, 10), 20, MADE)
    ax.set_xlabel("events_worth: so many true events\nscatter as much as the red points are off")


def copies(ax: Axes, rng: np.random.Generator) -> None:
    """Events next to training events."""
    known = rng.normal(0, 1, (20, 2))
    made = np.concatenate([rng.normal(0, 1, (10, 2)), known[:4] + 0.04])
    ax.scatter(*known.T, 50, SOFT)
    ax.scatter(*made.T, 12, MADE)
    ax.set_xlabel(
        "memorised: red dots closer to a training\nevent (grey) than 1 % of true ones are"
    )


def covered(ax: Axes, rng: np.random.Generator) -> None:
    """The angle along a flow."""
    time = np.linspace(0, 360, 73)
    angle = np.where(time < 280, time + rng.normal(0, 4, 73), 280 - 0.5 * (time - 280))
    ax.plot(time, angle, color=TRUE)
    ax.axhline(280, color=MADE)
    ax.set_xlabel(
        "way along the flow; cover: the highest angle\nbefore it falls back; r2: how straight"
    )
    ax.set_ylabel("true angle [deg]")


def closing(ax: Axes, rng: np.random.Generator) -> None:
    """An orbit that does not quite close."""
    angle = np.linspace(0, 2 * np.pi, 100)
    radius = 1 + 0.03 * angle + rng.normal(0, 0.004, 100)
    ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=TRUE)
    ax.plot([radius[0], radius[-1]], [0, 0], color=MADE, linewidth=3)
    ax.set_aspect("equal")
    ax.set_xlabel("closure: the red gap after a whole turn")


GROUPS: dict[str, tuple[Draw, ...]] = {
    "reconstruction": (occupancy, response, moved, area),
    "classification": (roc, calibration),
    "generation": (judge, area, gaussians, balls, sliced, worth, copies),
    "symmetry": (covered, closing),
}


def draw(group: str) -> None:
    """The picture of a group: panels side by side."""
    parts = GROUPS[group]
    cols = min(len(parts), 4)
    rows = -(-len(parts) // cols)
    figure, axes = plt.subplots(
        rows, cols, figsize=(3.1 * cols, 2.9 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(parts) :]:
        ax.remove()
    for ax, part in zip(axes.flat, parts, strict=False):
        part(ax, np.random.default_rng(5))
        ax.set(xticks=[], yticks=[])
        ax.xaxis.label.set_fontsize(8.5)
    figure.savefig(IMAGES / f"metrics-{group}.png", dpi=90, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Draw them all."""
    for group in GROUPS:
        draw(group)


if __name__ == "__main__":
    main()
