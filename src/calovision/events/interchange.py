"""Event sets as the arrays, tables, tensors and histograms of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import COLUMN_UNITS
from calovision.events.weighting import COLUMN, scaled
from calovision.utils.counts import count

if TYPE_CHECKING:
    from calovision.events.event_set import EventSet

HIT = ("channel", "eta", "phi", "energy")  #: numbers of a hit, angles in rad, energy in GeV
_MAX_CATEGORIES = 20


def to_awkward(events: Events) -> Any:
    """Records with jagged ``hits`` and the columns; see :meth:`EventSet.to_awkward`."""
    import awkward as ak

    hits = ak.zip({name: getattr(events, name) for name in HIT})
    lists = {"hits": ak.unflatten(hits, events.n_hits)}
    if events.particles is not None:
        lists["particles"] = ak.unflatten(ak.zip(events.particles.columns), events.particles.counts)
    return ak.Array(lists | {name: np.asarray(column) for name, column in events.columns.items()})


def to_pandas(events: Events, rows: Literal["events", "hits"]) -> Any:
    """A ``DataFrame``; see :meth:`EventSet.to_pandas`.

    Raises:
        InputError: neither ``"events"`` nor ``"hits"``, or pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InputError("pandas is not installed", "pip install pandas") from None
    if rows == "hits":
        place = np.arange(len(events.cell)) - events.offsets[events.owner]
        index = pd.MultiIndex.from_arrays([events.owner, place], names=["event", "hit"])
        names = np.array(events.geometry.channel_names)
        table = {name: getattr(events, name) for name in HIT}
        table["channel"] = pd.Categorical.from_codes(events.channel, categories=names)
        return pd.DataFrame(table, index=index)
    if rows != "events":
        raise InputError(f"no rows {rows!r} of a table", "choose 'events' or 'hits'")
    flat: dict[str, Any] = {}
    for name, column in events.columns.items():
        if column.ndim == 1:
            flat[name] = column
        else:
            wide = column.reshape(len(events), -1)
            flat |= {f"{name}_{i}": wide[:, i] for i in range(wide.shape[1])}
    counts, sums = events.counts(), events.sums()
    for i, channel in enumerate(events.geometry.channel_names):
        flat[f"hits_{channel}"] = counts[:, i].astype(np.int64)
        flat[f"sum_{channel}"] = sums[:, i]
    return pd.DataFrame(flat, index=pd.RangeIndex(len(events), name="event"))


def to_torch(events: Events, form: Literal["nested", "padded"]) -> Any:
    """Hits as a nested tensor, or ``(padded, mask)``; see :meth:`EventSet.to_torch`.

    Raises:
        InputError: another form.
    """
    import torch

    from calovision.events.batching import hardest_first, padded

    if form == "padded":
        hits = padded(events)
        return hits.table(), hits.mask
    if form != "nested":
        raise InputError(f"no form {form!r} of a tensor", "choose 'nested' or 'padded'")
    order = hardest_first(events.owner, np.abs(events.energy))
    flat = np.stack([getattr(events, name)[order].astype(np.float32) for name in HIT], axis=1)
    return torch.nested.nested_tensor_from_jagged(
        torch.from_numpy(flat), torch.from_numpy(events.offsets)
    )


def to_pyg(events: Events, k: int) -> list[Any]:
    """Graphs of the nonzero pixels; see :meth:`EventSet.to_pyg`."""
    from calovision.events.graphs import GraphView

    view = GraphView.of(events, count("k", k))
    return [view.pyg(i) for i in range(len(view))]


def to_hist(events: EventSet, column: str, by: str | None, bins: int) -> Any:
    """A histogram with weighted storage; see :meth:`EventSet.to_hist`.

    Raises:
        InputError: no such column, not one number an event, nothing finite, weights that mean
            nothing, too many categories, no bins, or ``hist`` is not installed.
    """
    try:
        import hist
    except ImportError:
        raise InputError("hist is not installed", "pip install hist") from None
    bins = count("the number of bins", bins)
    values = events.column(column)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise InputError(f"column {column} is not one number an event", "choose another")
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError(f"column {column} has no finite value", "choose another")
    label = f"{column} [{COLUMN_UNITS[column]}]" if column in COLUMN_UNITS else column
    low, high = float(values[finite].min()), float(values[finite].max())
    edge = np.nextafter(high, np.inf) if high > low else low + 1.0
    axes: list[Any] = [hist.axis.Regular(bins, low, edge, name=column, label=label)]
    filled = {column: values[finite]}
    if by is not None:
        groups = events.column(by)[finite]
        kinds = np.unique(groups)
        if len(kinds) > _MAX_CATEGORIES:
            raise InputError(f"column {by} has {len(kinds)} values", "choose one of few values")
        names = {k: _category(events, by, k) for k in kinds.tolist()}
        axes.append(hist.axis.StrCategory(list(names.values()), name=by))
        filled[by] = np.array([names[k] for k in groups.tolist()])
    weight = None
    if COLUMN in events.columns:
        scaled(weights := events.columns[COLUMN], len(events), signed=True)  # are they sound?
        weight = weights[finite]
    found = hist.Hist(*axes, storage=hist.storage.Weight())
    found.fill(**filled, weight=weight)
    return found


def _category(events: EventSet, by: str, value: Any) -> str:
    names = events.geometry.classes
    if by == "label" and value in range(len(names)):
        return names[int(value)]
    return str(value)
