"""Compare recorded crops of electrons and photons with the simulation.

    python docs/compare_crops.py crops.npz                  # energy (n, 32, 32), label (n,)
    python docs/compare_crops.py crops.npz --unit 1         # of energies in GeV
    python docs/compare_crops.py folder --events 20000      # an event set, more simulated crops

Prints a table in Markdown. Labels are photon 0, electron 1, as in the public set. Floors are what
the simulation scores against itself with as many crops.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance
from sklearn.ensemble import HistGradientBoostingClassifier

from calovision.errors import InputError
from calovision.events.geometry import EGAMMA_CROPS
from calovision.events.store import EventStore
from calovision.features import shower_shapes as shapes
from calovision.metrics.classification import auc_metric
from calovision.metrics.physics_distance import fpd
from calovision.metrics.two_sample import TREES
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.measure import measured
from calovision.simulation.egamma.particles import PEAK, draw

UNIT = EGAMMA_CROPS.channels[0].gev_per_unit
SOFT = (0.02, 0.039, 0.1)  #: GeV; shares of hits below them
DRAWS = 100  #: pairs of simulated samples behind a floor
Energies = NDArray[np.float64]


class Crops(NamedTuple):
    """Energies ``(n, 32, 32)`` (GeV) and labels ``(n,)``."""

    energy: Energies
    label: NDArray[np.int64]

    def of(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Crops:
        """Some of them."""
        return Crops(self.energy[chosen], self.label[chosen])


def read(path: Path, unit: float = UNIT) -> Crops:
    """Crops of an ``.npz`` file (in ``unit`` GeV) or an event set (in its own unit).

    Raises:
        InputError: the file holds no crops.
    """
    if path.is_dir():
        events = EventStore.open(path).load()
        energy, label = events.to_dense("gev")[:, 0], events.label
    else:
        with np.load(path) as file:
            if not {"energy", "label"} <= set(file.files):
                raise InputError(f"{path} has no energy and label", "give an .npz with both")
            energy, label = file["energy"] * unit, file["label"]
    if energy.ndim != 3 or energy.shape[1:] != (32, 32) or len(energy) != len(label):
        raise InputError(f"energies of shape {energy.shape} are no crops", "give (n, 32, 32)")
    if min(np.bincount(label.astype(int), minlength=2)) < 10:
        raise InputError("fewer than 10 crops of a class", "give more")
    return Crops(energy.astype(np.float64), label.astype(np.int64))


def simulated(events: int, seed: int) -> Crops:
    """Crops of the fast engine, one half of either class."""
    particles = draw(events // 2, events // 2, np.random.default_rng(seed))
    made = measured(particles, Fast().showers(particles, seed, np.inf), seed)
    return Crops(made.to_dense("gev")[:, 0].astype(np.float64), made.label.astype(np.int64))


def _hits(energy: Energies) -> Energies:
    return (energy > 0).sum(axis=(1, 2)).astype(np.float64)


def _outside(energy: Energies) -> Energies:
    inside = energy[:, PEAK - 4 : PEAK + 5, PEAK - 4 : PEAK + 5]
    return _hits(energy) - _hits(inside)


def _sum(energy: Energies) -> Energies:
    total: Energies = energy.sum(axis=(1, 2))
    return total


def _of_all(energy: Energies) -> Energies:
    share: Energies = shapes.window_energy(energy, 3) / np.maximum(_sum(energy), 1e-9)
    return share


QUANTITIES: dict[str, Callable[[Energies], Energies]] = {
    "hits": _hits,
    "hits outside 9 x 9": _outside,
    "E1/E25": shapes.e1_e25,
    "E9/E25": shapes.e9_e25,
    "E9/E": _of_all,
    "R9": shapes.r9,
    "sigma_ieta_ieta": shapes.sigma_ieta_ieta,
    "sigma_iphi_iphi": shapes.sigma_iphi_iphi,
    "eta width": shapes.eta_width,
    "phi width": shapes.phi_width,
    "E, GeV": _sum,
}


def by_class(real: Crops, made: Crops) -> list[tuple[str, str, float, float, float, float]]:
    """Quantity, class, mean of the recorded crops with its error, of the simulated, sigmas."""
    rows = []
    for name, function in QUANTITIES.items():
        for label, kind in enumerate(EGAMMA_CROPS.classes):
            a, b = (function(crops.energy[crops.label == label]) for crops in (real, made))
            error = a.std(ddof=1) / np.sqrt(len(a))
            both = np.hypot(error, b.std(ddof=1) / np.sqrt(len(b)))
            pull = (b.mean() - a.mean()) / both if both > 0 else 0.0
            rows.append((name, kind, float(a.mean()), float(error), float(b.mean()), float(pull)))
    return rows


def _like(real: Crops, made: Crops, random: np.random.Generator) -> Crops:
    """As many simulated crops of either class as there are recorded ones."""
    numbers = np.bincount(real.label, minlength=2)
    drawn = [
        random.choice(np.flatnonzero(made.label == label), number, replace=False)
        for label, number in enumerate(numbers)
    ]
    return made.of(np.concatenate(drawn))


def distances(real: Crops, made: Crops, seed: int) -> dict[str, tuple[float, float]]:
    """W1 of the sums (image units) and FPD on the shower shapes, each with its floor."""
    random = np.random.default_rng(seed)
    reference = made.of(np.arange(len(made.label)) % 2 == 0)
    rest = made.of(np.arange(len(made.label)) % 2 == 1)
    table = {id(crops): shapes.shape_matrix(crops.energy)[0] for crops in (reference, real)}
    total = _sum(reference.energy) / UNIT
    found = (
        wasserstein_distance(_sum(real.energy) / UNIT, total),
        fpd(table[id(reference)], table[id(real)], seed=seed).value,
    )
    floors = []
    for _ in range(DRAWS):
        like = _like(real, rest, random)
        floors.append(wasserstein_distance(_sum(like.energy) / UNIT, total))
    apart = [
        fpd(
            table[id(reference)],
            shapes.shape_matrix(_like(real, rest, random).energy)[0],
            seed=seed + k,
        ).value
        for k in range(DRAWS // 10)
    ]
    return {
        "W1 of the sum, image units": (found[0], float(np.mean(floors))),
        "FPD on shower shapes": (found[1], float(np.mean(apart))),
    }


def learned(real: Crops, made: Crops, seed: int) -> tuple[float, float]:
    """AUC, with its error, on recorded crops of trees trained on the simulated ones."""
    trees = HistGradientBoostingClassifier(**TREES, random_state=seed)
    trees.fit(shapes.shape_matrix(made.energy)[0], made.label)
    scores = trees.predict_proba(shapes.shape_matrix(real.energy)[0])[:, 1]
    metric = auc_metric(scores, real.label, seed=seed)
    return metric.value, metric.error


def off_centre(crops: Crops) -> float:
    """Share of crops whose hottest crystal is not the middle one."""
    hottest = crops.energy.reshape(len(crops.energy), -1).argmax(axis=1)
    return float((hottest != PEAK * crops.energy.shape[2] + PEAK).mean())


def page(real: Crops, made: Crops, seed: int = 1) -> str:
    """All of it, in Markdown."""
    lines = [
        "| quantity | class | recorded | simulated | sigma |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, kind, mean, error, own, pull in by_class(real, made):
        lines.append(f"| {name} | {kind} | {mean:.4g} ± {error:.2g} | {own:.4g} | {pull:+.1f} |")
    lines += ["", "| of all crops | recorded | simulated |", "| --- | --- | --- |"]
    hits = [crops.energy[crops.energy > 0] for crops in (real, made)]
    for soft in SOFT:
        shares = " | ".join(f"{(h < soft).mean():.3f}" for h in hits)
        lines.append(f"| share of hits below {1000 * soft:.0f} MeV | {shares} |")
    apart = " | ".join(f"{off_centre(crops):.3f}" for crops in (real, made))
    lines.append(f"| hottest crystal off the middle | {apart} |")
    spread = " | ".join(f"{crops.energy.std() / UNIT:.4g}" for crops in (real, made))
    lines.append(f"| standard deviation of pixels, image units | {spread} |")
    lines += ["", "| distance | value | floor | floors |", "| --- | --- | --- | --- |"]
    for name, (value, floor) in distances(real, made, seed).items():
        lines.append(f"| {name} | {value:.4g} | {floor:.4g} | {value / floor:.2f} |")
    value, error = learned(real, made, seed)
    lines += [
        "",
        f"Trees trained on the simulation: AUC {value:.3f} ± {error:.3f} on the recorded.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Read, simulate, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("path", type=Path, help="an .npz file or an event set")
    parser.add_argument("--unit", type=float, default=UNIT, help="GeV of one unit of the file")
    parser.add_argument("--events", type=int, default=10_000, help="simulated crops")
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    try:
        real = read(words.path, words.unit)
    except (InputError, OSError) as error:
        parser.error(str(error))
    print(page(real, simulated(words.events, words.seed), words.seed))  # noqa: T201


if __name__ == "__main__":
    main()
