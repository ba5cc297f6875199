"""What the metrics of the symmetry study are, in plain words."""

from __future__ import annotations

import re

_OF_DIGIT = {
    "cover": ("angle covered", "How far the digit turns before it falls back or jumps."),
    "complete": ("digits that come round", "Share that turns until it is itself again."),
    "r2": ("evenness of the turning", "Squared correlation of angle and time."),
    "fidelity": (
        "fidelity",
        "Structural similarity with the true rotation, over that of the VAE's reconstruction.",
    ),
    "rebuilt": (
        "the VAE's reconstruction",
        "Its structural similarity with the digit: what the fidelity is relative to.",
    ),
    "drift": ("oracle drift", "Mean change of the digit's own probability along the flow."),
    "closure": ("closure", "Relative distance of the image after a whole turn."),
    "rate": ("rate", "Degrees per unit of time."),
    "clock": ("distance from a clock", "Of the angle from one radian per unit of time."),
    "change": ("image change", "Relative, per unit of time; a trivial flow has none."),
    "excursion": ("largest image change", "Relative to the image; a trivial flow has none."),
    "map_fidelity": ("supervised fidelity", "After twelve steps of 30 degrees."),
    "map_closure": ("supervised closure", "Relative distance of the image after them."),
    "map_mse": ("supervised error of a step", "Squared, over the variance of latent means."),
}
_OF_SPACE = {
    "rate_gap": ("difference of the digits' rates", "Relative; one clock has none."),
    "trivial": ("trivial generators", "Share of generators that move images hardly."),
    "cos": ("largest |cos| of two generators", "Mean over images, in the pull-back metric."),
    "displacement_1": ("second generator: image change", "Relative, modulo rotation."),
    "displacement_2": ("third generator: image change", "Relative, modulo rotation."),
    "displacement_3": ("fourth generator: image change", "Relative, modulo rotation."),
    "frame_drift": ("four generators: oracle drift", "Of the three beside the rotation."),
    "frame_accuracy": ("four generators: classifier", "Accuracy on the moved digits."),
    "frame_cos": ("four generators: largest |cos|", "Of two of them, mean over images."),
}


#: kinds of motions of the plane; of events that have no symmetry of their own
_MOTIONS = {
    "eighth_turn": "turned by 45 degrees",
    "quarter_turn": "turned by 90 degrees",
    "half_turn": "turned by 180 degrees",
    "eta_mirrored": "mirrored in eta",
    "phi_mirrored": "mirrored in phi",
    "flow": "moved along the discovered flow",
}


def words_of(key: str) -> tuple[str, str] | None:
    """Label and explanation of a key, of any digit and latent dimension; none if it is unknown."""
    kind, _, motion = key.partition("_")
    if kind in ("seen", "shift") and motion in _MOTIONS:
        moved = _MOTIONS[motion]
        if kind == "seen":
            text = "AUC of a network that tells moved events from others; 0.5 if it cannot."
            return f"told when {moved}", text
        return f"change of the score when {moved}", "Mean change of a tagger's probability."
    for stem, (label, text) in _OF_SPACE.items():
        if (found := re.fullmatch(rf"{stem}_d(\d+)", key)) is not None:
            return f"d = {found[1]}: {label}", text
    for stem, (label, text) in _OF_DIGIT.items():
        if (found := re.fullmatch(rf"{stem}(?:_(\d+))?(?:_d(\d+))?", key)) is not None:
            of = ", ".join(
                ([found[1]] if found[1] else []) + ([f"d = {found[2]}"] if found[2] else [])
            )
            return f"{of}: {label}" if of else label, text
    return None


def symmetry_words() -> dict[str, tuple[str, str]]:
    """Metric key to label and explanation, by latent dimension and digit."""
    words = {}
    for latent in (5, 2):
        for digit in (1, 2):
            for key, (label, text) in _OF_DIGIT.items():
                words[f"{key}_{digit}_d{latent}"] = (f"{digit}, d = {latent}: {label}", text)
        for key, (label, text) in _OF_SPACE.items():
            words[f"{key}_d{latent}"] = (f"d = {latent}: {label}", text)
    return words
