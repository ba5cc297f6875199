"""What rows of the speed table work on, made when the first of them asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calovision.api import simulate
from calovision.events.events import Events, concatenate
from calovision.events.formats.export_dense import Compression, export
from calovision.events.store import EventStore, save
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.training.run import RunDir


@dataclass(frozen=True)
class Size:
    """How much work a row takes.

    Attributes:
        pairs: measurements of both sides.
        few: pairs of rows that take minutes.
        jets: of the sample that most rows use.
        crops: electrons and photons.
        made: jets simulated at a time.
        steps: training steps at a time.
        showers: Geant4 showers at a time.
        student: epochs that the small generator is trained for.
        memory: events of the smaller of the two sets whose peak memory is compared.
    """

    pairs: int
    few: int
    jets: int
    crops: int
    made: int
    steps: int
    showers: int
    student: float
    memory: int


SIZES = {
    "standard": Size(5, 2, 1000, 2048, 1000, 5, 10, 20, 1000),
    "quick": Size(2, 1, 60, 600, 8, 1, 2, 1, 32),
}


class Material:
    """Samples, files and runs, kept in a folder.

    Args:
        folder: an empty one.
        size: how much.
        seed: of everything random.
    """

    def __init__(self, folder: Path, size: Size, seed: int) -> None:
        self.folder, self.size, self.seed = folder, size, seed

    @cached_property
    def jets(self) -> Events:
        """Simulated jets."""
        number, seed = self.size.jets, self.seed
        return simulate.jets(number, seed=seed, particles=True, quiet=True).load()

    @cached_property
    def crops(self) -> Events:
        """Simulated electrons and photons."""
        return simulate.egamma(self.size.crops, seed=self.seed, quiet=True).load()

    def kept(self, *, crops: bool) -> EventStore:
        """The jets, or the electrons and photons, as a set on disk."""
        if not crops:
            return self.store(len(self.jets))
        path = self.folder / "crops"
        return EventStore.open(path) if path.exists() else save(self.crops, path, provenance={})

    def store(self, events: int) -> EventStore:
        """A set of so many jets, the simulated ones again and again."""
        path = self.folder / f"jets-{events}"
        if path.exists():
            return EventStore.open(path)
        times = -(-events // len(self.jets))
        return save(concatenate([self.jets] * times)[:events], path, provenance={"for": "bench"})

    def file(self, events: int, compression: Compression) -> Path:
        """A public HDF5 file of so many jets."""
        path = self.folder / f"jets-{events}-{compression}.h5"
        return path if path.exists() else export(self.store(events), path, compression=compression)

    @cached_property
    def tagger(self) -> RunDir:
        """Our tagger after a single step; its speed does not depend on what it has learned."""
        config = load_config("jet-tagger", overrides={"epochs": 1e-6, "seed": self.seed})
        return train(config, self.store(self.size.jets), self.folder / "tagger", quiet=True)

    def generator(self, model: str) -> RunDir:
        """A generator, trained until its jets have about as many cells as true ones."""
        steps = {"epochs": self.size.student, "seed": self.seed, "ema": 0.0}
        config = load_config("jet-generator", model, overrides=steps)
        out = self.folder / model
        return train(config, self.store(self.size.jets), out, resume=True, quiet=True)
