"""The report of electron/photon classification: a study, or one evaluated run.

Beside what every study and every classifier has (see :mod:`calovision.reports.sources` and
:mod:`calovision.reports.pages.classification`) it draws::

    scores.npz          also eta (n,) and converted (n,)
    parts.json          "rows": part, model, crops, auc (value and error)
    examples/original   crops
"""

from __future__ import annotations

from typing import Any

from calovision.reports.event_kinds import CROPS
from calovision.reports.html import Section
from calovision.reports.pages import classification
from calovision.reports.pages.common import Study, curves, metric_groups
from calovision.reports.plots import egamma as drawings
from calovision.reports.sources import ORIGINAL, Source
from calovision.reports.view import frame

DESCRIPTIONS = {
    "crop-net": "Ours. Shapes of the shower, computed as a layer, with the energies and times of "
    "the core crystal by crystal and the profile along phi, through three hidden layers. Mirror "
    "images, and the average of the weights over the last steps.",
    "baseline": "The published starting point: ResNet-15 on raw energies and times, Adam, a tenth "
    "of the learning rate after three epochs without improvement.",
    "trees": "Boosted decision trees on shower shapes such as R9 and the widths in eta and phi: no "
    "network at all.",
}
WORDS = ("auc", "accuracy", "rejection_30", "rejection_50", "ece", "crops_per_s")
_ROC = (
    "Every cut on the score keeps some of the electrons (efficiency) and throws away most of the "
    "photons: of so many photons one is kept (rejection). A curve shows all cuts of a model."
)


def sections(source: Source) -> list[Section]:
    """All parts that the source has material for."""
    rows = source.content("parts.json", rows=("part", "model", "auc")).get("rows", [])
    task = "electrons (signal) from photons (background)"
    parts = [
        classification.quality(source, task, CROPS),
        classification.roc(source, _ROC, CROPS),
        classification.scores_and_calibration(source, CROPS),
        _parts(rows),
        _examples(source),
        classification.cost(source, DESCRIPTIONS, CROPS),
        curves(source),
        *(s for s in metric_groups(source) if s.title == "Other numbers"),
        classification.words(
            [k for k in WORDS if any(k in r["metrics"] for r in source.models.values())]
        ),
    ]
    return [p for p in parts if p is not None]


def _parts(rows: list[dict[str, Any]]) -> Section | None:
    if not rows:
        return None
    names = list(dict.fromkeys(str(r["part"]) for r in rows))
    models = list(dict.fromkeys(str(r["model"]) for r in rows))
    cells = {(str(r["part"]), str(r["model"])): classification.measured(r["auc"]) for r in rows}
    text = (
        "A photon that converts in the tracker is an electron and a positron when it reaches the "
        "calorimeter: what is left is that there are two of them. Material grows with |eta|, and "
        "with it conversions and bremsstrahlung. Parts by conversion hold all electrons."
    )
    caption = "AUC among parts of the test crops."
    table = classification.pivot("part", names, models, cells)
    return Section(
        "Where it is hard", text, [(drawings.auc_of_parts(rows), caption)], [table], paired=False
    )


def _examples(source: Source) -> Section | None:
    original = source.examples.get(ORIGINAL)
    if original is None:
        return None
    text = (
        "Test crops, energy only: rows along eta, columns along phi, the hottest crystal in the "
        "middle. What an electron radiates in the tracker spreads along phi."
    )
    figure = drawings.crop_examples(original)
    drawn = [(figure, "Energy per crystal.")]
    widget = frame("Test crops, one by one: energy and time", {"crop": original})
    return Section("Example crops", text, drawn, paired=False, widget=widget)


STUDY = Study(
    "Electron or photon?",
    "Electrons and photons of the same momentum leave almost the same shower; electrons bend in "
    "the magnetic field and radiate on their way, and photons may convert. Models learn to tell "
    "them apart from crops of the electromagnetic calorimeter.",
    "Ours is compared with the published baseline and with boosted trees on the same crops.",
    ("auc", "rejection_50", "crops_per_s", "ece"),
    sections,
)
