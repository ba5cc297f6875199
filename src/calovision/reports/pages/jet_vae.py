"""The report of the jet VAE.

Beside what every study has (see :mod:`calovision.reports.sources`) it draws::

    latent.npz          coordinates (n, 2), label (n,), and any other (n,) arrays by name
    distributions.npz   arrays named "OBSERVABLE/SAMPLE", for example "sum_e_ecal/original"
    responses.npz       arrays named "CHANNEL/MODEL": reconstructed over true summed energy
"""

from __future__ import annotations

from calovision.events.geometry import JET_IMAGES
from calovision.reports.html import Section
from calovision.reports.pages.common import (
    Study,
    curves,
    jet_caption,
    metric_groups,
    observable,
    upper,
)
from calovision.reports.plots import general as figures
from calovision.reports.plots.images import originals_vs_reconstructions
from calovision.reports.sources import ORIGINAL, Source
from calovision.reports.view import frame

EXAMPLES_SHOWN = 4  #: jets drawn
#: label and unit of the arrays that colour the latent map
LATENT_COLUMNS = {"pt": ("jet pT", "GeV"), "multiplicity": ("hits in the image", "")}


def sections(source: Source) -> list[Section]:
    """All parts that the source has material for, pictures first."""
    parts = [
        _examples(source),
        *metric_groups(source),
        _responses(source),
        _distributions(source),
        _latent(source),
        curves(source),
    ]
    return [p for p in parts if p is not None]


def _examples(source: Source) -> Section | None:
    original = source.examples.get(ORIGINAL)
    others = {k: v for k, v in source.examples.items() if k != ORIGINAL}
    if original is None or not others:
        return None
    drawn = []
    for index in range(min(EXAMPLES_SHOWN, len(original))):
        figure = originals_vs_reconstructions(original, others, index)
        drawn.append((figure, jet_caption(original.columns, index)))
    return Section(
        "Originals and reconstructions",
        "In the pictures below the display, each column is one image, each row one detector layer; "
        "the last row shows all layers at once (tracks orange, ECAL blue, HCAL purple). Colour is "
        "the energy of a pixel in GeV on a logarithmic scale that the original sets for its row; "
        "black pixels are exactly empty.",
        drawn,
        paired=False,
        widget=frame("Originals and reconstructions, event by event", source.examples),
    )


def _responses(source: Source) -> Section | None:
    responses = source.nested("responses.npz")
    if not responses:
        return None
    figure = figures.response_histogram(responses)
    caption = "Ratio of summed energies per jet; jets outside the range are in the end bins."
    return Section("Response, jet by jet", figures=[(figure, caption)])


def _distributions(source: Source) -> Section | None:
    distributions = source.nested("distributions.npz")
    if not distributions:
        return None
    drawn = []
    for name, samples in distributions.items():
        label, unit = observable(name)
        log = name.startswith(("hit_energy", "max_e"))
        figure = figures.distribution(samples, label=label, unit=unit, log=log)
        drawn.append((figure, upper(f"{label}, originals against reconstructions.")))
    return Section("Distributions", "Shaded: the originals. Below: ratio to them.", drawn)


def _latent(source: Source) -> Section | None:
    latent = source.arrays("latent.npz")
    if not {"coordinates", "label"} <= latent.keys():
        return None
    place, label = latent.pop("coordinates"), latent.pop("label")
    drawn = [
        (
            figures.latent_map(place, label, title="class", classes=JET_IMAGES.classes),
            "Latent means of held-out jets, coloured by class.",
        )
    ]
    for name, values in latent.items():
        title, unit = LATENT_COLUMNS.get(name, (name, ""))
        figure = figures.latent_map(place, values, title=title, unit=unit)
        drawn.append((figure, f"The same, coloured by {title}."))
    text = (
        "Every point is a jet, placed by the two directions in which the latent code varies most "
        "(principal components). Colour shows what the code has learned without being told."
    )
    return Section("Map of the latent space", text, drawn)


STUDY = Study(
    "Jet VAE: compressing jet images",
    "A variational autoencoder squeezes a detector image of a jet (track, ECAL and "
    "HCAL; 46,875 pixels, nearly all of them empty) into a short code and rebuilds the image "
    "from it.",
    "Ours is compared with the published baseline on the same jets, trained for the same time.",
    ("occupancy_f1_ecal", "emd", "classifier_auc"),
    sections,
)
