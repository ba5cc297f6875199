"""Observables of jets and shapes of showers, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from calovision.api.results import Table
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.reports.tables import with_error

CHUNK = 2000  #: events in memory at a time
SHAPES_FROM = 25  #: pixels along each side of the smallest image with shower shapes


class Observables(Mapping[str, NDArray[np.float64]]):
    """Observables by name, ``(n,)`` each.

    Args:
        columns: name to ``(n,)``.
        units: of those that have one.
        classes: class names to masks ``(n,)``, for the table.

    Attributes:
        units: name to unit; empty for pure numbers.
    """

    def __init__(
        self,
        columns: dict[str, NDArray[np.float64]],
        units: Mapping[str, str],
        classes: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        self._columns, self._classes = columns, classes
        self.units = {name: units.get(name, "") for name in columns}

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self._columns:
            raise KeyError(f"{name} (there are {', '.join(self)})")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def table(self) -> Table:
        """A row per observable: its unit, and the mean of each class with its error."""
        rows: list[tuple[str, ...]] = []
        for name, values in self.items():
            means = [_mean(values[mask]) for mask in self._classes.values()]
            rows.append((name, self.units[name], *means))
        return Table(("observable", "unit", *self._classes), rows)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def observables(events: EventSet) -> Observables:
    """Observables of jets or crops from their hits; sets on disk are read in flat memory.

    Of jets, per channel such as ``ecal``: ``n_hit_ecal`` (hits), ``sum_e_ecal``, ``max_e_ecal``
    (GeV), ``girth_ecal`` (rad), ``ptd_ecal``, ``core_ecal``; and ``pt``, ``mass`` (GeV), the share
    of the energy within 0.1, 0.2 and 0.4 rad (``profile_10``, ...), ``n_track`` and N-subjettiness
    (``tau1``, ``tau21``, ...). Of crops the same of their energies, ``mean_time`` and
    ``spread_time`` (ns), and shapes of showers: ``R9``, ``E1/E25``, ``sigma_ieta_ieta``,
    ``phi width`` (rad), ``E25`` (GeV) and others.

    Args:
        events: in memory or on disk.

    Returns:
        A mapping of names to arrays ``(n,)``, with ``units`` and a ``table()`` of the means of the
        classes; ``pandas.DataFrame(cv.observables(jets))`` makes a table of it with a row an event.

    Raises:
        InputError: a set on disk that is damaged.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(40, seed=1, quiet=True)
        >>> found = cv.observables(crops)
        >>> found["R9"].shape, found.units["E25"], found.table().header
        ((40,), 'GeV', ('observable', 'unit', 'photon', 'electron'))
    """
    from calovision.metrics.definitions import definition

    starts = range(0, max(len(events), 1), CHUNK)
    parts = [_of(events[start : start + CHUNK]) for start in starts]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    units = {name: definition(f"w1_{name}").unit for name in columns} | SHAPE_UNITS
    return Observables(columns, units, _classes(events))


#: units of the shapes of showers that have one
SHAPE_UNITS = {
    **dict.fromkeys(("E", "E9", "E25"), "GeV"),
    **dict.fromkeys(("crystals", "hard crystals"), "crystals"),
    **dict.fromkeys(("sigma_iphi_iphi", "sigma_ieta_iphi", "phi width", "phi mean"), "rad"),
}


def _of(events: Events) -> dict[str, NDArray[np.float64]]:
    """Observables of events in memory, the substructure of jets, and the shapes of showers."""
    from calovision.features.observables import observables as of_hits
    from calovision.features.shower_shapes import shower_shapes
    from calovision.features.substructure import n_subjettiness

    found, geometry = of_hits(events), events.geometry
    if geometry.schema == "jets":
        found |= n_subjettiness(events)
    elif min(geometry.rows, geometry.cols) >= SHAPES_FROM:
        found |= shower_shapes(events.to_dense()[:, geometry.channel_names.index("energy")])
    return found


def _classes(events: EventSet) -> dict[str, NDArray[np.bool_]]:
    """The events of each class, or all of them."""
    if "label" not in events.columns:
        return {"all": np.ones(len(events), np.bool_)}
    label, names = events.column("label"), events.geometry.classes
    return {
        names[k] if 0 <= k < len(names) else f"label {k}": label == k
        for k in np.unique(label).tolist()
    }


def _mean(values: NDArray[np.float64]) -> str:
    """Mean and its standard error, rounded."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return with_error(float(values.mean()), float(error))
