"""Several taggers on several sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.given import events_of
from calovision.api.load import load_model, pretrained
from calovision.api.model import Model
from calovision.api.results import Table, json_text
from calovision.errors import InputError
from calovision.reports.tables import with_error
from calovision.utils.counts import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.events.event_set import EventSet

SHOWN = ("auc", "accuracy", "rejection_50", "ece", "temperature", "out_of_distribution")


class Scoreboard:
    """How good taggers are on sets.

    Args:
        content: ``rows`` and ``differences``, ready for JSON.

    Attributes:
        content: the same; see :func:`scoreboard`.

    Example:
        >>> Scoreboard({"rows": [], "differences": []}).table().header[:2]
        ('model', 'set')
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def table(self) -> Table:
        """A row per model and set, values with errors."""
        from calovision.metrics.definitions import definition

        header = ("model", "set", "trained on", "began with")
        rows = [
            (
                row["model"],
                row["set"],
                f"{row['training_events']:,}",
                row["began_with"],
                *(with_error(*(row["metrics"][k][x] for x in ("value", "error"))) for k in SHOWN),
            )
            for row in self.content["rows"]
        ]
        return Table((*header, *(definition(k).short for k in SHOWN)), rows)

    def differences(self) -> Table:
        """AUC of every model minus that of the first, on the same events."""
        rows: list[tuple[str, ...]] = [
            (d["set"], f"{d['a']} - {d['b']}", with_error(d["value"], d["error"]))
            for d in self.content["differences"]
        ]
        return Table(("set", "models", "AUC"), rows)

    def plot(self, name: str | None = None) -> Figure:
        """AUC on a set against the training events, a curve for what the models began with.

        Args:
            name: of the set; the first one by default.

        Raises:
            InputError: no such set.
        """
        from calovision.reports.plots.classifier import scaling_curves

        names = list(dict.fromkeys(row["set"] for row in self.content["rows"]))
        chosen = name or (names or [""])[0]
        rows = [
            {
                "model": f"{row['kind']} from {row['began_with']}",
                "jets": row["training_events"],
                "auc": row["metrics"]["auc"],
            }
            for row in self.content["rows"]
            if row["set"] == chosen
        ]
        if not rows:
            raise InputError(f"no set {chosen!r} was measured", f"there are {', '.join(names)}")
        return scaling_curves(rows, "events")

    def to_json(self, path: str | Path | None = None) -> str:
        """The content as JSON text, also written to ``path`` if one is given."""
        return json_text(self.content, path)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_() + self.differences()._repr_html_()


def scoreboard(
    models: Mapping[str, Model] | Sequence[Model | str | Path],
    data: Mapping[str, EventSet | str | Path] | Sequence[EventSet | str | Path],
    *,
    events: int = 20_000,
    seed: int = 1,
    device: str = "auto",
    skip_corrupt: bool = False,
    quiet: bool = False,
) -> Scoreboard:
    """Measure several taggers on several sets, on the same events of each.

    Sets under other conditions (energy scale, pile-up, noise, another tune) tell how robust a
    tagger is, and by its ``temperature`` whether its probabilities still hold there; runs that were
    trained on more and more events, from nothing, from the weights of another or with most of them
    frozen, are the points of a curve of learning.

    Args:
        models: taggers, run directories, or ``"jet-tagger"`` and ``"egamma"`` for those of the
            package, by name or in order; differences are those to the first.
        data: labelled sets or their folders, by name or in order. Events that any of the models
            was trained or validated on are left out.
        events: at most so many of each set, the first ones.
        seed: of the bootstrap.
        device: where the networks compute.
        skip_corrupt: leave out damaged shards, with a warning.
        quiet: no progress bar.

    Returns:
        Every model on every set: AUC, accuracy, background rejection, calibration error,
        temperature and the share out of distribution, with errors; and differences of the AUC by
        paired bootstrap.

    Raises:
        InputError: no model or no set, two of one name, a model that is no tagger, a set of
            another geometry or without both classes, or too few events that no model has seen.

    Example:
        >>> import calovision as cv
        >>> crops = {"crops": cv.simulate.egamma(300, seed=9, quiet=True)}
        >>> found = cv.scoreboard({"shipped": cv.pretrained("egamma")}, crops, quiet=True)
        >>> found.content["rows"][0]["metrics"]["auc"]["value"] > 0.6
        True
    """
    from calovision.evaluation.scoreboard import Entrant
    from calovision.evaluation.scoreboard import scoreboard as measure

    most, seed = count("events", events), count("seed", seed, 0)
    runs = {name: _model(one, device) for name, one in _named(models, "model").items()}
    sets = {
        name: events_of(one, skip_corrupt=skip_corrupt) for name, one in _named(data, "set").items()
    }
    content = measure(
        {name: Entrant(m._trained.run, m._trained.of_kind("tagger")) for name, m in runs.items()},
        sets,
        seed=seed,
        events=most,
        quiet=quiet,
    )
    return Scoreboard(content)


def _model(given: Any, device: str) -> Model:
    """A model, that of a run, or one that comes with the package."""
    from calovision.models.pretrained import shipped

    if isinstance(given, Model):
        return given
    if given in shipped() and not Path(given).exists():
        return pretrained(given, device=device)
    return load_model(given, device=device)


def _named(given: Any, what: str) -> dict[str, Any]:
    """What was given by name; folders have the name of the last part of their path.

    Raises:
        InputError: nothing, or two of one name.
    """
    if isinstance(given, Mapping):
        found = {str(name): one for name, one in given.items()}
    else:
        several = [given] if isinstance(given, Model | str | Path) else list(given)
        names = [
            Path(one).name or str(one)
            if isinstance(one, str | Path)
            else (one.path.name if isinstance(one, Model) else f"{what} {k + 1}")
            for k, one in enumerate(several)
        ]
        if len(set(names)) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise InputError(f"two are called {twice!r}", "give them names, {'mine': ...}")
        found = dict(zip(names, several, strict=True))
    if not found:
        raise InputError(f"no {what} to measure", f"give at least one {what}")
    return found
