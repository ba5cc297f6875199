"""Event sets as PyTorch data sets for a DataLoader, in memory or out of core."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from calovision.errors import InputError
from calovision.events.batching import padded
from calovision.events.events import Events
from calovision.events.interchange import to_pyg
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.events.event_set import EventSet
    from calovision.events.graphs import Graphs, GraphView

Form = Literal["dense", "hits", "graph"]
FORMS: tuple[Form, ...] = ("dense", "hits", "graph")
Pair = tuple[Any, Tensor]
WINDOW = 8192  #: events mixed at a time by shuffled batches


@dataclass(frozen=True)
class Inputs:
    """How events become what a network takes.

    Attributes:
        form: ``"dense"``: ``(channels, rows, cols)`` float32, GeV a pixel (image units of a time);
            ``"hits"``: ``(max_hits, 4)`` float32 of channel, eta, phi (rad) and energy (GeV),
            hardest first, zeros behind the last; ``"graph"``: ``torch_geometric`` data with
            ``x`` the contents ``(nodes, channels)`` in image units, ``pos`` and ``edge_index``.
        max_hits: hits kept of an event in form ``"hits"``.
        neighbours: of every node in form ``"graph"``.

    Raises:
        InputError: no such form, or a number below 1.
    """

    form: Form
    max_hits: int = 256
    neighbours: int = 8

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise InputError(f"no form {self.form!r} of events", f"choose {', '.join(FORMS)}")
        if min(self.max_hits, self.neighbours) < 1:
            raise InputError("max_hits and neighbours count from 1", "give larger ones")

    def items(self, events: Events) -> list[Pair]:
        """``(input, label)`` of every event; labels are int64, -1 where the set has none."""
        if self.form == "graph":
            return list(zip(to_pyg(events, self.neighbours), labels(events), strict=True))
        inputs, label = self.batch(events)
        return list(zip(inputs, label, strict=True))

    def prepared(self, events: Events) -> Events | GraphView:
        """Events in the form that batches are taken from: graphs are built for all at once."""
        if self.form != "graph":
            return events
        from calovision.events.graphs import GraphView

        return GraphView.of(events, self.neighbours)

    def select(self, prepared: Events | GraphView, chosen: NDArray[np.int64]) -> Any:
        """Inputs of the ``chosen`` events as one."""
        if isinstance(prepared, Events):
            return self.batch(prepared[chosen])[0]
        return graph_batch(prepared.batch(chosen), len(chosen))

    def batch(self, events: Events) -> Pair:
        """Inputs of all events as one, and their labels ``(n,)``."""
        if self.form == "dense":
            images = events.to_dense().astype(np.float32, copy=False)
            return torch.from_numpy(images), labels(events)
        if self.form == "hits":
            return padded(events, self.max_hits).table(), labels(events)
        return self.select(self.prepared(events), np.arange(len(events))), labels(events)


def graph_batch(graphs: Graphs, events: int) -> Any:
    """A batch of ``torch_geometric``; an event without hits is one node of zeros, without edges."""
    from torch_geometric.data import Batch

    x, pos, batch, edges = graphs.features, graphs.position, graphs.batch, graphs.edge_index
    nodes = torch.bincount(batch, minlength=events)
    if (empty := torch.nonzero(nodes == 0)[:, 0]).numel():
        # Pools count events by the largest number they meet.
        order = torch.argsort(torch.cat([batch, empty]), stable=True)
        place = torch.argsort(order)
        x, pos = (torch.cat([t, t.new_zeros(len(empty), t.shape[1])])[order] for t in (x, pos))
        batch, edges = torch.cat([batch, empty])[order], place[edges]
        nodes = nodes.clamp(min=1)
    joined = Batch(x=x, pos=pos, edge_index=edges, batch=batch)
    joined.ptr = torch.cat([nodes.new_zeros(1), nodes.cumsum(0)])
    joined._num_graphs = events
    return joined


def labels(events: Events) -> Tensor:
    """``(n,)`` int64 labels; -1 where the set has none."""
    if "label" not in events.columns:
        return torch.full((len(events),), -1)
    return torch.from_numpy(events.columns["label"].astype(np.int64))


class EventDataset(Dataset[Pair]):
    """Events by number: ``dataset[i]`` is ``(input, label)``.

    A DataLoader takes whole batches in one go, so that a batch costs one read.

    Args:
        events: in memory or on disk.
        inputs: how an event becomes what a network takes.
    """

    def __init__(self, events: EventSet, inputs: Inputs) -> None:
        self.events, self.inputs = events, inputs

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"EventDataset: {len(self)} events of {self.events.where}, {self.inputs}"

    def __getitem__(self, index: int) -> Pair:
        number = range(len(self))[index]
        return self.inputs.items(self.events[np.array([number])])[0]

    def __getitems__(self, indices: list[int]) -> list[Pair]:
        return self.inputs.items(self.events[np.asarray(indices, np.int64)])


class EventBatches(IterableDataset[Pair]):
    """All events once, in whole batches, mixed window by window: memory does not grow with a set.

    For ``DataLoader(batches, batch_size=None, num_workers=...)``. Windows are dealt out to the
    worker processes of a loader and to the processes of a training, so that together they see
    every event exactly once and each reads only its own part of a set on disk.

    Args:
        events: in memory or on disk.
        inputs: how events become what a network takes.
        batch: events of a batch; the last one of a window may have fewer.
        seed: of the order, another one in every epoch; ``None`` keeps the set's order. As with
            any DataLoader, with worker processes it depends on ``torch.manual_seed`` too.
        window: most events mixed at a time.
        share_of: number of this process and how many there are.

    Raises:
        InputError: batches or windows of no event.
    """

    def __init__(
        self,
        events: EventSet,
        inputs: Inputs,
        *,
        batch: int,
        seed: int | None = 1,
        window: int = WINDOW,
        share_of: tuple[int, int] = (0, 1),
    ) -> None:
        if batch < 1 or window < 1:
            raise InputError(f"batches of {batch} of {window} events", "give 1 or more")
        self.events, self.inputs, self.batch, self.seed = events, inputs, batch, seed
        self.window, self.share_of = -(-window // batch) * batch, share_of
        self.epoch = 0

    def __len__(self) -> int:
        first, of = self.share_of
        return sum(-(-len(w) // self.batch) for w in self._windows(of)[first::of])

    def __repr__(self) -> str:
        return (
            f"EventBatches: {len(self)} batches of {self.batch} of {len(self.events)} events of"
            f" {self.events.where}, {self.inputs}"
        )

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Pair]:
        worker = get_worker_info()
        here, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        rank, size = self.share_of
        # A loader starts its workers with another seed, common to them, in every epoch.
        key = [self.epoch, 0 if worker is None else worker.seed - worker.id]
        self.epoch += 1
        mine = self._windows(size * workers)
        if self.seed is not None:
            order = streams.rng(streams.Stream.DATASET, self.seed, *key).permutation(len(mine))
            mine = [mine[i] for i in order]
        for window in mine[rank * workers + here :: size * workers]:
            held = self.events[np.arange(window.start, window.stop)]
            if self.seed is not None:
                place = (*key, window.start)
                mixed = streams.rng(streams.Stream.DATASET_WINDOW, self.seed, *place)
                held = held[mixed.permutation(len(held))]
            prepared, label = self.inputs.prepared(held), labels(held)
            for i in range(0, len(held), self.batch):
                chosen = np.arange(i, min(i + self.batch, len(held)))
                yield self.inputs.select(prepared, chosen), label[i : i + self.batch]

    def _windows(self, parts: int) -> list[range]:
        """Ranges of events that are mixed at a time, at least one for each of ``parts``."""
        n = len(self.events)
        size = max(min(self.window, -(-n // (parts * self.batch)) * self.batch), 1)
        return [range(i, min(i + size, n)) for i in range(0, n, size)]
