"""Training from Python: a new model, one's own network, or more of a model that is there."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from calovision.api.model import Model
from calovision.api.models import Autoencoder, Tagger
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.store import EventStore, save

if TYPE_CHECKING:
    from torch import nn

    from calovision.events.digits import DigitSet
    from calovision.tasks.settings import Training

    Data = EventSet | DigitSet | str | Path

FINE_RATE = 0.2  #: learning rate of fine-tuning, as a share of that of the first training


def train(
    task: str | Tagger | Autoencoder,
    data: Data,
    model: str | None = None,
    *,
    out: str | Path | None = None,
    device: str | None = None,
    seed: int | None = None,
    epochs: float | None = None,
    budget_s: float | None = None,
    processes: int | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Train a model on an event set, of which a part is kept for validation and testing.

    Args:
        task: ``"jet-vae"``, ``"jet-tagger"``, ``"jet-generator"``, ``"egamma"`` or
            ``"symmetry"``; or a network of your own, as ``cv.models.Tagger(module)`` or
            ``cv.models.Autoencoder(module)``.
        data: training events, in memory, on disk, or the folder of a set; for ``"symmetry"``
            digits or events. Those in memory are written to a folder ``OUT-events``, which a
            training that goes on needs.
        model: ours by default; ``"baseline"`` as published; ``calovision train TASK --list``
            lists all.
        out: run directory to write; by default one that is gone with the model, unless
            :meth:`Model.save` keeps it.
        device: ``"auto"``, the default, takes a GPU where there is one; ``"cpu"``, ``"cuda"``,
            ``"cuda:N"``, ``"mps"``.
        seed: of all random numbers, 1 by default.
        epochs: passes over the training events; the model's preset by default.
        budget_s: seconds after which the training ends.
        processes: that train together on this machine.
        resume: go on with the run in ``out``, which may be given more epochs or a longer budget.
        config: YAML file of settings.
        quiet: no progress bar.
        **settings: any other setting of the model, such as ``batch=128``; ``calovision train
            TASK --list`` says which there are.

    Returns:
        The trained model.

    Raises:
        InputError: unknown task, model or setting, data of another kind or too few of them, no
            such device, or ``out`` holds another run.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(400, seed=1, quiet=True)
        >>> tagger = cv.train("egamma", crops, epochs=1, quiet=True)
        >>> tagger.predict(crops[:3]).probability.shape
        (3,)
    """
    given = settings | _given(
        seed=seed, epochs=epochs, budget_s=budget_s, processes=processes, device=device
    )
    module: nn.Module | None = None
    if isinstance(task, Tagger | Autoencoder):
        if model is not None:
            raise InputError(f"a network of your own and model {model!r}", "leave model out")
        module, model, given = task.module, task.model, task.settings | given
        task = task.task_for(data)
    file = None if config is None else Path(config)
    holds, folder = _place(out)
    if task == "symmetry":
        from calovision.tasks.symmetry.data import images_of
        from calovision.tasks.symmetry.runs import train as run_symmetry
        from calovision.tasks.symmetry.settings import load_settings

        chosen = load_settings(model, file, given)
        run_symmetry(chosen, images_of(data), folder, resume=resume, quiet=quiet)
    else:
        from calovision.tasks.config import load_config
        from calovision.tasks.training import train as run

        settled = load_config(task, model, file, given | {"module": module} if module else given)
        run(settled, _on_disk(data, folder), folder, resume=resume, quiet=quiet)
    return _trained(folder, device, module, holds)


def fine_tune(
    model: Model | str | Path,
    data: Data,
    *,
    out: str | Path | None = None,
    device: str | None = None,
    seed: int | None = None,
    epochs: float | None = 3,
    budget_s: float | None = None,
    processes: int | None = None,
    resume: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Train a copy of a model further, on other events of the same geometry and units.

    The scaling of its inputs stays; calibration and the out-of-distribution flag are fitted to the
    new events. By default the learning rate is a fifth of the first training's. Training events of
    both trainings are left out when the new model is evaluated.

    Args:
        model: what to begin with, or its run directory.
        data: training events, as for :func:`train`.
        out: run directory to write; by default one that is gone with the model.
        device: as for :func:`train`.
        seed: of the split and all random numbers; that of the first training by default.
        epochs: passes over the new training events.
        budget_s: seconds after which the training ends.
        processes: that train together on this machine.
        resume: go on with the run in ``out``.
        quiet: no progress bar.
        **settings: any other setting that leaves the network's shape as it is, such as
            ``learning_rate``.

    Returns:
        The new model; the old one stays as it is.

    Raises:
        InputError: events of another geometry, of other units, or too few; a setting that does
            not fit the weights.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(400, seed=5, quiet=True)
        >>> mine = cv.fine_tune(cv.pretrained("egamma"), crops, epochs=1, quiet=True)
        >>> mine.predict(crops[:3]).probability.shape
        (3,)
    """
    from calovision.tasks.models import recorded_config
    from calovision.tasks.training import train as run

    begun = model if isinstance(model, Model) else load_model(model)
    if begun.task == "symmetry":
        raise InputError("a symmetry model cannot be fine-tuned", "train a new one")
    first: Training = recorded_config(begun._trained.run)
    given = settings | _given(
        seed=seed, epochs=epochs, budget_s=budget_s, processes=processes, device=device
    )
    # How long and on how much the first training went says nothing about this one.
    fresh = {"budget_s": 1e9, "events": 0, "learning_rate": FINE_RATE * first.learning_rate}
    module = begun._trained.module
    chosen = first.model_dump() | fresh | given | ({"module": module} if module else {})
    from calovision.tasks.config import load_config

    settled = load_config(begun.task, begun.name, None, chosen)
    holds, folder = _place(out)
    store = _on_disk(data, folder)
    begun._trained.loaded().check(store.geometry)
    run(settled, store, folder, resume=resume, quiet=quiet, start=begun._trained.run)
    return _trained(folder, device, module, holds)


def load_model(path: str | Path, *, device: str = "auto", module: nn.Module | None = None) -> Model:
    """The trained model in a run directory.

    Args:
        path: what ``out`` was in :func:`train`, or ``--out`` of ``calovision train``.
        device: where the network computes.
        module: the network, of a run that trained one of your own: its class is not recorded.

    Raises:
        InputError: no finished run there, no such device, or ``module`` is missing.

    Example:
        >>> import calovision as cv
        >>> cv.pretrained("egamma").save("kept").task, cv.load_model("kept").name
        ('egamma', 'crop-net')
    """
    return Model(path, device=device, module=module)


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
        >>> cv.pretrained("jet-tagger").name
        'particle-transformer'
    """
    from calovision.tasks.pretrained import pretrained_run

    return Model(pretrained_run(task), device=device)


def _given(**settings: Any) -> dict[str, Any]:
    """The settings that are not left to the preset."""
    return {name: value for name, value in settings.items() if value is not None}


def _place(out: str | Path | None) -> tuple[TemporaryDirectory[str] | None, Path]:
    """The run directory, in a temporary folder where none is asked for."""
    if out is not None:
        return None, Path(out)
    holds = TemporaryDirectory(prefix="calovision-")
    return holds, Path(holds.name) / "run"


def _trained(
    folder: Path,
    device: str | None,
    module: nn.Module | None,
    holds: TemporaryDirectory[str] | None,
) -> Model:
    made = Model(folder, device=device or "auto", module=module)
    if holds is not None:
        made._trained.hold(holds)
    return made


def _on_disk(data: Data, out: Path) -> EventStore:
    """The events as a set on disk; those in memory are written beside the run, which needs them.

    Raises:
        InputError: not events, or others are there.
    """
    if isinstance(data, str | Path):
        return EventStore.open(data)
    if isinstance(data, EventStore):
        return data
    if not isinstance(data, EventSet):
        raise InputError(f"{type(data).__name__} for this task", "give events of a detector")
    folder = out.with_name(f"{out.name}-events")
    if (folder / "manifest.json").exists():
        there = EventStore.open(folder)
        if there.load().hash == data.load().hash:
            return there
        raise InputError(f"{folder} holds other events", "choose another out")
    return save(data, folder, provenance={"source": "cv.train", "of": data.provenance})
