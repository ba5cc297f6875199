"""What the metrics of the symmetry study are, in plain words."""

from __future__ import annotations

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
