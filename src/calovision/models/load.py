"""Tasks from their configuration, and trained ones from their run directory."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from calovision.errors import ContentError, InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models import MODELS
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.config import load_config, preset_of
from calovision.models.generators.base import GeneratorTask
from calovision.models.taggers.base import TaggerTask
from calovision.training.devices import chosen_device
from calovision.training.run import RunDir
from calovision.training.settings import OWN, Training
from calovision.training.task import Task, untrained_task
from calovision.training.weights import task_from_weights, unusable


def task_class(config: Training) -> type[Task]:
    """The kind of task that a configuration is of."""
    return preset_of(config.task, config.model).task


def suitable(config: Training, geometry: Geometry) -> None:
    """Check that the model of a configuration can be trained on such images.

    Raises:
        InputError: it cannot.
    """
    task_class(config).check_supported(geometry)


def build(config: Training, geometry: Geometry, train: Events) -> Task:
    """A fresh task, its scaling fitted to the training events."""
    return untrained_task(task_class(config), config, geometry, train)


def rebuild(config: Training, geometry: Geometry, weights: Path) -> Task:
    """The task whose weights lie in a file.

    Raises:
        InputError: the file is damaged, or of another task.
    """
    return task_from_weights(task_class(config), config, geometry, weights)


def recorded_config(run: RunDir) -> Training:
    """The configuration recorded in a run directory, checked again.

    Raises:
        InputError: no run there, or one of an unknown task.
    """
    recorded = run.describe()["config"]
    task, model = recorded.get("task"), recorded.get("model")
    if not isinstance(task, str) or task not in MODELS:
        raise InputError(
            f"{run.path} is a run of an unknown task, {task}",
            f"give a run of {', '.join(MODELS)}",
        )
    if not isinstance(model, str):
        return load_config(task, model, overrides=recorded)
    known = run.config_of(preset_of(task, model).config)
    return load_config(task, model, overrides=known)


def with_module(config: Training, module: nn.Module | None, place: Path) -> Training:
    """The settings with the user's own network in them, where it is of one.

    Raises:
        InputError: it is missing, or given to a model that needs none.
    """
    own = config.model.startswith(OWN)
    if own == (module is not None):
        return config.model_copy(update={"module": module}) if own else config
    name = config.model.removeprefix(OWN)
    if own:
        raise InputError(
            f"{place} has the weights of a network of your own, {name}",
            f"give it in Python: cv.load_model({str(place)!r}, module={name}(...))",
        )
    raise InputError(f"{place} is of the model {name}", "leave module out")


def load_task(run: RunDir, device: str = "auto", module: nn.Module | None = None) -> Task:
    """The trained task of a finished run, in evaluation mode.

    Args:
        run: on whatever device it was trained.
        device: where it shall work, see :func:`~calovision.training.devices.chosen_device`.
        module: the network, of a run that trained one of the user's own.

    Raises:
        InputError: no run there, of an unknown task, unfinished, or with broken weights, or the
            device is not there.
    """
    chosen_device(device)  # before anything is read
    config = with_module(recorded_config(run), module, run.path)
    if not run.weights.exists():
        raise InputError(f"the training in {run.path} is not finished", "go on with --resume")
    try:
        geometry = Geometry.from_dict(run.describe()["data"].get("geometry"))
    except ContentError as error:
        raise unusable(run.weights) from error
    return rebuild(config, geometry, run.weights).eval().place(chosen_device(device))


def load_autoencoder(run: RunDir, device: str = "auto") -> AutoencoderTask:
    """The trained autoencoder of a finished run.

    Raises:
        InputError: as :func:`load_task`, or the run is of a task without reconstructions.
    """
    task = load_task(run, device)
    if not isinstance(task, AutoencoderTask):
        raise InputError(f"{run.path} is not an autoencoder", "give a jet-vae run")
    return task


def load_tagger(run: RunDir, device: str = "auto") -> TaggerTask:
    """The trained tagger of a finished run.

    Raises:
        InputError: as :func:`load_task`, or the run is of a task that does not classify.
    """
    task = load_task(run, device)
    if not isinstance(task, TaggerTask):
        raise InputError(f"{run.path} classifies nothing", "give a jet-tagger or egamma run")
    return task


def load_generator(run: RunDir, device: str = "auto") -> GeneratorTask:
    """The trained generator of a finished run.

    Raises:
        InputError: as :func:`load_task`, or the run is of a task that generates nothing.
    """
    task = load_task(run, device)
    if not isinstance(task, GeneratorTask):
        raise InputError(f"{run.path} is not a generator", "give a jet-generator run")
    return task
