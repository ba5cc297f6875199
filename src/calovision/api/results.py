"""Results: measured values with errors, floors, units and directions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.errors import InputError
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.reports.tables import floor_of, with_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GUESS = 0.5  # of a classifier that cannot tell two classes


class Table(list[tuple[str, ...]]):
    """Rows of text under a header; prints aligned, and shows as a table in a notebook.

    Args:
        header: names of the columns.
        rows: cells of each row.
    """

    def __init__(self, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        super().__init__(rows)
        self.header = header

    def __repr__(self) -> str:
        lines = [self.header, *self]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        return "\n".join(
            "  ".join(
                cell.rjust(w) if i else cell.ljust(w)
                for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    __str__ = __repr__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(h)}</th>" for h in self.header)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Results(Mapping[str, Metric]):
    """What was measured: metrics by name, and the facts behind them.

    ``results["fpd"]`` is a :class:`~calovision.metrics.value.Metric` with ``value``, ``error``,
    ``unit``, ``floor`` (what truth against truth reaches) and ``higher_is_better``.

    Args:
        content: as in ``results.json``: ``metrics`` and whatever else there is.

    Attributes:
        content: the same.

    Example:
        >>> found = Results({"metrics": {"auc": {"value": 0.8, "error": 0.01, "unit": "",
        ...     "floor": None, "higher_is_better": True}}})
        >>> found["auc"].value
        0.8
        >>> found.table()[0][:2]
        ('ROC AUC', '0.800 ± 0.010')
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._metrics = {name: Metric(**m) for name, m in content["metrics"].items()}

    @classmethod
    def read(cls, path: str | Path) -> Results:
        """Read a ``results.json``, or that of a run's folder.

        Raises:
            InputError: no such file, or another one.
        """
        place = Path(path)
        file = place / "results.json" if place.is_dir() else place
        try:
            return cls(json.loads(file.read_text()))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(
                f"no results in {file} ({error})", "measure the run with 'calovision evaluate'"
            ) from None

    def __getitem__(self, name: str) -> Metric:
        if name not in self._metrics:
            raise KeyError(f"{name} (there are {', '.join(self._metrics)})")
        return self._metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    @property
    def classes(self) -> dict[str, Results]:
        """The metrics of each class, where they were measured."""
        parts = self.content.get("classes", {})
        return {name: Results({"metrics": metrics}) for name, metrics in parts.items()}

    def table(self) -> Table:
        """A row per metric: what it is, value with error, unit, direction and floor."""
        rows: list[tuple[str, ...]] = []
        for name, m in self._metrics.items():
            about = definition(name, m.to_dict())
            value = with_error(m.value, m.error)
            rows.append((about.title, value, m.unit, about.better, floor_of([m.floor])))
        return Table(("metric", "value ± error", "unit", "better", "floor"), rows)

    def plot(self) -> Figure:
        """Distances in units of their floors and AUCs with their errors, one row a metric.

        Raises:
            InputError: there are no results.
        """
        from calovision.utils.picture import Picture

        if not any(m.value is not None for m in self._metrics.values()):
            raise InputError("there are no results to plot", "measure some metrics first")
        known = {k: m for k, m in self._metrics.items() if m.value is not None}
        ratios = {k: m for k, m in known.items() if "auc" not in k and m.floor}
        chances = {k: m for k, m in known.items() if "auc" in k}
        parts = [p for p in (ratios, chances) if p] or [known]
        rows = [len(p) for p in parts]
        figure = Picture(figsize=(6.4, 0.28 * sum(rows) + 1.1 * len(rows)), layout="constrained")
        axes = figure.subplots(len(parts), 1, squeeze=False, height_ratios=rows)[:, 0]
        for ax, part in zip(axes, parts, strict=True):
            _draw(ax, part, in_floors=part is ratios)
        return figure

    def to_json(self, path: str | Path | None = None) -> str:
        """The content as JSON text, also written to ``path`` if one is given."""
        return json_text(self.content, path)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def json_text(content: dict[str, Any], path: str | Path | None) -> str:
    """Content as JSON text, also written to ``path`` if one is given."""
    if path is not None:
        from calovision.utils.files import write_json

        write_json(Path(path), content)
    return json.dumps(content, indent=1)


def _draw(ax: Any, part: Mapping[str, Metric], *, in_floors: bool) -> None:
    """Points with error bars, the best at the top as they come."""
    units = [(m.floor or 1.0) if in_floors else 1.0 for m in part.values()]
    values = [m.value / u for m, u in zip(part.values(), units, strict=True)]
    errors = [(m.error or 0.0) / u for m, u in zip(part.values(), units, strict=True)]
    places = range(len(part))
    ax.errorbar(values, places, xerr=errors, fmt="o", markersize=4, capsize=2)
    ax.set_yticks(places, [definition(name).title for name in part], fontsize="small")
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    if in_floors:
        ax.axvline(1.0, color="grey", linestyle="--")
        ax.set_xlabel("distance / (truth against truth)")
    elif all("auc" in name for name in part):
        ax.axvline(_GUESS, color="grey", linestyle="--")
        ax.set_xlabel("AUC")
