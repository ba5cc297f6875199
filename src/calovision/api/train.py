"""Training from Python: a new model, one's own network, or more of a model that is there."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from calovision.api.model import Model
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.store import EventStore, save

if TYPE_CHECKING:
    from calovision.events.digits import DigitSet

EVENTS = "events"  #: folder, in a run, of training events that were in memory


def train(
    task: str,
    events: EventSet | DigitSet | str | Path,
    model: str | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    seed: int | None = None,
    epochs: float | None = None,
    budget_s: float | None = None,
    processes: int | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Train a model on an event set.

    Args:
        task: ``"jet-vae"``, ``"jet-tagger"``, ``"jet-generator"``, ``"egamma"`` or
            ``"symmetry"``.
        events: training events, of which a part is kept for validation and testing; in memory,
            on disk, or the folder of a set. For ``"symmetry"`` digits or events.
        model: ours by default; ``"baseline"`` as published; ``calovision train --list`` lists all.
        out: run directory to write; by default one that is gone when Python ends, unless
            :meth:`Model.save` keeps it.
        device: ``"auto"`` takes a GPU where there is one; ``"cpu"``, ``"cuda"``, ``"cuda:N"``,
            ``"mps"``.
        seed: of all random numbers.
        epochs: passes over the training events.
        budget_s: seconds after which the training ends.
        processes: that train together on this machine.
        resume: go on with the run in ``out``, which may be given more epochs or a longer budget.
        config: YAML file of settings.
        quiet: no progress bar.
        **settings: any other setting of the model, such as ``batch=128``.

    Returns:
        The trained model.

    Raises:
        InputError: unknown task, model or setting, events of another kind or too few of them, no
            such device, or ``out`` holds another run.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(600, seed=1)
        >>> tagger = cv.train("egamma", crops, budget_s=5, quiet=True)
        >>> tagger.predict(crops[:3]).probability.shape
        (3,)
    """
    chosen = {
        "seed": seed,
        "epochs": epochs,
        "budget_s": budget_s,
        "processes": processes,
        "device": device,
    }
    given = settings | {name: value for name, value in chosen.items() if value is not None}
    holds: TemporaryDirectory[str] | None = None
    if out is None:
        holds = TemporaryDirectory(prefix="calovision-")
        out = Path(holds.name) / "run"
    folder = Path(out)
    if task == "symmetry":
        _train_symmetry(events, model, folder, config, given, resume=resume, quiet=quiet)
    else:
        _train_events(task, events, model, folder, config, given, resume=resume, quiet=quiet)
    trained = Model(folder, device=device)
    trained._holds = holds
    return trained


def _train_events(
    task: str,
    events: EventSet | DigitSet | str | Path,
    model: str | None,
    out: Path,
    config: str | Path | None,
    given: dict[str, Any],
    *,
    resume: bool,
    quiet: bool,
) -> None:
    from calovision.tasks.config import load_config
    from calovision.tasks.training import train as run

    chosen = load_config(task, model, None if config is None else Path(config), given)
    run(chosen, on_disk(events, out), out, resume=resume, quiet=quiet)


def on_disk(events: EventSet | DigitSet | str | Path, out: Path) -> EventStore:
    """The events as a set on disk; those in memory are written beside the run, which needs them.

    Raises:
        InputError: not events.
    """
    if isinstance(events, str | Path):
        return EventStore.open(events)
    if isinstance(events, EventStore):
        return events
    if not isinstance(events, EventSet):
        raise InputError(f"{type(events).__name__} for this task", "give events of a detector")
    folder = out.with_name(f"{out.name}-{EVENTS}")
    if (folder / "manifest.json").exists():
        there = EventStore.open(folder)
        if there.load().hash == events.load().hash:
            return there
        raise InputError(f"{folder} holds other events", "choose another out")
    return save(events, folder, provenance={"source": "cv.train", "of": events.provenance})


def _train_symmetry(
    data: EventSet | DigitSet | str | Path,
    model: str | None,
    out: Path,
    config: str | Path | None,
    given: dict[str, Any],
    *,
    resume: bool,
    quiet: bool,
) -> None:
    from calovision.tasks.symmetry.data import images_of
    from calovision.tasks.symmetry.runs import train as run
    from calovision.tasks.symmetry.settings import load_settings

    settings = load_settings(model, None if config is None else Path(config), given)
    run(settings, images_of(data), out, resume=resume, quiet=quiet)


def load_model(path: str | Path, *, device: str = "auto") -> Model:
    """The trained model in a run directory.

    Args:
        path: what ``out`` was in :func:`train`, or ``--out`` of ``calovision train``.
        device: where the network computes.

    Raises:
        InputError: no finished run there, or no such device.
    """
    return Model(path, device=device)


def pretrained(task: str, *, device: str = "auto") -> Model:
    """A trained model that comes with the package.

    Args:
        task: ``"jet-tagger"``, ``"jet-vae"``, ``"jet-generator"``, ``"egamma"`` or
            ``"symmetry"``.
        device: where the network computes.

    Raises:
        InputError: no model of that task comes with the package, or no such device.

    Example:
        >>> import calovision as cv
        >>> cv.pretrained("jet-generator").generate(10, label="gluon", pt=(100, 140)).label.sum()
        np.int64(0)
    """
    from calovision.tasks.pretrained import pretrained_run

    return Model(pretrained_run(task), device=device)
