"""The base of generators: new events on request."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.parallel.threads import side_by_side
from calovision.training.devices import enough_memory
from calovision.training.task import Task
from calovision.utils.counts import count


@dataclass(frozen=True)
class Request:
    """Conditions on the events to generate.

    Attributes:
        label: class of every event (gluon 0, quark 1); ``None`` leaves it to chance.
        ranges: per-event column, such as ``"pt"`` (GeV), to the lowest and highest value.
        oversample: draws of the detector of each collision, all of which become events.

    Raises:
        InputError: another label, a range that is no range of energies, or less than one draw.
    """

    label: int | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    oversample: int = 1

    def __post_init__(self) -> None:
        if self.label is not None:
            object.__setattr__(self, "label", _label(self.label))
        if not isinstance(self.ranges, Mapping):
            raise InputError(
                f"ranges are {self.ranges!r}", 'give columns and limits, {"pt": (100, 140)}'
            )
        count("oversample", self.oversample, 1)
        found = {str(name): _limits(name, limits) for name, limits in self.ranges.items()}
        object.__setattr__(self, "ranges", found)


def _label(label: Any) -> int:
    if isinstance(label, bool) or not isinstance(label, Integral) or label not in (0, 1):
        raise InputError(f"no events have the label {label!r}", "give 0 (gluon) or 1 (quark)")
    return int(label)


def _limits(name: Any, limits: Any) -> tuple[float, float]:
    """Both limits of a range, GeV."""
    try:
        low, high = limits
    except (TypeError, ValueError):
        raise InputError(
            f"the range of {name} is {limits!r}", "give two numbers, the lowest and the highest"
        ) from None
    if not all(isinstance(x, Real) and math.isfinite(x) for x in (low, high)):
        raise InputError(
            f"{name} cannot be between {low!r} and {high!r}", "give two finite numbers"
        )
    if not low < high:
        raise InputError(f"no {name} is between {low:g} and {high:g} GeV", "give LOW HIGH")
    if low < 0:
        raise InputError(f"no {name} is below 0 GeV, but {low:g} is asked for", "begin at 0")
    return float(low), float(high)


class GeneratorTask(Task):
    """A task that makes events.

    Attributes:
        chunk: events made together. Those of chunk ``c`` depend on the seed and ``c`` alone, so a
            set is the same however many are asked for at a time, on any number of threads.
        oversamples: whether it can draw the detector several times for a collision.
    """

    chunk: ClassVar[int] = 250
    oversamples: ClassVar[bool] = False
    judged_by_loss: ClassVar[bool] = True

    @abstractmethod
    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th group of :attr:`chunk` events.

        Args:
            request: what they must be like.
            chunk: number of the group.
            seed: of all random numbers, together with ``chunk``.
            steps: steps of the solver; ``None`` for the model's own choice.

        Raises:
            InputError: the request cannot be met by this model.
        """

    def first_of(
        self, request: Request, chunk: int, seed: int, steps: int | None, n: int
    ) -> Events:
        """The first ``n`` events of a group, which may cost less than all of it."""
        return self.sample(request, chunk, seed, steps)[:n]

    def known(self) -> dict[str, tuple[float, float]]:
        """Range, in the training events, of every column that a request may restrict."""
        return {}

    def labels(self) -> tuple[int, ...]:
        """Labels of the training events."""
        return (0, 1)


def check_request(task: GeneratorTask, request: Request) -> list[str]:
    """What of a request lies outside the training events, one line each.

    Raises:
        InputError: nothing can be generated: a column or a class that the model has not learned,
            a range that no training event is in, or draws that it does not make.
    """
    known, found = task.known(), []
    if request.oversample > 1 and not task.oversamples:
        raise InputError(
            "this generator has no detector of its own to draw several times",
            "leave oversample out, or train the model 'particles'",
        )
    if request.label is not None and request.label not in task.labels():
        name = task.geometry.classes[request.label]
        raise InputError(f"the generator has seen no {name} events", "ask for all, or the others")
    for name, (low, high) in request.ranges.items():
        if name not in known:
            raise InputError(
                f"the generator has not learned {name!r}",
                f"it knows {', '.join(known)}" if known else "ask for plain events",
            )
        least, most = known[name]
        trained_on = f"the generator was trained on {name} of {least:.1f} to {most:.1f} GeV"
        if high <= least or low >= most:
            raise InputError(f"{trained_on}, not {low:g} to {high:g}", "ask within that range")
        if low < least or high > most:
            found.append(f"{trained_on}: there will be none beyond")
    return found


def possible(n: int, steps: int | None) -> None:
    """Check numbers of events and of steps.

    Raises:
        InputError: one is less than 1.
    """
    if n < 1:
        raise InputError(f"cannot generate {n} events", "ask for at least one")
    if steps is not None and steps < 1:
        raise InputError(f"cannot generate in {steps} steps", "ask for at least one")


def pieces(
    task: GeneratorTask,
    chunks: range,
    n: int,
    request: Request,
    *,
    seed: int,
    steps: int | None = None,
) -> Iterator[Events]:
    """Some chunks of a set of ``n`` events, the last one cut to size.

    Raises:
        InputError: the request cannot be met, or is for no events.
    """
    possible(n, steps)
    check_request(task, request)
    task.eval()

    def one(chunk: int) -> Events:
        with enough_memory(task.device):
            wanted = min(n - chunk * task.chunk, task.chunk)
            return task.first_of(request, chunk, seed, steps, wanted)

    yield from side_by_side(one, chunks)


def generated(
    task: GeneratorTask, n: int, request: Request, *, seed: int, steps: int | None = None
) -> Events:
    """``n`` events of a trained generator; the first ``m < n`` are those of a call for ``m``."""
    chunks = range(-(-n // task.chunk))
    return concatenate(pieces(task, chunks, n, request, seed=seed, steps=steps))
