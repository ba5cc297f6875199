"""Parts that the reports of several studies share: metric tables, curves, captions, facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.events.geometry import JET_IMAGES
from calovision.reports.glossary import CHANNELS, GROUPS, keys_of, meaning, split_key
from calovision.reports.html import Section
from calovision.reports.plots import general as figures
from calovision.reports.sources import OURS, Source
from calovision.reports.tables import Table, metric_table

HIDDEN = ("occupancy_precision", "occupancy_recall")


@dataclass(frozen=True)
class Study:
    """How one kind of study is reported.

    Attributes:
        title: heading of its page.
        summary: one or two sentences under it.
        comparison: one more, where a baseline was measured beside ours.
        headline: the metrics that matter, most important first; the first three that were
            measured are shown.
        sections: makes the parts of the page.
    """

    title: str
    summary: str
    comparison: str
    headline: tuple[str, ...]
    sections: Callable[[Source], list[Section]]


def metric_groups(source: Source) -> Iterable[Section]:
    """A table for every group of metrics of the glossary, and one for the rest."""
    available = {k for result in source.models.values() for k in result["metrics"]}
    left = {k for k in available if not k.startswith(HIDDEN)}
    for group in GROUPS:
        keys = keys_of(group, available)
        left -= set(keys)
        if group.stems[0] == "psnr":
            left -= {k for k in left if k.startswith(("psnr", "ssim"))}
        if keys:
            yield Section(group.title, group.text, tables=[_table(source, keys)])
    if left:
        yield Section("Other numbers", tables=[_table(source, sorted(left))])


def _table(source: Source, keys: list[str]) -> Table:
    return metric_table(source.models, keys, source.floor)


def curves(source: Source) -> Section | None:
    """Losses, and the AUC where it was followed, against training time, if a log was kept."""
    if not source.curves:
        return None
    figure = figures.loss_curves(source.curves)
    drawn = [(figure, "Training and validation loss.")]
    if any(row.get("val_auc") is not None for rows in source.curves.values() for row in rows):
        drawn.append((figures.auc_curves(source.curves), "Validation AUC, look by look."))
    text = (
        "Losses of different models are different functions: compare their shapes, not their "
        "heights."
    )
    return Section("Training", text, drawn, paired=len(drawn) > 1)


def jet_caption(columns: dict[str, Any], index: int) -> str:
    """Class, momentum and mass of an example, as far as they are known."""
    words = []
    if "label" in columns:
        words.append(f"{JET_IMAGES.classes[int(columns['label'][index])]} jet")
    if "pt" in columns:
        words.append(f"pT {columns['pt'][index]:.0f} GeV")
    if "m0" in columns:
        words.append(f"m0 {columns['m0'][index]:.1f} GeV")
    return upper(", ".join(words))


def upper(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def observable(name: str) -> tuple[str, str]:
    """Label and unit of an observable's name, such as ``sum_e_ecal``."""
    stem, channel = split_key(f"w1_{name}")
    stem = stem.removeprefix("w1_")
    label = meaning(f"w1_{stem}").label.removeprefix("W1 of ").removeprefix("the ")
    in_gev = ("sum_e", "max_e", "hit_energy", "mass", "pt", "column_m0", "column_pt")
    others = {"girth": "rad", "mean": "ns", "spread": "ns", "hit": "ns"}
    unit = "GeV" if stem in in_gev else others.get(stem, "")
    return f"{CHANNELS.get(channel, channel)} {label}" if channel else label, unit


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
