"""How numbers stand in the tables of README and docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calovision.metrics.classification import QUALITY
from calovision.metrics.definitions import definition

HUGE = 1e5  #: from here on the order of magnitude says it all


def number(metric: dict[str, Any] | None) -> str:
    """A measured value with its error, two digits of it."""
    if metric is None or metric["value"] is None:
        return "-"
    value, error = metric["value"], metric["error"] or 0.0
    digits = 3
    while error and digits < 6 and error < 10 ** (1 - digits):
        digits += 1
    unit = f" {metric['unit']}" if metric["unit"] else ""
    if abs(value) >= HUGE:
        return f"{value:.2e}{unit}"
    if not error:
        return f"{value:.3f}{unit}"
    return f"{value:.{digits}f} ± {error:.{digits}f}{unit}"


def title(key: str) -> str:
    """What a metric is, and which way is better."""
    about = definition(key)
    return f"{about.title} {about.arrow}"


def short_title(key: str) -> str:
    """The same for the head of a column."""
    about = definition(key)
    return f"{about.short} {about.arrow}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def provenance(table: Callable[[dict[str, Any]], str], content: dict[str, Any]) -> str:
    """A table with the events and versions that its numbers are of."""
    result = content["models"][0]
    names = ("calovision", "torch", "python")
    versions = ", ".join(f"{n} {result['versions'][n]}" for n in names)
    about = f"Test set `{result['data']['hash'][:12]}`; {versions}."
    return f"{table(content)}\n\n{about}"


def by_auc(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models of a classifier study, the best first."""
    return sorted(models, key=lambda m: -float(m["metrics"]["auc"]["value"]))


def quality(models: list[dict[str, Any]], names: Mapping[str, str], rate: str) -> str:
    """What all classifiers reach and cost; ``rate`` is the metric of their speed."""
    head = ("", *map(short_title, QUALITY))
    more = ("parameters", "minutes", rate.replace("_per_", "/"))
    rows = []
    for m in by_auc(models):
        budget = m["budget"]
        size = f"{budget['parameters']:,}" if "parameters" in budget else "-"
        speed = f"{m['metrics'][rate]['value']:,.0f}"
        values = [number(m["metrics"][k]) for k in QUALITY]
        rows.append((names[m["model"]], *values, size, f"{budget['wall_s'] / 60:.1f}", speed))
    return markdown((*head, *more), rows)


def differences(content: dict[str, Any], names: Mapping[str, str]) -> str:
    """Paired differences of the AUC."""
    rows = [
        (names[d["b"]], number(d | {"unit": ""}), f"{d['value'] / d['error']:.1f}")
        for d in content["differences"]
    ]
    return markdown(("ours minus", "AUC", "sigma"), rows)


def draw_roc(folder: Path, names: Mapping[str, str], ours: str, classes: tuple[str, str]) -> Any:
    """ROC curves of all classifiers of a study; ``classes`` are background and signal."""
    import matplotlib.pyplot as plt
    from sklearn.metrics import roc_curve

    with np.load(folder / "scores.npz", allow_pickle=False) as arrays:
        label = arrays["label"]
        scores = {k.partition("/")[2]: arrays[k] for k in arrays.files if k.startswith("score/")}
    figure, axes = plt.subplots(figsize=(7, 5))
    for model, score in scores.items():
        false, true, _ = roc_curve(label, score)
        keep = (true > 0.05) & (false > 0)
        name = names[model].replace("*", "")
        line = {"linewidth": 2.2, "color": "black"} if model == ours else {"linewidth": 1.2}
        axes.plot(true[keep], 1 / false[keep], label=name, **line)
    background, signal = classes
    axes.set(
        yscale="log",
        xlabel=f"{signal} efficiency",
        ylabel=f"{background} rejection 1/eps_B",
        xlim=(0, 1),
    )
    axes.legend(fontsize=8)
    return figure
