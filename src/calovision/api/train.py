"""Training of a model of the package, or of the user's own network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.model import Model
from calovision.api.training import Place, given_settings, on_disk, watched
from calovision.errors import InputError
from calovision.models.own import Autoencoder, Tagger

if TYPE_CHECKING:
    from torch import nn

    from calovision.events.digits import DigitSet
    from calovision.events.event_set import EventSet
    from calovision.training.run import RunDir


def train(
    task: str | Tagger | Autoencoder | None = None,
    data: EventSet | DigitSet | str | Path | None = None,
    model: str | None = None,
    *,
    out: str | Path | None = None,
    device: str | None = None,
    seed: int | None = None,
    epochs: float | None = None,
    budget_s: float | None = None,
    processes: int | None = None,
    simulate: int | None = None,
    workers: int | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    skip_corrupt: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Train a model on an event set, of which a part is kept for validation and testing.

    Args:
        task: ``"jet-vae"``, ``"jet-tagger"``, ``"jet-generator"``, ``"egamma"`` or
            ``"symmetry"``; or a network of your own, as ``cv.models.Tagger(module)`` or
            ``cv.models.Autoencoder(module)``. A run that goes on knows its own.
        data: training events, in memory, on disk, or the folder of a set; for ``"symmetry"``
            digits or events. Those in memory are written to a folder ``OUT-events``, since a
            training that goes on needs them. A run that goes on knows its own.
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
        simulate: events that a tagger learns from while they are simulated, each once, in place of
            ``data``; it is watched on others, in a folder ``OUT-events``.
        workers: processes that simulate them, or draw the detector anew (``augment="detector"``).
        resume: go on with the run in ``out``, with its settings; a finished one may be given more
            epochs or a longer budget.
        config: YAML file of settings.
        skip_corrupt: leave out damaged shards of ``data``, with a warning.
        quiet: no progress bar.
        **settings: any other setting of the model, such as ``batch=128``; ``calovision train
            TASK --list`` says which there are.

    Returns:
        The trained model.

    Raises:
        InputError: unknown task, model or setting, data of another kind or too few of them, no
            such device, or ``out`` holds another run.

    Warns:
        UserWarning: the training saw too little, or learned nothing that validation shows.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(400, seed=1, quiet=True)
        >>> tagger = cv.train("egamma", crops, epochs=1, quiet=True)
        >>> tagger.predict(crops[:3]).probability.shape
        (3,)
    """
    given = settings | given_settings(
        seed=seed,
        epochs=epochs,
        budget_s=budget_s,
        processes=processes,
        device=device,
        simulate=simulate,
        workers=workers,
    )
    place = Place.of(out, resume)
    known = _begun(place.folder) if resume else None
    if given.get("simulate") and known is None:
        given = {"epochs": 1} | given
    module: nn.Module | None = None
    if isinstance(task, Tagger | Autoencoder):
        if model is not None:
            raise InputError(f"a network of your own and model {model!r}", "leave model out")
        module, model, given = task.module, task.model, task.settings | given
        task = task.task_for(_schema(data)) if known is None else None
    _check_kinds(task, model, config)
    file = None if config is None else Path(config)
    if known is not None:
        task, model, given = _recorded(known, task, model, file, given)
        if data is None:  # what was left out then is left out again
            data = known.data_path()
            skip_corrupt = skip_corrupt or "whole_hash" in known.describe()["data"]
    if task is None or (data is None and not given.get("simulate")):
        missing = "a task, such as jet-tagger" if task is None else "an event set (--data)"
        raise InputError("nothing to train", f"give {missing}")
    if task == "symmetry":
        from calovision.models.symmetry.settings import load_settings

        if budget_s is not None or (epochs is not None and model != "baseline"):
            raise InputError(
                "a symmetry training has no epochs or budget_s",
                "say how many steps: vae_steps=, oracle_steps= (see train symmetry --list)",
            )
        chosen = load_settings(model, file, given)
        from calovision.models.symmetry.data import images_of
        from calovision.models.symmetry.runs import train as run_symmetry

        images = images_of("" if data is None else data, skip_corrupt=skip_corrupt)
        run_symmetry(chosen, images, place.folder, resume=resume, quiet=quiet)
    else:
        from calovision.models.config import load_config

        own = {} if module is None else {"module": module}
        settled = load_config(task, model, file, given | own)
        if getattr(settled, "frozen", False) and known is None:
            raise InputError(
                "frozen weights of a network that has learned nothing",
                "begin with those of a model: cv.fine_tune, calovision train --from RUN",
            )
        store = watched(settled, data if known is None else None, place.folder, quiet)
        store = store or on_disk(data, place.folder, skip_corrupt)
        # PyTorch takes seconds to load: bad input should not have to wait for it.
        from calovision.models.train import train as run

        run(settled, store, place.folder, resume=resume, quiet=quiet)
    return place.model(device, module)


def _schema(data: EventSet | DigitSet | str | Path | None) -> str:
    from calovision.api.data import opened
    from calovision.events.event_set import EventSet

    given: object = opened(data) if isinstance(data, str | Path) else data
    return given.geometry.schema if isinstance(given, EventSet) else ""


def _check_kinds(task: object, model: object, config: object) -> None:
    """Refuse what stands in the wrong place.

    Raises:
        InputError: the task or the model is no text, or the settings are no file.
    """
    if not isinstance(task, str | None):
        if hasattr(task, "state_dict"):
            name = type(task).__name__
            raise InputError(
                f"{name} is a network of your own",
                f"say what it is for: cv.models.Tagger({name}(...))",
            )
        raise InputError(
            f"{type(task).__name__} in place of a task", "give the task first, then the events"
        )
    if not isinstance(model, str | None):
        raise InputError(f"{model!r:.40} is no model", "give its name, such as 'baseline'")
    if not isinstance(config, str | Path | None):
        raise InputError("config is no file", "give single settings as keywords, batch=128")


def _begun(folder: Path) -> RunDir | None:
    """The run that was begun in a folder, if there is one."""
    from calovision.training.run import RunDir

    run = RunDir(folder)
    return run if run.begun else None


def _recorded(
    run: RunDir, task: str | None, model: str | None, file: Path | None, given: dict[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """Task, model and settings of a run, with what is given in their place.

    Raises:
        InputError: it is a run of another task or model.
    """
    from calovision.models.config import read_settings

    config = run.describe()["config"]
    written = read_settings(file) if file else {}
    for name, asked in (("task", task), ("model", model or written.get("model"))):
        if asked is not None and asked != config.get(name):
            raise InputError(
                f"{run.path} holds a run with another configuration:"
                f" {name} is {config.get(name)} there, not {asked}",
                "leave it out, or choose another --out",
            )
    if config.get("task") != "symmetry":
        from calovision.models.load import recorded_config

        config = recorded_config(run).model_dump()
    return str(config["task"]), str(config["model"]), config | written | given
