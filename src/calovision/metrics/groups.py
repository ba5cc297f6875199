"""Which metrics belong together: the tables of a report, in their order, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Metrics that answer one question, shown in one table.

    Attributes:
        title: the question.
        text: what somebody new to the field has to know to read the answers.
        by_channel: whether the values of single channels are shown too.
    """

    title: str
    text: str = ""
    by_channel: bool = True


ROTATION = Group(
    "How well digits are turned",
    "Held-out digits follow the flow; each image on the way is compared with true rotations. "
    "360 degrees are a whole turn; a 1 is itself again after 180.",
)
SUPERVISED = Group(
    "Turned by a supervised map",
    "A network that is shown pairs 30 degrees apart, composed to a whole turn.",
)
GENERATORS = Group(
    "Generators beside the rotation",
    "Three more flows that the oracle does not see: image changes after a path of 0.4 of the "
    "image's norm, and whether a classifier that knows nothing of the latent space still "
    "recognises the digit.",
)
OCCUPANCY = Group(
    "Which cells are lit",
    "A detector image is mostly empty, so the first question is whether the right pixels are "
    "lit. F1 is the harmonic mean of precision (how many reconstructed pixels are right) and "
    "recall (how many original pixels are found), summed over all jets: 1 is perfect, and a "
    "blank image scores 0. It is given for the exact pixel, with one pixel of tolerance, and "
    "with every pixel weighted by its energy.",
)
RESPONSE = Group(
    "How much energy",
    "The response is the mean of reconstructed over true energy, summed over a channel of a "
    "jet; 1 is perfect. The resolution is the spread of that ratio from jet to jet.",
)
DISPLACEMENT = Group(
    "How far the energy is misplaced",
    "The energy-mover distance of a jet is the least work, in GeV, that turns one energy "
    "pattern into the other: moving 1 GeV by 1 rad costs 1 GeV, and so does creating or "
    "removing 1 GeV. It is summed over the channels; 0 is perfect, and a blank image scores "
    "the whole energy of the jet.",
)
TWO_SAMPLES = Group(
    "Can they be told apart",
    "A classifier is trained to tell originals from reconstructions and tested on jets it has "
    "not seen. An area under the ROC curve (AUC) of 0.5 means that it cannot; 1.0 means that "
    "every reconstruction gives itself away.",
)
GENERATED = Group(
    "Are they the same jets",
    "Distances in all observables together, what a tagger learns from generated jets, and "
    "whether they are training jets once more.",
)
WHOLE = Group(
    "Is all of it there, and nothing else",
    "Measures of the whole set in all observables together: whether every kind of true event is "
    "made and no other, how observables go together, how likely it is that chance alone makes "
    "the sets differ, how events would have to be weighted to agree, and how many true events "
    "they are worth.",
)
LATENT = Group(
    "What the latent code knows",
    "A linear probe tells the classes apart using only the latent code of the model. The "
    "tagger on observables of the original jets shows what could be known. Higher is better; "
    "0.5 is guessing.",
)
CLASSIFICATION = Group("Classification", "How well the scores separate the two classes.")
DISTRIBUTIONS = Group(
    "Do the distributions agree",
    "The Wasserstein-1 distance (W1) is the area between two cumulative distributions, in "
    "the unit of the observable. The floor is what one half of the originals scores against "
    "the other half, the scatter of independent jets; reconstructions of the very same jets "
    "can go below it.",
)
PIXELWISE = Group(
    "Pixel-wise scores, and why not to trust them",
    "PSNR and SSIM compare images pixel by pixel. Detector images are so empty that a "
    "completely blank image scores very well; the rows of the blank and of the mean image "
    "show what a result has to beat before it means anything.",
    by_channel=False,
)
#: in the order of a page
GROUPS = (
    ROTATION,
    SUPERVISED,
    GENERATORS,
    OCCUPANCY,
    RESPONSE,
    DISPLACEMENT,
    TWO_SAMPLES,
    GENERATED,
    WHOLE,
    LATENT,
    CLASSIFICATION,
    DISTRIBUTIONS,
    PIXELWISE,
)
#: in ``results.json`` alone: a report has enough without them
UNREPORTED = Group("")
