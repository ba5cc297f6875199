"""Compare simulated electrons and photons with Geant4 and CMS, and write it into docs/egamma.md.

Run by hand from the root of the checkout:

    python docs/write_egamma.py --measure         # simulate and compare, a minute or two
    python docs/write_egamma.py --speed geant4    # the rate of one engine alone
    python docs/write_egamma.py                   # the tables again, from docs/results
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

import depth
from compare_crops import QUANTITIES

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.features import shower_shapes as shapes
from calovision.metrics.two_sample import classifier_auc
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.geant4 import Geant4
from calovision.simulation.egamma.measure import measured
from calovision.simulation.egamma.particles import (
    ELECTRON,
    PHOTON,
    Engine,
    Particles,
    Showers,
    draw,
)

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "geant4-egamma.npz"
STORED = ROOT / "docs" / "results" / "egamma-validation.json"
PAGE = ROOT / "docs" / "egamma.md"
MARKS = "<!-- {}: begin -->", "<!-- {}: end -->"
CLASSES = {"photon": PHOTON, "electron": ELECTRON}
#: Means of 200 real crops of the public set, with their errors: photon, electron.
CMS = {
    "hits": ((45.2, 1.2), (51.2, 1.5)),
    "hits outside 9 x 9": ((8.5, 0.9), (12.7, 1.2)),
    "E1/E25": ((0.605, 0.015), (0.553, 0.015)),
    "E9/E": ((0.889, 0.011), (0.852, 0.014)),
}
GOAL = 0.58  #: AUC at most, by which trees may tell the engines apart
SEED = 20250101
DEPTH = "longitudinal maximum, X0"


def geant4_sample() -> tuple[Particles, Showers]:
    """The stored Geant4 showers, to which nothing was tuned."""
    with np.load(SAMPLE) as file:
        data = dict(file)
    eta, phi, z = (data[name].astype(float) for name in ("eta", "phi", "z"))
    row, deposit = data["row"].astype(np.int64), data["deposit"].astype(float)
    showers = Showers(data["crops"], row, deposit, data["converted"], data["brem"].astype(float))
    return Particles(data["label"], data["charge"], eta, phi, z), showers


def energies(events: Events) -> NDArray[np.float64]:
    """``(n, 32, 32)`` energies, GeV."""
    return events.to_dense("gev")[:, 0].astype(np.float64)


def fast_showers(n: int, seed: int) -> tuple[Particles, Showers]:
    """``n`` photons and ``n`` electrons of the fast engine."""
    particles = draw(n, n, np.random.default_rng(seed))
    return particles, Fast().showers(particles, seed, np.inf)


def means(energy: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    """Mean shapes, with their errors."""
    values = {name: function(energy) for name, function in QUANTITIES.items()}
    root = np.sqrt(len(energy))
    return {k: (float(v.mean()), float(v.std() / root)) for k, v in values.items()}


def compare(n: int, seed: int) -> dict[str, Any]:
    """Shapes of both engines and how well trees tell them apart, by class."""
    engines = {"fast": fast_showers(n, seed), "geant4": geant4_sample()}
    seen = {name: measured(*made, seed + k) for k, (name, made) in enumerate(engines.items())}
    result: dict[str, Any] = {"n": n, "shapes": {}, "auc": {}}
    matrix: dict[tuple[str, str], NDArray[np.float64]] = {}
    for kind, label in CLASSES.items():
        for name, events in seen.items():
            energy = energies(events[events.label == label])
            matrix[name, kind] = shapes.shape_matrix(energy)[0]
            contained = energy.sum(axis=(1, 2)) / engines[name][0].energy[events.label == label]
            own = means(energy)
            own["E/E true"] = float(contained.mean()), float(contained.std() / np.sqrt(len(energy)))
            result["shapes"][f"{name} {kind}"] = own
        auc = classifier_auc(matrix["geant4", kind], matrix["fast", kind], paired=False, seed=1)
        result["auc"][f"fast against Geant4, {kind}s"] = (auc.value, auc.error)
    for name, title in (("geant4", "Geant4"), ("fast", "fast")):
        auc = classifier_auc(matrix[name, "photon"], matrix[name, "electron"], paired=False, seed=1)
        result["auc"][f"photons against electrons, {title}"] = (auc.value, auc.error)
    return result


def rate(engine: Engine, n: int) -> float:
    """Events per second of CPU time, start-up of Geant4 included."""

    def spent() -> float:
        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + child.ru_utime + child.ru_stime

    particles = draw(n, n, np.random.default_rng(SEED))
    engine.prepare()
    begun = spent()
    measured(particles, engine.showers(particles, SEED, np.inf), SEED)
    return 2 * n / (spent() - begun)


ENGINES: dict[str, tuple[Engine, int]] = {"fast": (Fast(), 1000), "geant4": (Geant4(), 100)}


def measure() -> dict[str, Any]:
    """All that the tables show."""
    speed = {"fast": rate(*ENGINES["fast"])}
    profiles = {f"fast {k}": depth.fast(label, 2000, SEED) for k, label in CLASSES.items()}
    try:
        speed["geant4"] = rate(*ENGINES["geant4"])
        profiles |= {f"geant4 {k}": depth.geant4(label) for k, label in CLASSES.items()}
    except InputError as error:
        sys.stderr.write(f"{error}\n")
    comparison = compare(1000, SEED)
    for name, energies_ in profiles.items():
        comparison["shapes"][name][DEPTH] = depth.maximum(energies_)
    return {"comparison": comparison, "speed": speed}


def _number(value: float, error: float) -> str:
    digits = min(max(1 - int(np.floor(np.log10(error))), 0), 5) if error > 0 else 3
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def shape_table(result: dict[str, Any]) -> str:
    """Mean shapes by engine and class."""
    found = result["comparison"]["shapes"]
    lines = ["| quantity | class | fast | Geant4 | real |", "| --- | --- | --- | --- | --- |"]
    for name in found["fast photon"]:
        for k, kind in enumerate(CLASSES):
            both = [found[f"{engine} {kind}"].get(name) for engine in ("fast", "geant4")]
            numbers = [_number(*value) if value else "" for value in both]
            published = _number(*CMS[name][k]) if name in CMS else ""
            lines.append(f"| {name} | {kind} | {' | '.join(numbers)} | {published} |")
    return "\n".join(lines)


def auc_table(result: dict[str, Any]) -> str:
    """How well trees tell samples apart."""
    lines = ["| boosted trees on shower shapes | AUC | goal |", "| --- | --- | --- |"]
    for name, (value, error) in result["comparison"]["auc"].items():
        goal = ""
        if name.startswith("fast"):
            goal = f"at most {GOAL}" + ("" if value <= GOAL else " (missed)")
        lines.append(f"| {name} | {_number(value, error)} | {goal} |")
    return "\n".join(lines)


def speed_table(result: dict[str, Any]) -> str:
    """Events per second."""
    lines = ["| engine | events/s a core |", "| --- | --- |"]
    lines += [f"| {name} | {value:.3g} |" for name, value in result["speed"].items()]
    return "\n".join(lines)


TABLES = {"shapes": shape_table, "auc": auc_table, "speed": speed_table}


def fill(text: str, result: dict[str, Any]) -> str:
    """The page with its tables."""
    for name, table in TABLES.items():
        begin, end = (mark.format(name) for mark in MARKS)
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        text = f"{before}{begin}\n{table(result)}\n{end}{after}"
    return text


def main() -> None:
    """Measure what is asked for, then write the tables."""
    words = sys.argv[1:]
    if words:
        result = measure() if "--measure" in words else json.loads(STORED.read_text())
        for engine in words[words.index("--speed") + 1 :] if "--speed" in words else []:
            result["speed"][engine] = rate(*ENGINES[engine])
        STORED.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(fill(PAGE.read_text(), json.loads(STORED.read_text())))


if __name__ == "__main__":
    main()
