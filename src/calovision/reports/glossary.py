"""What a metric's key stands for, channel by channel, and which metrics belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from calovision.metrics.definitions import MEANINGS, Meaning
from calovision.metrics.symmetry_definitions import symmetry_words, words_of

CHANNELS = {"track": "Track", "ecal": "ECAL", "hcal": "HCAL", "energy": "energy", "time": "time"}
REFERENCES = {"_blank": "blank image", "_mean": "mean image"}


#: metrics that exist for every channel of a set, under these names and the channel's
PER_CHANNEL = (
    *(k for k in MEANINGS if k.startswith(("occupancy_", "response", "resolution"))),
    *(f"{k}{of}" for k in ("psnr", "ssim") for of in ("", *REFERENCES)),
    "emd",
    *(f"w1_{k}" for k in ("hit_energy", "hit", "n_hit", "sum_e", "max_e", "girth", "ptd", "core")),
    *(f"w1_{k}" for k in ("mean", "spread")),
)


@dataclass(frozen=True)
class Group:
    """Metrics that answer one question, shown in one table."""

    title: str
    text: str
    stems: tuple[str, ...]


SYMMETRY = tuple(symmetry_words())

GROUPS = (
    Group(
        "How well digits are turned",
        "Held-out digits follow the flow; each image on the way is compared with true rotations. "
        "360 degrees are a whole turn; a 1 is itself again after 180.",
        tuple(k for k in SYMMETRY if not k.startswith(("map_", "frame_", "displacement_"))),
    ),
    Group(
        "Turned by a supervised map",
        "A network that is shown pairs 30 degrees apart, composed to a whole turn.",
        tuple(k for k in SYMMETRY if k.startswith("map_")),
    ),
    Group(
        "Generators beside the rotation",
        "Three more flows that the oracle does not see: image changes after a path of 0.4 of the "
        "image's norm, and whether a classifier that knows nothing of the latent space still "
        "recognises the digit.",
        tuple(k for k in SYMMETRY if k.startswith(("frame_", "displacement_"))),
    ),
    Group(
        "Which cells are lit",
        "A detector image is mostly empty, so the first question is whether the right pixels are "
        "lit. F1 is the harmonic mean of precision (how many reconstructed pixels are right) and "
        "recall (how many original pixels are found), summed over all jets: 1 is perfect, and a "
        "blank image scores 0. It is given for the exact pixel, with one pixel of tolerance, and "
        "with every pixel weighted by its energy.",
        (
            "occupancy_f1",
            "occupancy_f1_near",
            "occupancy_f1_energy",
            "occupancy_precision",
            "occupancy_recall",
        ),
    ),
    Group(
        "How much energy",
        "The response is the mean of reconstructed over true energy, summed over a channel of a "
        "jet; 1 is perfect. The resolution is the spread of that ratio from jet to jet.",
        ("response", "resolution", "resolution68"),
    ),
    Group(
        "How far the energy is misplaced",
        "The energy-mover distance of a jet is the least work, in GeV, that turns one energy "
        "pattern into the other: moving 1 GeV by 1 rad costs 1 GeV, and so does creating or "
        "removing 1 GeV. It is summed over the channels; 0 is perfect, and a blank image scores "
        "the whole energy of the jet.",
        ("emd",),
    ),
    Group(
        "Can they be told apart",
        "A classifier is trained to tell originals from reconstructions and tested on jets it has "
        "not seen. An area under the ROC curve (AUC) of 0.5 means that it cannot; 1.0 means that "
        "every reconstruction gives itself away.",
        ("classifier_auc", "classifier_auc_hits", "classifier_auc_transformer"),
    ),
    Group(
        "Are they the same jets",
        "Distances in all observables together, what a tagger learns from generated jets, and "
        "whether they are training jets once more.",
        ("fpd", "kpd", "tagger_auc_ratio", "memorised", "copied"),
    ),
    Group(
        "What the latent code knows",
        "A linear probe tells quark from gluon jets using only the latent code of the model. The "
        "tagger on observables of the original jets shows what could be known. Higher is better; "
        "0.5 is guessing.",
        ("probe_auc", "tagger_auc"),
    ),
    Group(
        "Classification",
        "How well the scores separate the two classes.",
        ("auc", "accuracy", "rejection_30", "rejection_50", "ece", "jets_per_s", "sculpting"),
    ),
    Group(
        "Do the distributions agree",
        "The Wasserstein-1 distance (W1) is the area between two cumulative distributions, in "
        "the unit of the observable. The floor is what one half of the originals scores against "
        "the other half, the scatter of independent jets; reconstructions of the very same jets "
        "can go below it.",
        tuple(k for k in MEANINGS if k.startswith("w1_")),
    ),
    Group(
        "Pixel-wise scores, and why not to trust them",
        "PSNR and SSIM compare images pixel by pixel. Detector images are so empty that a "
        "completely blank image scores very well; the rows of the blank and of the mean image "
        "show what a result has to beat before it means anything.",
        ("psnr", "psnr_blank", "psnr_mean", "ssim", "ssim_blank", "ssim_mean"),
    ),
)


def split_key(key: str) -> tuple[str, str]:
    """A metric key as its stem and its channel (empty where it has none)."""
    if key in MEANINGS or key in PER_CHANNEL:
        return key, ""
    stems = [stem for stem in PER_CHANNEL if key.startswith(f"{stem}_")]
    stem = max(stems, key=len, default=key)
    return stem, key.removeprefix(stem).removeprefix("_")


def meaning(key: str) -> Meaning:
    """What the metric of a ``results.json`` key means; an unknown key stands for itself."""
    stem, channel = split_key(key)
    of = ""
    for suffix, name in REFERENCES.items():
        if stem.removesuffix(suffix) in ("psnr", "ssim") and stem.endswith(suffix):
            stem, of = stem.removesuffix(suffix), f" of the {name}"
    words = words_of(key) or (stem.replace("_", " "), "")
    found = MEANINGS.get(stem, Meaning(*words, ratio=False))
    prefix = f"{CHANNELS.get(channel, channel)}: " if channel else ""
    return replace(found, label=f"{prefix}{found.label}{of}")


def keys_of(group: Group, available: set[str]) -> list[str]:
    """The metrics of a group that a result has, by stem and then by channel."""
    wanted = [f"{s}{c}" for s in group.stems for c in ("", *(f"_{x}" for x in CHANNELS))]
    if group.stems[0] == "psnr":
        wanted = list(group.stems)
    return [key for key in wanted if key in available]
