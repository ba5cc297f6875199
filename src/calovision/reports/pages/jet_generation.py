"""The report of jet generation: a study, or one evaluated run.

Beside what every study has (see :mod:`calovision.reports.sources`) it draws::

    comparison.json     results may have "classes": {class: {metric: ...}}
    data/test           event set of simulated jets
    generated/MODEL     event set of each model
    response.json       "rows": condition, observable, unit, simulated and generated (value, error)
    costs.json          "rows": what, jets_per_s, speedup over the simulation
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.features.observables import observables
from calovision.metrics.definitions import observable
from calovision.reports.html import Section
from calovision.reports.pages import classification
from calovision.reports.pages import generation_pictures as pictures
from calovision.reports.pages.common import (
    Study,
    curves,
    explanations,
    measured_keys,
    observable_title,
    other_numbers,
    upper,
)
from calovision.reports.pages.generation_pictures import SIMULATED
from calovision.reports.pages.generation_tables import (
    class_tables,
    distance_table,
    ratios,
    response_table,
)
from calovision.reports.pages.generation_whole import keys_of, whole
from calovision.reports.pages.judges import judges
from calovision.reports.plots import general as figures
from calovision.reports.plots import generation as drawings
from calovision.reports.sources import OURS, Source
from calovision.reports.tables import metric_table, table_of

EVENTS = 5000  #: events of each set that are read
MAIN = (
    "classifier_auc_strictest",
    "classifier_auc",
    "classifier_auc_patterns",
    "classifier_auc_cells",
    "classifier_auc_hits",
    "fpd",
    "kpd",
    "tagger_auc_ratio",
    "memorised",
    "copied",
    "jets_per_s",
)
#: observables drawn, an even number because figures stand in pairs
SHOWN = (
    "n_track",
    "n_hit_ecal",
    "n_hit_hcal",
    "sum_e_ecal",
    "max_e_hcal",
    "column_m0",
    "column_pt",
    "girth_ecal",
    "ptd_track",
    "profile_10",
)


Columns = Mapping[str, NDArray[Any]]


def _parts(source: Source) -> Iterator[Section | None]:
    samples = _samples(source)
    tables = {name: _observed(events) for name, events in samples.items()}
    yield _quality(source)
    yield judges(source)
    yield pictures.jets(samples)
    yield pictures.means(samples)
    yield _distances(source)
    yield whole(source, samples)
    yield _distributions(tables)
    yield _classes(source, tables)
    yield _response(source)
    yield _costs(source)
    yield classification.cost(source)
    yield curves(source)
    yield from other_numbers(source)
    yield explanations([*measured_keys(source, MAIN), *keys_of(source)])


def _samples(source: Source) -> dict[str, Events]:
    """Simulated events and those of every model, as far as their sets are complete."""
    folders = {SIMULATED: source.path / "data" / "test"}
    folders |= {shown: source.path / "generated" / model for model, shown in source.names.items()}
    order = [SIMULATED, *source.models]
    found = {
        name: EventStore.open(folders[name])[:EVENTS]
        for name in order
        if name in folders and (folders[name] / "manifest.json").is_file()
    }
    return {name: events for name, events in found.items() if len(events)}


def _observed(events: Events) -> dict[str, NDArray[Any]]:
    """The observables that are drawn, and the label where there is one."""
    found: dict[str, NDArray[Any]] = {k: v for k, v in observables(events).items() if k in SHOWN}
    found |= {f"column_{k}": v for k, v in events.columns.items() if f"column_{k}" in SHOWN}
    return found | ({"label": events.label} if "label" in events.columns else {})


def _quality(source: Source) -> Section:
    text = (
        "Classifiers try to tell generated jets from simulated ones they have not seen; the "
        "strictest of them stands first, and it is the one that counts. An AUC of 0.5 means that "
        "they cannot, 1 that every generated jet gives itself away. The floor is what other "
        "simulated jets score in the place of generated ones; nothing can be better but by chance. "
        "Errors are bootstraps over jets."
    )
    table = metric_table(source.models, MAIN, source.floor, ratio=False)
    return Section("Told from simulated jets?", text, tables=[table])


def _distances(source: Source) -> Section | None:
    table = distance_table(source)
    if not table.rows:
        return None
    rows = ratios({m: r["metrics"] for m, r in source.models.items()}, source.floor)
    names = {r["name"]: observable_title(r["name"]) for r in rows}
    drawn = []
    if rows:
        caption = "W1 in units of its floor; at 1 a set is as good as other simulated jets."
        drawn = [(drawings.floors(rows, names), caption)]
    text = (
        "The Wasserstein-1 distance (W1) is the area between two cumulative distributions, in the "
        "unit of the observable. Its floor is the W1 of as many other simulated jets: where a "
        "model has fewer jets its own floor is higher, and ratios are to its own. Girth and pTD "
        "are of the hits within 0.4 rad, shares within 0.1 rad of all calorimeter energy."
    )
    return Section("Distances of distributions", text, drawn, [table])


def _distributions(tables: Mapping[str, Columns]) -> Section | None:
    drawn = []
    for key in SHOWN:
        values = {name: table[key] for name, table in tables.items() if key in table}
        if SIMULATED in values and len(values) > 1:
            label, unit = observable(key)
            log = key.startswith("max_e")
            figure = figures.distribution(values, label=label, unit=unit, log=log)
            drawn.append((figure, upper(f"{label}, all jets.")))
    text = (
        "Shaded: simulated jets. Below: ratio to them; bars and band are statistical (Poisson) "
        "errors of the generated and of the simulated jets. Jets outside the axis still count in "
        "the normalisation."
    )
    return Section("Distributions", text, drawn) if drawn else None


def _costs(source: Source) -> Section | None:
    found = source.content("costs.json", rows=("what", "jets_per_s", "speedup"))["rows"]
    if not found:
        return None
    rows = [
        (
            source.names.get(r["what"], r["what"]),
            f"{r['jets_per_s']:,.3g}",
            f"{r['speedup']:.2g}",
        )
        for r in found
    ]
    text = (
        "Jets a second on one core, measured one after the other; the simulation is Pythia, "
        "clustering, detector and pile-up, its start included. Of Geant4, single showers are "
        "counted; a jet holds tens."
    )
    table = table_of(("", "jets/s", "times the simulation's"), rows)
    return Section("Faster than the simulation?", text, _quality_and_speed(source, found), [table])


def _quality_and_speed(source: Source, costs: list[Mapping[str, Any]]) -> list[tuple[Figure, str]]:
    """Every model in the plane of quality and speed."""
    rates = {r["what"]: r["jets_per_s"] for r in costs}
    rows = []
    for model, shown in source.names.items():
        auc = source.models[shown]["metrics"].get(MAIN[0])
        if model in rates and auc is not None and auc["value"] is not None:
            row = {"model": shown, "jets_per_s": rates[model]}
            rows.append(row | {"auc": auc["value"], "error": auc["error"]})
    if not rows or "simulation" not in rates:
        return []
    names = ("model", "steps", "jets_per_s", "auc", "error")
    dial = source.content("dial.json", rows=names)["rows"]
    caption = "0.5 is perfect. Numbers at points are steps of the solver; those by few jets."
    figure = drawings.quality_and_speed(rows, dial, rates["simulation"])
    return [(figure, caption)]


def _classes(source: Source, tables: Mapping[str, Columns]) -> Section | None:
    first = next((m for m in source.models if m in tables), "")
    true, own = tables.get(SIMULATED, {}), tables.get(first, {})
    drawn: list[tuple[Figure, str]] = []
    background, signal = source.geometry.classes
    for key in SHOWN if "label" in true and "label" in own else ():
        if key in true and key in own:
            label, unit = observable(key)
            figure = figures.class_distribution(
                (true[key], true["label"]),
                (own[key], own["label"]),
                names=(SIMULATED, "generated"),
                classes=source.geometry.classes,
                label=label,
                unit=unit,
                log=key.startswith("max_e"),
            )
            drawn.append((figure, upper(f"{label} of {background} and {signal} jets.")))
    found = class_tables(source)
    if not drawn and not found:
        return None
    text = (
        f"{upper(background)} and {signal} jets differ, such as in the number of hits and in "
        "width; a generator that is asked for a class must make that class."
    )
    if drawn:
        text += f" Shaded: simulated jets; points: generated by {first}, with Poisson errors."
    return Section("Class by class", text, drawn, found)


def _response(source: Source) -> Section | None:
    needed = ("condition", "observable", "simulated", "generated")
    rows = source.content("response.json", rows=needed)["rows"]
    if not rows:
        return None
    table, points, names = response_table(rows)
    text = (
        "Jets are asked for by class, momentum or mass, and compared with the simulated jets "
        "that meet the same condition: 1 means that the mean follows the condition as in the "
        "simulation. True quantities are those of the jet before the detector."
    )
    caption = "Mean of generated over mean of simulated jets under each condition."
    drawn = (
        [(drawings.responses(points, names, source.geometry.channel_names), caption)]
        if points
        else []
    )
    return Section("Response to conditions", text, drawn, [table])


STUDY = Study(
    "Jet generation: new jets without a simulation",
    "Simulating a jet in a detector takes long. A generative model learns from simulated jets to "
    "make new ones: hits in {channels}, with class, momentum and mass on request.",
    f"{upper(OURS)} is compared with the published diffusion model, trained on the same jets for "
    "the same time.",
    ("classifier_auc_strictest", "fpd", "jets_per_s"),
    _parts,
)
