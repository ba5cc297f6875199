"""Parts that the reports of several studies share: metric tables, curves, captions, facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.events.events import Events
from calovision.metrics.definitions import definition, grouped, observable
from calovision.reports.html import Section
from calovision.reports.plots import general as figures
from calovision.reports.sources import OURS, Source
from calovision.reports.tables import metric_table


@dataclass(frozen=True)
class Study:
    """How one kind of study is reported.

    The texts may name ``{background}`` and ``{signal}``, the classes of its events, and their
    ``{channels}`` and ``{pixels}``.

    Attributes:
        title: heading of its page.
        summary: one or two sentences under it.
        comparison: one more, where a baseline was measured beside ours.
        headline: the metrics that matter, most important first; the first three that were
            measured are shown.
        parts: makes the parts of the page; ``None`` where there is no material for one.
    """

    title: str
    summary: str
    comparison: str
    headline: tuple[str, ...]
    parts: Callable[[Source], Iterable[Section | None]]

    def sections(self, source: Source) -> list[Section]:
        """All parts of the page that the source has material for."""
        return [part for part in self.parts(source) if part is not None]


def metric_groups(source: Source) -> Iterator[Section]:
    """A table for every group of metrics, and one for the rest."""
    available = dict.fromkeys(k for result in source.models.values() for k in result["metrics"])
    for group, keys in grouped(available).items():
        table = metric_table(source.models, keys, source.floor)
        if group is None:
            yield Section("Other numbers", tables=[table])
        else:
            yield Section(group.title, group.text, tables=[table])


def other_numbers(source: Source) -> Iterator[Section]:
    """A table of the metrics that belong to no group, if there are any."""
    return (section for section in metric_groups(source) if section.title == "Other numbers")


def explanations(keys: Iterable[str]) -> Section:
    """What the numbers of a page mean."""
    found = [definition(key) for key in keys]
    return Section("What the numbers mean", terms={d.title: d.explanation for d in found})


def measured_keys(source: Source, wanted: Iterable[str]) -> list[str]:
    """Those of some metrics that a model has."""
    return [key for key in wanted if any(key in r["metrics"] for r in source.models.values())]


def curves(source: Source) -> Section | None:
    """Losses, and the AUC where it was followed, against training time, if a log was kept."""
    if not source.curves:
        return None
    drawn = [(figures.loss_curves(source.curves), "Training and validation loss.")]
    if any(row.get("val_auc") is not None for rows in source.curves.values() for row in rows):
        drawn.append((figures.auc_curves(source.curves), "Validation AUC, look by look."))
    text = (
        "Losses of different models are different functions: compare their shapes, not their "
        "heights."
    )
    return Section("Training", text, drawn)


def jet_caption(events: Events, index: int) -> str:
    """Class, momentum and mass of an example, as far as they are known."""
    columns, words = events.columns, []
    if "label" in columns:
        words.append(f"{events.geometry.classes[int(columns['label'][index])]} jet")
    if "pt" in columns:
        words.append(f"pT {columns['pt'][index]:.0f} GeV")
    if "m0" in columns:
        words.append(f"m0 {columns['m0'][index]:.1f} GeV")
    return upper(", ".join(words))


def upper(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def observable_title(name: str) -> str:
    """Label of an observable such as ``sum_e_ecal``, for a row of a table or figure."""
    return upper(observable(name)[0])


def facts(source: Source) -> dict[str, str]:
    """Data, seed, time and versions, as they stand in the results."""
    found: dict[str, str] = {}
    if source.scale:
        found["Study"] = f"{source.name}, scale {source.scale}"
    shared = next(iter(source.models.values()))
    data = shared.get("data", {})
    if data:
        place = "/".join(Path(str(data.get("path", ""))).parts[-2:])
        found["Data"] = f"{data.get('events', '?'):,} events of {place}"
        found["Split"] = str(data.get("split", ""))
        found["Data hash"] = str(data.get("hash", ""))[:16]
    found["Seed"] = str(shared.get("seed", ""))
    for shown, result in source.models.items():
        name = f"{shown} ({result['model']})" if shown == OURS else shown
        found[f"Model {name}"] = _budget(result.get("budget", {}))
    versions = shared.get("versions", {})
    found["Versions"] = ", ".join(f"{k} {v}" for k, v in versions.items())
    return {k: v for k, v in found.items() if v}


def _budget(budget: dict[str, Any]) -> str:
    """Parameters, time and device of a training in words, and what is doubtful about it."""
    words = []
    if budget.get("parameters"):
        words.append(f"{budget['parameters']:,} parameters")
    if budget.get("wall_s"):
        words.append(f"trained for {budget['wall_s'] / 60:.1f} min")
    if budget.get("cpu_s"):
        words.append(f"{budget['cpu_s'] / 60:.1f} min of CPU time")
    if budget.get("device"):
        words.append(f"on {budget['device']}")
    return "; warning: ".join([", ".join(words), *budget.get("warnings", [])])
