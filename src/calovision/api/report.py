"""Reports of studies and runs, and the event display."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from calovision.api.given import events_or_path, path_of
from calovision.api.model import Model
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.utils.counts import count
from calovision.utils.files import check_folder_of

Shown = Model | str | Path
MAX_EVENTS = 5000  #: events in a display


@dataclass(frozen=True)
class Display:
    """An event display in a file.

    Attributes:
        path: the HTML file.
        events: number of events shown.
        rows: names of the sets that are shown one below the other.
    """

    path: Path
    events: int
    rows: tuple[str, ...]

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        text = escape(self.path.read_text(encoding="utf-8"))
        return f'<iframe srcdoc="{text}" width="100%" height="640" style="border:0"></iframe>'


def report(
    of: Shown | Sequence[Shown],
    out: str | Path = "report.html",
    *,
    hepdata: str | Path | None = None,
) -> Path:
    """Write one self-contained HTML page about studies, runs and models.

    Args:
        of: folders of studies or evaluated runs, or models that were evaluated.
        out: HTML file to write.
        hepdata: new folder for the same numbers as tables in HEPData's form, ready to be uploaded.

    Returns:
        The file.

    Raises:
        InputError: nothing to report on, a folder without results, or ``hepdata`` is not empty.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(300, seed=3, quiet=True)
        >>> model = cv.pretrained("egamma")
        >>> _ = model.evaluate(crops)
        >>> cv.report(model, out="egamma.html").name
        'egamma.html'
    """
    from calovision.reports.from_runs import report as write

    several = list(of) if isinstance(of, list | tuple) else [of]
    wanted = "the folders of studies or runs, or models; cv.view shows events"
    folders = [
        one._trained.writable_run() if isinstance(one, Model) else path_of(one, wanted)
        for one in several
    ]
    place = page_of(out)
    if hepdata is not None:
        from calovision.reports.hepdata import submission

        submission(folders, path_of(hepdata, "a new folder"))
    return write(folders, place)


def view(
    what: EventSet | Shown,
    out: str | Path | None = None,
    *,
    data: EventSet | str | Path | None = None,
    events: int = 100,
    first: int = 0,
    seed: int = 1,
    browser: bool = False,
    skip_corrupt: bool = False,
) -> Display:
    """Write an event display: one offline HTML file with all layers of every event.

    Args:
        what: events; a model, which is shown with what it makes of events; or the folder of a
            set, of several sets, of a run or of a study.
        out: HTML file to write; by default ``NAME-view.html`` here.
        data: events that a model shall be shown with; by default those that it was trained on.
        events: most events shown, 1 to 5,000.
        first: number of the first event.
        seed: of what a model makes.
        browser: open the file in the browser.
        skip_corrupt: leave out damaged shards, with a warning.

    Returns:
        The file, which a notebook shows.

    Raises:
        InputError: nothing to show there, or no folder for the file.

    Example:
        >>> import calovision as cv
        >>> cv.view(cv.simulate.egamma(2, seed=1, quiet=True), out="display.html").path.name
        'display.html'
    """
    import webbrowser

    from calovision.api.displays import shown
    from calovision.reports.view import page
    from calovision.utils.files import write_bytes

    first, events = count("first", first, 0), count("events", events)
    if events > MAX_EVENTS:
        raise InputError(f"{events} events in a display", f"show 1 to {MAX_EVENTS}")
    folder = what.path if isinstance(what, Model) else what
    # Not resolved: a loop of links is for the reader to tell.
    name = "events"
    if not isinstance(folder, EventSet):
        folder = path_of(folder, "events, a model or a folder; cv.from_images makes events")
        name = os.path.basename(os.path.abspath(folder))
    place = page_of(f"{name}-view.html" if out is None else out)
    rows = shown(
        folder,
        first,
        events,
        data=None if data is None else events_or_path(data),
        task=what._trained.loaded() if isinstance(what, Model) else None,
        seed=seed,
        skip_corrupt=skip_corrupt,
    )
    write_bytes(place, page(f"{name}: calovision", rows, first).encode())
    if browser:
        webbrowser.open(place.resolve().as_uri())
    return Display(place, len(rows[0].events), tuple(row.name for row in rows))


def page_of(out: str | Path) -> Path:
    """A file for a page.

    Raises:
        InputError: it is a folder, or in none.
    """
    place = path_of(out, "an HTML file to write")
    if place.is_dir():
        raise InputError(f"{place} is a folder", "give an HTML file to write, such as report.html")
    check_folder_of(place)
    return place
