"""The base of event sets in memory and on disk: columns, selections, conversions."""

from __future__ import annotations

import keyword
from abc import abstractmethod
from collections import namedtuple
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events import summary
from calovision.events.attributes import Attributes
from calovision.events.selection import checked_index, selected
from calovision.events.splits import split
from calovision.utils.counts import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.events.dataset import EventBatches, EventDataset, Form
    from calovision.events.events import Events
    from calovision.events.plots import MeanImage

Index = int | slice | Sequence[int] | NDArray[Any]


class EventSet(Attributes):
    """Detector images with per-event columns.

    Columns are attributes (``events.pt``) and items (``events["gen_pt"]``); other indices select
    events. Where a hit and an event have a number of the same name, the attribute is that of the
    hits (``events.eta``) and the item that of the events (``events["eta"]``).

    Attributes:
        geometry: pixel grid, channels and units.
        columns: per-event arrays by name; those of a set on disk are read when asked for.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _taken(self, chosen: NDArray[np.int64]) -> EventSet:
        """The events of these numbers, kept where they are: in memory or on disk."""

    @abstractmethod
    def _rows(self, index: Index) -> Events:
        """Events by position, slice, index array or mask, in memory."""

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Where the events come from, JSON-ready."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where the events are, for messages and results: a folder, or memory."""

    @property
    def origin(self) -> Path | None:
        """The folder of the set on disk that the events are of; none of events in memory."""
        return None

    @property
    @abstractmethod
    def hash(self) -> str:
        """SHA-256 that tells the events: the same ones in the same order have the same."""

    @abstractmethod
    def _details(self) -> list[tuple[str, str]]:
        """Named facts for the summary."""

    @property
    def groups(self) -> NDArray[Any] | None:
        """``(n,)`` events of equal number, such as those of one collision, stay together in splits.

        None where the events do not tell: each is on its own.
        """
        return self.columns.get("event_id")

    @overload
    def __getitem__(self, index: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: Index) -> Events: ...
    def __getitem__(self, index: str | Index) -> NDArray[Any] | Events:
        if isinstance(index, str):
            return self.column(index)
        return self._rows(checked_index(index, len(self)))

    def select(self, expression: str) -> EventSet:
        """The events that satisfy an expression in their columns; those on disk stay there.

        Args:
            expression: such as ``"pt > 100 and label == quark"``; see
                :func:`~calovision.events.selection.selected`.

        Raises:
            InputError: not such an expression, or no such column.
        """
        mask = selected(expression, self.columns, len(self), self.geometry.classes)
        return self._taken(np.flatnonzero(mask))

    def split(self, *, seed: int = 1, **shares: float) -> Any:
        """Parts of the set at random, jets of one collision and copies of one event together.

        Args:
            seed: same seed, same parts.
            shares: share of each part by name, together at most 1.

        Returns:
            A named tuple of the parts, as ``train, test = events.split(train=0.8, test=0.2)``.

        Raises:
            InputError: shares that are none, or add up to more than 1.
        """
        if not shares:
            raise InputError("a split into no parts", "write split(train=0.8, test=0.2)")
        if wrong := [
            n for n in shares if not n.isidentifier() or keyword.iskeyword(n) or n[0] == "_"
        ]:
            raise InputError(f"no part is called {wrong[0]!r}", "give a word, such as train")
        from calovision.events.fingerprints import fingerprints

        groups = fingerprints(self).groups(self.groups)
        found = split(len(self), shares, seed, groups)
        kind = namedtuple("Split", shares)  # type: ignore[misc]  # names are the caller's
        return kind(**{name: self._taken(numbers) for name, numbers in found.items()})

    def load(self) -> Events:
        """All events in memory."""
        return self._rows(slice(None))

    def to_dense(self, unit: Literal["gev", "image"] = "gev") -> NDArray[np.floating[Any]]:
        """Dense images ``(n, channels, rows, cols)``; see :meth:`Events.to_dense`."""
        return self.load().to_dense(unit)

    def to_awkward(self) -> Any:
        """Records of an Awkward Array, an event each: jagged ``hits``, and the columns.

        ``hits`` have ``channel`` (number), ``eta``, ``phi`` (rad) and ``energy`` (GeV); sets with
        :class:`particles <calovision.events.particle_lists.ParticleLists>` give these too.
        """
        from calovision.events.interchange import to_awkward

        return to_awkward(self.load())

    def to_pandas(self, rows: Literal["events", "hits"] = "events") -> Any:
        """A ``DataFrame`` with a row an event (columns, hits and energies per channel) or a hit."""
        from calovision.events.interchange import to_pandas

        return to_pandas(self.load(), rows)

    def to_torch(self, form: Literal["nested", "padded"] = "nested") -> Any:
        """Hits as a nested tensor ``(n, hits, 4)``, or padded with zeros beside a mask.

        The last axis is channel, eta, phi (rad), energy (GeV), hardest hit first.
        """
        from calovision.events.interchange import to_torch

        return to_torch(self.load(), form)

    def to_pyg(self, k: int = 8) -> Any:
        """Graphs of ``torch_geometric``: each nonzero pixel joined to its ``k`` nearest ones."""
        from calovision.events.interchange import to_pyg

        return to_pyg(self.load(), k)

    def to_hist(self, column: str, *, by: str | None = None, bins: int = 50) -> Any:
        """A ``hist.Hist`` of a column, with errors from the events' weights where there are any.

        Args:
            column: a per-event column of numbers.
            by: a column of few values, such as ``"label"``, that becomes a category axis.
            bins: of the axis, from the lowest to the highest value.
        """
        from calovision.events.interchange import to_hist

        return to_hist(self, column, by, bins)

    def dataset(
        self,
        form: Form,
        *,
        batch: int | None = None,
        seed: int | None = 1,
        max_hits: int = 256,
        neighbours: int = 8,
        window: int | None = None,
        share_of: tuple[int, int] = (0, 1),
    ) -> EventDataset | EventBatches:
        """A PyTorch data set of ``(input, label)``, out of core where the set is on disk.

        Without ``batch`` for ``DataLoader(dataset, batch_size=64, shuffle=True)``; with it for
        ``DataLoader(dataset, batch_size=None)``, which reads a large set window by window.

        Args:
            form: ``"dense"``, ``"hits"`` or ``"graph"``; see
                :class:`~calovision.events.dataset.Inputs`, as for ``max_hits`` and ``neighbours``.
            batch: events of a batch.
            seed: of the order of batches; ``None`` keeps the set's order.
            max_hits: hits kept of an event in form ``"hits"``, hardest first.
            neighbours: of every node in form ``"graph"``.
            window: events that batches are mixed of at a time.
            share_of: number of this process and how many there are, each with its own batches.
        """
        from calovision.events import dataset

        inputs = dataset.Inputs(form, max_hits, neighbours)
        if batch is None:
            return dataset.EventDataset(self, inputs)
        batch, window = count("batch", batch), count("window", window or dataset.WINDOW)
        return dataset.EventBatches(
            self, inputs, batch=batch, seed=seed, window=window, share_of=share_of
        )

    def plot(self, events: int | Sequence[int] = 0, *, beside: EventSet | None = None) -> Figure:
        """Images of one event or several, a row per channel; energies in GeV a pixel.

        Args:
            events: number of the event, or numbers.
            beside: other events of the same geometry, shown below for the same numbers.
        """
        from calovision.events.plots import plot

        return plot(self, events, beside)

    def mean_image(self) -> MeanImage:
        """The mean image of each class, GeV a pixel, by weight; has ``plot()``; flat memory."""
        from calovision.events.plots import mean_image

        return mean_image(self)

    def __repr__(self) -> str:
        return summary.text(self)

    def _repr_html_(self) -> str:
        return summary.html(self)
