"""Build the report of studies and runs from the files in their folders.

It needs nothing but those files (see :mod:`calovision.report.sources`), so it can be made again
at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.report import figures
from calovision.report.glossary import CHANNELS, GROUPS, keys_of, meaning
from calovision.report.html import Headline, Section, write_report
from calovision.report.images import originals_vs_reconstructions
from calovision.report.sources import ORIGINAL, OURS, Source, read_source
from calovision.report.tables import BASELINE, Table, metric_table, with_error

TITLES = {"jet-vae": "Jet VAE: compressing jet images"}
SUMMARIES = {
    "jet-vae": "A variational autoencoder squeezes a detector image of a jet (track, ECAL and "
    "HCAL; 46,875 pixels, nearly all of them empty) into a short code and rebuilds the image "
    "from it. Ours is compared with the published baseline on the same jets, trained for the "
    "same time."
}
#: the three numbers that matter, per study or task
HEADLINES = {"jet-vae": ("occupancy_f1_ecal", "emd", "classifier_auc")}
EXAMPLES_SHOWN = 4  #: jets drawn
HIDDEN = ("occupancy_precision", "occupancy_recall")
#: label and unit of the arrays that colour the latent map
LATENT_COLUMNS = {"pt": ("jet pT", "GeV"), "multiplicity": ("hits in the image", "")}


def report(paths: Sequence[Path], out: Path) -> Path:
    """Write one self-contained HTML page about studies or runs.

    Args:
        paths: folders of studies (``comparison.json``) or evaluated runs (``results.json``).
        out: the HTML file.

    Returns:
        ``out``.

    Raises:
        InputError: no folder given, one without results, or the page cannot be written.
    """
    if not paths:
        raise InputError("no folder to report on", "give a study or run folder")
    sources = [read_source(Path(p)) for p in paths]
    first = sources[0]
    alone = len(sources) == 1
    titles = [TITLES.get(s.name, s.name) for s in sources]
    sections: list[Section] = []
    facts: dict[str, str] = {}
    for source, title in zip(sources, titles, strict=True):
        prefix = "" if alone else f"{title} ({source.path.name}): "
        for section in _sections(source):
            section.title = f"{prefix}{section.title}" if prefix else section.title
            sections.append(section)
        facts |= {f"{prefix}{name}": fact for name, fact in _facts(source).items()}
    return write_report(
        Path(out),
        title=titles[0] if alone else "calovision: " + ", ".join(dict.fromkeys(titles)),
        summary=SUMMARIES.get(first.name, "") if alone else "",
        headline=headlines(first) if alone else [h for s in sources for h in headlines(s)[:1]],
        facts=facts,
        sections=sections,
    )


def headlines(source: Source) -> list[Headline]:
    """The three numbers that matter, ours beside the baseline's."""
    found = []
    ours = next(iter(source.models))
    metrics = source.models[ours]["metrics"]
    base = source.models.get(BASELINE, {}).get("metrics", {})
    for key in HEADLINES.get(source.name, tuple(metrics)[:3]):
        if metrics.get(key, {}).get("value") is None:
            continue
        value = with_error(metrics[key]["value"], metrics[key]["error"])
        unit = metrics[key].get("unit", "")
        notes = []
        if ours != BASELINE and base.get(key, {}).get("value") is not None:
            notes.append(f"baseline {with_error(base[key]['value'], base[key]['error'])}")
        means = meaning(key)
        if means.target is not None:
            notes.append(f"{means.target:g} is perfect")
        else:
            up = metrics[key].get("higher_is_better", True)
            notes.append("higher is better" if up else "lower is better")
        found.append(Headline(means.title, f"{value} {unit}".strip(), "; ".join(notes)))
    return found


def _sections(source: Source) -> list[Section]:
    """All parts that the source has material for, pictures first."""
    parts = [
        _examples(source),
        *_metric_groups(source),
        _responses(source),
        _distributions(source),
        _latent(source),
        _curves(source),
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
        drawn.append((figure, _caption(original.columns, index)))
    return Section(
        "Originals and reconstructions",
        "Each column is one image, each row one detector layer; the last row shows all layers at "
        "once (tracks orange, ECAL blue, HCAL purple). Colour is the energy of a pixel in GeV on "
        "a logarithmic scale that the original sets for its row; black pixels are exactly empty.",
        drawn,
        paired=False,
    )


def _caption(columns: dict[str, Any], index: int) -> str:
    """Class, momentum and mass of an example, as far as they are known."""
    words = []
    if "label" in columns:
        words.append(f"{figures.CLASSES[int(columns['label'][index])]} jet")
    if "pt" in columns:
        words.append(f"pT {columns['pt'][index]:.0f} GeV")
    if "m0" in columns:
        words.append(f"m0 {columns['m0'][index]:.1f} GeV")
    return _upper(", ".join(words))


def _upper(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _metric_groups(source: Source) -> Iterable[Section]:
    available = {k for result in source.models.values() for k in result["metrics"]}
    left = {k for k in available if not k.startswith(HIDDEN)}
    for group in GROUPS:
        keys = keys_of(group, available)
        left -= set(keys)
        if group.stems[0] == "psnr":
            left -= {k for k in left if k.startswith(("psnr", "ssim"))}
        if keys:
            yield Section(group.title, group.text, tables=[_table(source, keys)])
    if left:
        yield Section("Other numbers", tables=[_table(source, sorted(left))])


def _table(source: Source, keys: list[str]) -> Table:
    return metric_table(source.models, keys, source.floor)


def _responses(source: Source) -> Section | None:
    if not source.responses:
        return None
    figure = figures.response_histogram(source.responses)
    caption = "Ratio of summed energies per jet; jets outside the range are in the end bins."
    return Section("Response, jet by jet", figures=[(figure, caption)])


def _distributions(source: Source) -> Section | None:
    if not source.distributions:
        return None
    drawn = []
    for name, samples in source.distributions.items():
        label, unit = _observable(name)
        log = name.startswith(("hit_energy", "max_e"))
        figure = figures.distribution(samples, label=label, unit=unit, log=log)
        drawn.append((figure, _upper(f"{label}, originals against reconstructions.")))
    return Section("Distributions", "Shaded: the originals. Below: ratio to them.", drawn)


def _observable(name: str) -> tuple[str, str]:
    """Label and unit of an observable's name, such as ``sum_e_ecal``."""
    channel = next((c for c in CHANNELS if name.endswith(f"_{c}")), "")
    stem = name.removesuffix(f"_{channel}") if channel else name
    label = meaning(f"w1_{stem}").label.removeprefix("W1 of ").removeprefix("the ")
    units = {"girth": "rad", "mass": "GeV", "pt": "GeV", "hit_energy": "GeV"}
    unit = "GeV" if stem in ("sum_e", "max_e") else units.get(stem, "")
    return f"{CHANNELS[channel]} {label}" if channel else label, unit


def _latent(source: Source) -> Section | None:
    if not {"coordinates", "label"} <= source.latent.keys():
        return None
    latent = dict(source.latent)
    place, label = latent.pop("coordinates"), latent.pop("label")
    drawn = [
        (
            figures.latent_map(place, label, title="class", classes=figures.CLASSES),
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


def _curves(source: Source) -> Section | None:
    if not source.curves:
        return None
    figure = figures.loss_curves(source.curves)
    text = (
        "Losses of different models are different functions: compare their shapes, not their "
        "heights."
    )
    return Section("Training", text, [(figure, "Training and validation loss.")])


def _facts(source: Source) -> dict[str, str]:
    """Data, seed, time and versions, as they stand in the results."""
    facts: dict[str, str] = {}
    if source.scale:
        facts["Study"] = f"{source.name}, scale {source.scale}"
    shared = next(iter(source.models.values()))
    data = shared.get("data", {})
    if data:
        place = "/".join(Path(str(data.get("path", ""))).parts[-2:])
        facts["Data"] = f"{data.get('events', '?'):,} events of {place}"
        facts["Split"] = str(data.get("split", ""))
        facts["Data hash"] = str(data.get("hash", ""))[:16]
    facts["Seed"] = str(shared.get("seed", ""))
    for shown, result in source.models.items():
        name = f"{shown} ({result['model']})" if shown == OURS else shown
        facts[f"Model {name}"] = _budget(result.get("budget", {}))
    versions = shared.get("versions", {})
    facts["Versions"] = ", ".join(f"{k} {v}" for k, v in versions.items())
    return {k: v for k, v in facts.items() if v}


def _budget(budget: dict[str, Any]) -> str:
    """Parameters, time and device of a training in words."""
    words = []
    if budget.get("parameters"):
        words.append(f"{budget['parameters']:,} parameters")
    if budget.get("wall_s"):
        words.append(f"trained for {budget['wall_s'] / 60:.1f} min")
    if budget.get("cpu_s"):
        words.append(f"{budget['cpu_s'] / 60:.1f} min of CPU time")
    if budget.get("device"):
        words.append(f"on {budget['device']}")
    return ", ".join(words)
