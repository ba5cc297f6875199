"""The report of the jet VAE.

Beside what every study has (see :mod:`calovision.reports.sources`) it draws::

    latent.npz          coordinates (n, 2), label (n,), and any other (n,) arrays by name
    distributions.npz   arrays named "OBSERVABLE/SAMPLE", for example "sum_e_ecal/original"
    responses.npz       arrays named "CHANNEL/MODEL": reconstructed over true summed energy
"""

from __future__ import annotations

from collections.abc import Iterator

from calovision.metrics.definitions import observable
from calovision.reports.html import Section
from calovision.reports.pages.common import Study, curves, jet_caption, metric_groups, upper
from calovision.reports.pages.judges import judges
from calovision.reports.plots import general as figures
from calovision.reports.plots.images import colours_in_words, originals_vs_reconstructions
from calovision.reports.sources import ORIGINAL, Source
from calovision.reports.view import frame

EXAMPLES_SHOWN = 4  #: jets drawn
#: label and unit of the arrays that colour the latent map
LATENT_COLUMNS = {"pt": ("jet pT", "GeV"), "multiplicity": ("hits in the image", "")}


def _parts(source: Source) -> Iterator[Section | None]:
    yield _examples(source)
    yield from metric_groups(source)
    yield judges(source)
    yield _responses(source)
    yield _distributions(source)
    yield _latent(source)
    yield curves(source)


def _examples(source: Source) -> Section | None:
    original = source.examples.get(ORIGINAL)
    others = {k: v for k, v in source.examples.items() if k != ORIGINAL}
    if original is None or not others:
        return None
    drawn = [
        (originals_vs_reconstructions(original, others, i), jet_caption(original, i))
        for i in range(min(EXAMPLES_SHOWN, len(original)))
    ]
    return Section(
        "Originals and reconstructions",
        "In the pictures below the display, each column is one image, each row one detector layer; "
        f"the last row shows all layers at once ({colours_in_words(original.geometry)}). Colour is "
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
    drawn = []
    for name, samples in source.nested("distributions.npz").items():
        label, unit = observable(name)
        log = name.startswith(("hit_energy", "max_e"))
        figure = figures.distribution(samples, label=label, unit=unit, log=log)
        drawn.append((figure, upper(f"{label}, originals against reconstructions.")))
    text = "Shaded: the originals. Below: ratio to them."
    return Section("Distributions", text, drawn) if drawn else None


def _latent(source: Source) -> Section | None:
    latent = source.arrays("latent.npz")
    if not {"coordinates", "label"} <= latent.keys():
        return None
    place, label = latent.pop("coordinates"), latent.pop("label")
    classes = source.geometry.classes
    figure = figures.latent_map(place, label, title="class", classes=classes)
    drawn = [(figure, "Latent means of held-out jets, coloured by class.")]
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
    "A variational autoencoder squeezes a detector image of a jet ({channels}; {pixels} pixels, "
    "nearly all of them empty) into a short code and rebuilds the image from it.",
    "Ours is compared with the published baseline on the same jets, trained for the same time.",
    ("occupancy_f1_ecal", "emd", "classifier_auc_strictest"),
    _parts,
)
