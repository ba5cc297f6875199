"""Tables and picture of the jet VAE study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown, number, title

from calovision.events.geometry import JET_IMAGES

SHORT = ("occupancy_f1_{c}", "emd", "classifier_auc_strictest")
LONG = (
    "occupancy_f1_{c}",
    "occupancy_f1_near_{c}",
    "occupancy_f1_energy_{c}",
    "response_{c}",
    "resolution_{c}",
    "emd",
    "emd_{c}",
    "classifier_auc_strictest",
    "classifier_auc",
    "classifier_auc_patterns",
    "classifier_auc_cells",
    "classifier_auc_hits",
    "probe_auc",
    "tagger_auc",
    "psnr",
    "psnr_blank",
    "psnr_mean",
    "ssim",
    "ssim_blank",
    "ssim_mean",
)


def _table(comparison: dict[str, Any], keys: tuple[str, ...]) -> str:
    """A Markdown table of ours beside the baseline, and what it was measured on."""
    results = {r["model"]: r for r in comparison["models"]}
    ours, base = results["point"], results["baseline"]
    channels = JET_IMAGES.channel_names
    every = dict.fromkeys(key.format(c=c) for key in keys for c in channels)
    lines = [
        (title(key), number(ours["metrics"].get(key)), number(base["metrics"].get(key)))
        for key in every
    ]
    spent = " and ".join(f"{r['budget']['wall_s'] / 60:.0f}" for r in (ours, base))
    about = (
        f"{ours['data']['events']:,} simulated jets that no model has seen; scale "
        f"`{comparison['scale']}`, seed {ours['seed']}; {ours['budget']['latent_numbers']:,} and "
        f"{base['budget']['latent_numbers']:,} latent numbers; trained for {spent} minutes on "
        f"{ours['budget']['device']}, two cores."
    )
    return markdown(("", "ours", "published baseline"), lines) + "\n\n" + about


def short(content: dict[str, Any]) -> str:
    """For the page of all results."""
    return _table(content, SHORT)


def full(content: dict[str, Any]) -> str:
    """For the study's page."""
    return _table(content, LONG)


def draw(folder: Path) -> Any:
    """The first example of a study, original and reconstructions."""
    from calovision.events.store import EventStore
    from calovision.reports.plots.images import originals_vs_reconstructions

    original = EventStore.open(folder / "examples" / "original").load()
    names = {"ours": "point", "baseline": "baseline"}
    made = {k: EventStore.open(folder / "examples" / m).load() for k, m in names.items()}
    return originals_vs_reconstructions(original, made, 0)
