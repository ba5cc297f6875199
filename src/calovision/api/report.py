"""Pages for people: reports of studies and runs, and the event display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calovision.api.model import Model
from calovision.errors import InputError
from calovision.events.event_set import EventSet

Shown = Model | str | Path


def report(of: Shown | Sequence[Shown], out: str | Path = "report.html") -> Path:
    """Write one self-contained HTML page about studies, runs and models.

    Args:
        of: folders of studies or evaluated runs, or models that were evaluated.
        out: HTML file to write.

    Returns:
        The file.

    Raises:
        InputError: nothing to report on, or a folder without results.
    """
    from calovision.pages.from_runs import report as write

    several = [of] if isinstance(of, Model | str | Path) else list(of)
    folders = [one.path if isinstance(one, Model) else Path(one) for one in several]
    return write(folders, Path(out))


def view(
    what: EventSet | Model | str | Path,
    out: str | Path | None = None,
    *,
    data: EventSet | str | Path | None = None,
    events: int = 100,
    first: int = 0,
    seed: int = 1,
    browser: bool = False,
) -> Path:
    """Write an event display: one offline HTML file with all layers of every event.

    Args:
        what: events, a model, or the folder of a set, a run or a study.
        out: HTML file to write; by default ``NAME-view.html`` here.
        data: events that a model shall be shown with; by default its own.
        events: most events shown.
        first: number of the first event.
        seed: of what a model makes.
        browser: open the file in the browser.

    Returns:
        The file.

    Raises:
        InputError: nothing to show there, or no folder for the file.
    """
    import webbrowser

    from calovision.events.files import write_bytes
    from calovision.pages.view import Shown as Row
    from calovision.pages.view import page
    from calovision.studies.displays import shown

    name = "events"
    if isinstance(what, EventSet):
        if not 0 <= first < len(what):
            raise InputError(f"there is no event {first}", f"choose 0 to {len(what) - 1}")
        rows = [Row(name, what[first : first + events])]
    else:
        folder = what.path if isinstance(what, Model) else Path(what)
        name = folder.resolve().name
        rows = shown(folder, first, events, data=data, seed=seed)
    place = Path(f"{name}-view.html") if out is None else Path(out)
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent}", "make it, or choose another file")
    write_bytes(place, page(f"{name}: calovision", rows, first).encode())
    if browser:
        webbrowser.open(place.resolve().as_uri())
    return place
