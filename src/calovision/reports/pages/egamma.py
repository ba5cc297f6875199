"""The report of electron/photon classification: a study, or one evaluated run.

Beside what every study and every classifier has (see :mod:`calovision.reports.sources` and
:mod:`calovision.reports.pages.classification`) it draws::

    scores.npz          also eta (n,) and converted (n,)
    parts.json          "rows": part, model, crops, auc (value and error)
    examples/original   crops
"""

from __future__ import annotations

from collections.abc import Iterator

from calovision.metrics.classification import QUALITY
from calovision.reports.html import Section
from calovision.reports.pages import classification
from calovision.reports.pages.common import (
    Study,
    curves,
    explanations,
    measured_keys,
    other_numbers,
)
from calovision.reports.plots import egamma as drawings
from calovision.reports.sources import ORIGINAL, Source
from calovision.reports.tables import measured, pivot
from calovision.reports.view import frame


def _parts(source: Source) -> Iterator[Section | None]:
    yield classification.quality(source)
    yield from classification.score_sections(source)
    yield _quality_of_parts(source)
    yield _examples(source)
    yield classification.cost(source)
    yield curves(source)
    yield from other_numbers(source)
    yield explanations(measured_keys(source, (*QUALITY, "crops_per_s")))


def _quality_of_parts(source: Source) -> Section | None:
    rows = source.content("parts.json", rows=("part", "model", "auc"))["rows"]
    if not rows:
        return None
    names, models = (dict.fromkeys(str(r[key]) for r in rows) for key in ("part", "model"))
    cells = {(str(r["part"]), str(r["model"])): measured(r["auc"]) for r in rows}
    text = (
        "A photon that converts in the tracker is an electron and a positron when it reaches the "
        "calorimeter: what is left is that there are two of them. Material grows with |eta|, and "
        "with it conversions and bremsstrahlung. Parts by conversion hold all electrons."
    )
    drawn = [(drawings.auc_of_parts(rows), "AUC among parts of the test crops.")]
    return Section("Where it is hard", text, drawn, [pivot("part", names, models, cells)])


def _examples(source: Source) -> Section | None:
    original = source.examples.get(ORIGINAL)
    if original is None:
        return None
    text = (
        "Test crops, energy only: rows along eta, columns along phi, the hottest crystal in the "
        "middle. What an electron radiates in the tracker spreads along phi."
    )
    drawn = [(drawings.crop_examples(original), "Energy per crystal.")]
    widget = frame("Test crops, one by one: energy and time", {"crop": original})
    return Section("Example crops", text, drawn, widget=widget)


STUDY = Study(
    "Electron or photon?",
    "Electrons and photons of the same momentum leave almost the same shower; electrons bend in "
    "the magnetic field and radiate on their way, and photons may convert. Models learn to tell "
    "them apart from crops of the electromagnetic calorimeter.",
    "Ours is compared with the published baseline and with boosted trees on the same crops.",
    ("auc", "rejection_50", "crops_per_s", "ece"),
    _parts,
)
