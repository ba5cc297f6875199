"""Tables and picture of the electron/photon study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import by_auc, differences, draw_roc, markdown, number, quality, title

from calovision.models.config import load_config
from calovision.studies.egamma import BASELINE, SCALES, TASK, VALIDATION

OURS, RATE = "crop-net", "crops_per_s"
NAMES = {
    OURS: "**ours**",
    BASELINE: "published ResNet-15",
    "trees": "boosted trees on shower shapes",
}


def short(content: dict[str, Any]) -> str:
    """For the page of all results."""
    rows, keys = [], ("auc", "rejection_50", "ece")
    for m in by_auc(content["models"]):
        values = [number(m["metrics"][k]) for k in keys]
        rows.append((NAMES[m["model"]], *values, f"{m['budget']['wall_s'] / 60:.1f}"))
    return (
        markdown(("electron/photon", *map(title, keys), "minutes"), rows) + "\n\n" + _about(content)
    )


def _about(content: dict[str, Any]) -> str:
    ours = next(m for m in content["models"] if m["model"] == OURS)
    seeds = len(ours["seeds"]["auc"])
    return (
        f"{ours['data']['events']:,} simulated crops that no model has seen; scale "
        f"`{content['scale']}`; {'one seed' if seeds == 1 else f'mean over {seeds} seeds'}; errors:"
        " bootstrap over test crops. Each model on one thread of a shared machine."
    )


def _passes(content: dict[str, Any]) -> str:
    """How much of its published training the baseline had."""
    result = next(m for m in content["models"] if m["model"] == BASELINE)
    config = load_config(TASK, BASELINE)
    seen = result["budget"]["steps"] * config.batch
    training = SCALES[content["scale"]].training * (1 - VALIDATION)
    return (
        f"In its time the published ResNet-15 went through its training crops "
        f"{seen / training:.3g} times; its published training is {config.epochs:.0f} epochs."
    )


def _parts(content: dict[str, Any]) -> str:
    rows = content["parts"]["rows"]
    names = list(dict.fromkeys(r["part"] for r in rows))
    models = list(dict.fromkeys(r["model"] for r in rows))
    found = {(r["part"], r["model"]): r for r in rows}
    body = []
    for name in names:
        cells = [number(found[name, m]["auc"]) for m in models]
        body.append((name.replace("|", "\\|"), f"{found[name, models[0]]['crops']:,}", *cells))
    return markdown(("AUC of", "crops", *(NAMES[m] for m in models)), body)


def full(content: dict[str, Any]) -> str:
    """For the study's page."""
    parts = [
        quality(content["models"], NAMES, RATE),
        _about(content) + " Crops per second on one core, making of the batches included.",
        _passes(content),
        "On the same test crops (paired bootstrap):",
        differences(content, NAMES),
        "Among parts of them; parts by conversion hold all electrons:",
        _parts(content),
    ]
    return "\n\n".join(parts)


def draw(folder: Path) -> Any:
    """ROC curves of all models."""
    return draw_roc(folder, NAMES, OURS, ("photon", "electron"))
