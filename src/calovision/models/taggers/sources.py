"""Training events that are made while a tagger learns: seen again, or never seen before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.store import EventStore
from calovision.models.config import KINDS
from calovision.models.generators.particles.sampling import check_detector
from calovision.models.generators.particles.tokens import needed
from calovision.models.taggers.settings import TaggerTraining
from calovision.parallel.background import Background
from calovision.simulation.again import seen_again_of
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.fresh import CHUNK, fresh_chunk
from calovision.training.sampler import OnceSampler, WindowedShuffleSampler
from calovision.training.sources import Numbers, Source

PIECE = 512  #: jets that a worker takes through the detector at a time
_CHECKED = 400  #: training jets by which the detector is known

Made = Callable[[], Events]


class SeenAgain(Source):
    """Jets of a set whose detector, vertex, noise and pile-up are drawn anew every epoch.

    Args:
        config: of the training.
        store: a set with particles.
        chosen: see :class:`~calovision.training.sources.Source`.

    Raises:
        InputError: the set does not keep particles, or is of another detector than it says.
    """

    anew: ClassVar[bool] = True
    most: ClassVar[int] = 8192

    def __init__(self, config: TaggerTraining, store: EventStore, chosen: Numbers) -> None:
        super().__init__(store, chosen)
        self.config, self.detector = config, detector_of_set(store)
        few = store[chosen[:_CHECKED]]
        try:
            needed(few)
            check_detector(few, self.detector)
        except InputError as error:
            remedy = "leave out augment=detector, or simulate jets with particles=True"
            raise InputError(error.problem, remedy) from None
        self._background = Background(config.workers)
        self._asked: dict[tuple[int, bytes], list[Made]] = {}

    def ask(self, numbers: Numbers, epoch: int) -> None:
        """Begin to draw the images of what will be read next, unless the training is over then."""
        if epoch < self.config.epochs:
            self._asked[epoch, numbers.tobytes()] = self._begun(numbers, epoch)

    def _begun(self, numbers: Numbers, epoch: int) -> list[Made]:
        place = Path(self.store.path), bool(self.store.skipped)
        pieces = np.split(numbers, np.arange(PIECE, len(numbers), PIECE))
        seed = self.config.seed
        return [
            self._background.submit(
                partial(seen_again_of, *place, self.chosen[p], self.detector, seed, epoch)
            )
            for p in pieces
        ]

    def read(self, numbers: Numbers, epoch: int) -> Events:
        """Training events of an epoch, by their numbers."""
        made = self._asked.get((epoch, numbers.tobytes())) or self._begun(numbers, epoch)
        self._asked, self._last = {}, None
        return concatenate([one() for one in made])

    def close(self) -> None:
        """End the workers."""
        self._background.close()


class Fresh(Source):
    """Events that are simulated while they are learned from: none twice.

    Event ``k`` depends on the seed and on ``k`` alone.

    Args:
        config: of the training.
        store: validation events, of the same simulation.
    """

    anew: ClassVar[bool] = True
    chunk: ClassVar[int] = CHUNK
    most: ClassVar[int] = 4000
    order: ClassVar[type[WindowedShuffleSampler]] = OnceSampler

    def __init__(self, config: TaggerTraining, store: EventStore) -> None:
        super().__init__(store, np.zeros(0, np.int64))
        self.config = config
        self._background = Background(config.workers)
        self._made: dict[int, Made] = {}

    def __len__(self) -> int:
        return self.config.simulate

    @property
    def blocks(self) -> Numbers:
        """All events in one: they come in their order."""
        return np.array([0, len(self)])

    def ask(self, numbers: Numbers, epoch: int) -> None:
        """Begin to simulate what will be read next."""
        if epoch == 0:
            for k in np.unique(numbers // self.chunk).tolist():
                if k not in self._made:
                    crops = self.config.task in KINDS
                    work = partial(fresh_chunk, crops, self.config.seed, k, self.chunk)
                    self._made[k] = self._background.submit(work)

    def plain(self, numbers: Numbers) -> Events:
        """Events by their numbers; they are read again."""
        self.ask(numbers, 0)
        wanted = np.unique(numbers // self.chunk)
        events = concatenate([self._made[k]() for k in wanted.tolist()])
        return events[
            np.searchsorted(wanted, numbers // self.chunk) * self.chunk + numbers % self.chunk
        ]

    def read(self, numbers: Numbers, epoch: int) -> Events:
        """Events by their numbers; what comes before the last of them is not kept."""
        events = self.plain(numbers)
        self._made = {k: v for k, v in self._made.items() if k >= numbers.max() // self.chunk}
        return events

    def close(self) -> None:
        """End the workers."""
        self._background.close()


def source_of(config: TaggerTraining, store: EventStore, chosen: Numbers) -> Source:
    """Where the training events of a configuration come from.

    Raises:
        InputError: see :class:`SeenAgain`.
    """
    if config.simulate:
        return Fresh(config, store)
    if config.augment == "detector":
        return SeenAgain(config, store, chosen)
    return Source(store, chosen)


def detector_of_set(store: EventStore) -> Detector:
    """The detector that a set says it was simulated with; else that of the public set."""
    said = store.manifest["provenance"].get("detector")
    known = CMS_BARREL._asdict()
    if not isinstance(said, dict) or said.keys() != known.keys():
        return CMS_BARREL
    return Detector(**{k: type(known[k])(v) for k, v in said.items()})
