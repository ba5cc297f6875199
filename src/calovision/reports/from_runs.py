"""Build the report of studies and runs from the files in their folders.

It needs nothing but those files (see :mod:`calovision.reports.sources`), so it can be made again
at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from calovision.errors import InputError
from calovision.metrics.definitions import definition
from calovision.reports.html import Headline, Section, write_report
from calovision.reports.pages import egamma, jet_generation, jet_tagging, jet_vae, symmetry
from calovision.reports.pages.common import Study, curves, facts, metric_groups
from calovision.reports.sources import Source, read_source
from calovision.reports.tables import BASELINE, measured

#: study or task to how it is reported
STUDIES = {
    "jet-vae": jet_vae.STUDY,
    "jet-tagging": jet_tagging.STUDY,
    "jet-tagger": jet_tagging.STUDY,
    "jet-generation": jet_generation.STUDY,
    "jet-generator": jet_generation.STUDY,
    "egamma": egamma.STUDY,
    "symmetry": symmetry.STUDY,
}
HEADLINES = 3  #: numbers at the top of the page


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
    sources = together([read_source(Path(p)) for p in paths])
    first = sources[0]
    alone = len(sources) == 1
    titles = [study_of(s).title.format(**s.kind.words) for s in sources]
    sections: list[Section] = []
    made: dict[str, str] = {}
    for source, title in zip(sources, titles, strict=True):
        prefix = "" if alone else f"{title} ({source.path.name}): "
        for section in study_of(source).sections(source):
            section.title = f"{prefix}{section.title}" if prefix else section.title
            sections.append(section)
        made |= {f"{prefix}{name}": fact for name, fact in facts(source).items()}
    return write_report(
        Path(out),
        title=titles[0] if alone else "calovision: " + ", ".join(dict.fromkeys(titles)),
        summary=_summary(first) if alone else "",
        headline=headlines(first) if alone else [h for s in sources for h in headlines(s)[:1]],
        facts=made,
        sections=sections,
    )


def together(sources: list[Source]) -> list[Source]:
    """The same sources, but runs of one task as one, so that their models stand in one table.

    Where several have one name, that of the folder is added.
    """
    found: list[Source] = []
    for source in sources:
        of_run = [s for s in found if not (s.scale or source.scale) and s.name == source.name]
        mine = of_run[0] if of_run else None
        if mine is None:
            found.append(source)
            continue
        for name, results in source.models.items():
            shown = name if name not in mine.models else f"{name} ({source.path.name})"
            if shown in mine.models:
                shown = f"{name} ({source.path})"
            mine.models[shown] = results
            if name in source.curves:
                mine.curves[shown] = source.curves[name]
    return found


def study_of(source: Source) -> Study:
    """How a source is reported; tables and curves where its kind is not known."""
    metrics = tuple(next(iter(source.models.values()))["metrics"])
    title = source.name.replace("{", "{{").replace("}", "}}")
    return STUDIES.get(source.name, Study(title, "", "", metrics, _plain))


def _summary(source: Source) -> str:
    study = study_of(source)
    compared = BASELINE in source.models and len(source.models) > 1
    texts = (study.summary, study.comparison if compared else "")
    return " ".join(text.format(**source.kind.words) for text in texts if text)


def _plain(source: Source) -> Iterator[Section | None]:
    """Tables and curves."""
    yield from metric_groups(source)
    yield curves(source)


def headlines(source: Source) -> list[Headline]:
    """The three numbers that matter, ours beside the baseline's."""
    found = []
    ours = next(iter(source.models))
    base = source.models[BASELINE]["metrics"] if BASELINE in source.models else {}
    for key in study_of(source).headline:
        entry = source.models[ours]["metrics"].get(key, {})
        if entry.get("value") is None:
            continue
        about, notes = definition(key, entry), []
        if ours != BASELINE and base.get(key, {}).get("value") is not None:
            notes.append(f"baseline {measured(base[key])}")
        perfect = about.target is not None
        notes.append(f"{about.target:g} is perfect" if perfect else f"{about.better} is better")
        value = f"{measured(entry)} {entry.get('unit', '')}".strip()
        found.append(Headline(about.title, value, "; ".join(notes)))
    return found[:HEADLINES]
