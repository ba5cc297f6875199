"""The frozen jets that every evaluation of a fit sends through another detector."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, fields

import numpy as np

from calovision.events.events import offsets_of
from calovision.simulation import minimum_bias
from calovision.simulation.calibration.statistics import quantities
from calovision.simulation.calibration.table import CLASSES, Row, Table, compare
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.generator import (
    JET_ETA,
    JET_PT,
    PARTON_DISTANCE,
    DijetGenerator,
    Jets,
    Particles,
)
from calovision.simulation.jets import acceptance, detect
from calovision.simulation.pileup import (
    Response,
    expose,
    first_collisions,
    first_of,
    response,
    response_key,
)
from calovision.simulation.pythia import DIJETS
from calovision.utils import cache, streams
from calovision.utils.waiting import waits_for

_BATCH = 150  #: collisions generated at once
_OF_JETS = [f.name for f in fields(Jets) if f.name not in ("particles", "label")]


@dataclass
class Sample:
    """Jets before the detector, pile-up collisions, and the seed of all that is random later.

    Attributes:
        jets: by class.
        collisions: how many of the library's minimum-bias collisions pile-up is drawn from.
        seed: of the detector: the same for every detector, so that two of them differ by their
            constants and by little noise.
    """

    jets: dict[str, Jets]
    collisions: int
    seed: int
    _kept: tuple[Detector, Response] | None = None

    def part(self, share: float) -> Sample:
        """The first jets and pile-up collisions, so large a share of all."""
        jets = {group: _first(jets, round(share * len(jets))) for group, jets in self.jets.items()}
        return Sample(jets, round(share * self.collisions), self.seed)

    def response(self, detector: Detector) -> Response:
        """The detector's response to pile-up; that of the last call, if it is the same."""
        about = response_key(detector)
        if self._kept is None or self._kept[0] != about:
            if about == response_key(CMS_BARREL):
                found = first_collisions(response(detector), self.collisions)
            else:
                library = first_of(minimum_bias.collisions(), self.collisions)
                found = expose(library, detector)
            self._kept = about, found
        return self._kept[1]

    def compare(self, table: Table, detector: Detector) -> list[Row]:
        """The jets as a detector sees them beside a table of published numbers."""
        library = self.response(detector)
        found, weights = {}, {}
        for group in CLASSES:  # with the same pile-up, which their differences then leave out
            seen = detect(self.jets[group], self.seed, detector, minimum_bias=library)
            found[group] = quantities(seen)
            weights[group] = acceptance(seen.columns["pt"], detector)
        return compare(table, found, weights)


def sample(jets: int, seed: int) -> Sample:
    """Simulate the jets of a fit, or take them from the cache.

    Args:
        jets: how many, of both classes together.
        seed: of everything.
    """
    versions = [importlib.metadata.version(name) for name in ("pythia8mc", "fastjet")]
    about = cache.digest(versions, DIJETS, JET_PT, JET_ETA, PARTON_DISTANCE, jets, seed)
    flat = cache.arrays(f"calibration-{about}", lambda: _generate(jets, seed))
    made = {}
    for label, group in enumerate(CLASSES):
        own = {name.removeprefix(f"{group}_"): a for name, a in flat.items() if group in name}
        particles = Particles(*(own[f"particles_{name}"] for name in Particles._fields))
        kind = np.full(len(own["pt"]), label, np.int8)
        whole = Jets(particles, label=kind, **{name: own[name] for name in _OF_JETS})
        made[group] = _first(whole, -(-jets // 2))
    return Sample(made, minimum_bias.COLLISIONS, seed)


def _generate(jets: int, seed: int) -> cache.Arrays:
    start = int(streams.numbers(streams.Stream.CALIBRATION, seed).generate_state(1)[0])
    generator = DijetGenerator(start, 0.5, DIJETS)
    flat: cache.Arrays = {}
    for label, group in enumerate(CLASSES):
        parts: list[Jets] = []
        while (done := sum(map(len, parts))) < jets / 2:
            waits_for(f"jets, once per machine, {(done + label * jets / 2) / jets:.0%}")
            parts.append(generator.generate(label, _BATCH))
        whole = _joined(parts)
        flat |= {f"{group}_{name}": getattr(whole, name) for name in _OF_JETS}
        flat |= {f"{group}_particles_{k}": v for k, v in whole.particles._asdict().items()}
    return flat


def _joined(parts: list[Jets]) -> Jets:
    """Jets of several batches as one."""
    particles = [jets.particles for jets in parts]
    counts = [np.diff(p.offsets) for p in particles]
    shift = offsets_of(np.array([len(c) for c in counts]))
    columns = {
        name: np.concatenate([getattr(p, name) for p in particles])
        for name in Particles._fields[1:]
    }
    return Jets(
        Particles(offsets_of(np.concatenate(counts)), **columns),
        collision=np.concatenate([j.collision + s for j, s in zip(parts, shift[:-1], strict=True)]),
        **{
            name: np.concatenate([getattr(jets, name) for jets in parts])
            for name in (*_OF_JETS, "label")
            if name != "collision"
        },
    )


def _first(jets: Jets, number: int) -> Jets:
    kept = {name: getattr(jets, name)[:number] for name in (*_OF_JETS, "label")}
    kept["member"] = jets.member
    return Jets(jets.particles, **kept)
