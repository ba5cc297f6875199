"""Write the results of a finished study into README.md and docs/, from its files.

Run from the root of the checkout:

    python docs/write_results.py STUDY_FOLDER      # e.g. one of --scale standard
    python docs/write_results.py                   # the tables again, from docs/results
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "jet-vae.json"
PICTURE = ROOT / "docs" / "images" / "jet-vae.png"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
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


def number(metric: dict[str, Any] | None) -> str:
    """A measured value with its error, two digits of it."""
    if metric is None or metric["value"] is None:
        return "-"
    value, error = metric["value"], metric["error"] or 0.0
    digits = 3
    while error and digits < 6 and error < 10 ** (1 - digits):
        digits += 1
    unit = f" {metric['unit']}" if metric["unit"] else ""
    if not error:
        return f"{value:.3f}{unit}"
    return f"{value:.{digits}f} ± {error:.{digits}f}{unit}"


def rows(keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keys and titles with every channel's own."""
    out = []
    for key, title in keys:
        names = {"track": "Track", "ecal": "ECAL", "hcal": "HCAL"}
        channels = CHANNELS if "{c}" in key else ("",)
        out += [(key.format(c=c), title.format(C=names.get(c, ""))) for c in channels]
    return out


def table(comparison: dict[str, Any], keys: list[tuple[str, str]]) -> str:
    """A Markdown table of ours beside the baseline, and what it was measured on."""
    results = {r["model"]: r for r in comparison["models"]}
    ours, base = results["point"], results["baseline"]
    lines = ["| | ours | published baseline |", "| --- | --- | --- |"]
    lines += [
        f"| {title} | {number(ours['metrics'].get(key))} | {number(base['metrics'].get(key))} |"
        for key, title in rows(keys)
    ]
    spent = " and ".join(f"{r['budget']['wall_s'] / 60:.0f}" for r in (ours, base))
    about = (
        f"{ours['data']['events']:,} simulated jets that no model has seen; scale "
        f"`{comparison['scale']}`, seed {ours['seed']}; {ours['budget']['latent_numbers']:,} and "
        f"{base['budget']['latent_numbers']:,} latent numbers; trained for {spent} minutes on "
        f"{ours['budget']['device']}, two cores."
    )
    return "\n".join([*lines, "", about])


def fill(page: Path, text: str) -> None:
    """Put ``text`` between the markers of ``page``."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def store(study: Path) -> None:
    """Keep the comparison of a study and a picture of its first examples."""
    from calovision.events.store import EventStore
    from calovision.report.images import originals_vs_reconstructions

    STORED.parent.mkdir(exist_ok=True)
    PICTURE.parent.mkdir(exist_ok=True)
    comparison = json.loads((study / "comparison.json").read_text())
    for result in comparison["models"]:
        result["data"].pop("path")
    STORED.write_text(json.dumps(comparison, indent=1) + "\n")
    original = EventStore.open(study / "examples" / "original").load()
    names = {"ours": "point", "baseline": "baseline"}
    made = {k: EventStore.open(study / "examples" / m).load() for k, m in names.items()}
    figure = originals_vs_reconstructions(original, made, 0)
    figure.savefig(PICTURE, dpi=90, bbox_inches="tight")


def main() -> None:
    """Store the study if one is given, then write every table."""
    if len(sys.argv) > 1:
        store(Path(sys.argv[1]))
    comparison = json.loads(STORED.read_text())
    fill(ROOT / "README.md", table(comparison, SHORT))
    fill(ROOT / "docs" / "jet-vae.md", table(comparison, LONG))


if __name__ == "__main__":
    main()
