"""Tables and picture of the jet VAE study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown, number

CHANNELS = ("track", "ecal", "hcal")
SHORT = [
    ("occupancy_f1_{c}", "{C}: right pixels (F1)"),
    ("emd", "energy-mover distance"),
    ("classifier_auc", "AUC, trees tell it from the original (0.5: cannot)"),
]
LONG = [
    ("occupancy_f1_{c}", "{C}: F1, exact pixel"),
    ("occupancy_f1_near_{c}", "{C}: F1, within one pixel"),
    ("occupancy_f1_energy_{c}", "{C}: F1, weighted by energy"),
    ("response_{c}", "{C}: energy response"),
    ("resolution_{c}", "{C}: energy resolution"),
    ("emd", "energy-mover distance"),
    ("emd_{c}", "{C}: energy-mover distance"),
    ("classifier_auc", "AUC of trees, original or not"),
    ("classifier_auc_hits", "AUC of a network on hits, original or not"),
    ("probe_auc", "quark/gluon AUC, linear probe of the code"),
    ("tagger_auc", "quark/gluon AUC, trees on the originals"),
    ("psnr", "PSNR"),
    ("psnr_blank", "PSNR of a blank image"),
    ("psnr_mean", "PSNR of the mean image"),
    ("ssim", "SSIM"),
    ("ssim_blank", "SSIM of a blank image"),
    ("ssim_mean", "SSIM of the mean image"),
]


def _rows(keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keys and titles with every channel's own."""
    out = []
    for key, title in keys:
        names = {"track": "Track", "ecal": "ECAL", "hcal": "HCAL"}
        channels = CHANNELS if "{c}" in key else ("",)
        out += [(key.format(c=c), title.format(C=names.get(c, ""))) for c in channels]
    return out


def _table(comparison: dict[str, Any], keys: list[tuple[str, str]]) -> str:
    """A Markdown table of ours beside the baseline, and what it was measured on."""
    results = {r["model"]: r for r in comparison["models"]}
    ours, base = results["point"], results["baseline"]
    lines = [
        (title, number(ours["metrics"].get(key)), number(base["metrics"].get(key)))
        for key, title in _rows(keys)
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
