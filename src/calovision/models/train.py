"""Training of a task on an event set into a run directory, in one process or several."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore
from calovision.events.weighting import check_weights
from calovision.models.config import KINDS
from calovision.models.load import rebuild, suitable, task_class
from calovision.models.taggers.settings import TaggerTraining
from calovision.models.taggers.sources import source_of
from calovision.training.distributed import current_group, own_device, session
from calovision.training.extend import prolong
from calovision.training.launchers import check_rendezvous
from calovision.training.loop import NOT_BEGUN
from calovision.training.parts import parts_of
from calovision.training.run import RunDir, alike
from calovision.training.seen_events import remember
from calovision.training.settings import OWN, Training
from calovision.training.sources import Source
from calovision.training.trainer import fit, tidy
from calovision.utils.files import FREE_SPACE, write_bytes
from calovision.utils.interruption import Interrupted

_GO_ON = "free some space, then go on with --resume"


def train(
    config: Training,
    store: EventStore,
    out: Path,
    *,
    resume: bool = False,
    quiet: bool = False,
    start: RunDir | None = None,
) -> RunDir:
    """Train ``config`` on the training part of ``store`` and write the run to ``out``.

    With ``resume``, a run that was interrupted goes on from its last state, and one that is
    finished from its end, if there are more epochs or there is more time than before. With
    ``start``, a new run begins with the weights of that finished one, of the same model and sizes.
    Of several processes, all return when the run is complete.

    Raises:
        InputError: ``out`` holds another run, the device is not there, or the set is too small or
            of the wrong kind.
        Interrupted: by Ctrl-C or SIGTERM; what was reached is kept.
    """
    config = _as_placed(config)
    device = own_device(config.device, config.processes)
    if config.processes > 1 and current_group().size == 1 and config.model.startswith(OWN):
        raise InputError(
            "processes that are started here know nothing of your network",
            "start the script itself with torchrun",
        )
    schema, kind = KINDS.get(config.task, ("jets", "jets"))
    if store.geometry.schema != schema:
        raise InputError(
            f"{store.path} does not hold {schema}", f"give a set of 'data simulate {kind}'"
        )
    suitable(config, store.geometry)
    parts, source = _sources(config, store)
    if min(len(source) // config.processes, len(parts["validation"])) < 2:
        raise InputError(f"{store.where} has too few events to train on", "give some hundred")
    for part in ("train", "validation"):
        check_weights(store, parts[part])
    run = RunDir(out)
    data = {
        "path": str(store.path.absolute()),
        "hash": store.hash,
        "events": len(store),
        "split": {k: len(v) for k, v in parts.items()} | {"train": len(source)},
        "geometry": store.geometry.to_dict(),
    }
    if store.skipped:
        data["whole_hash"] = store.whole.hash
    if start is not None:
        data["start"] = {
            "run": str(start.path.absolute()),
            "seed": start.describe()["config"].get("seed"),
        }
    if current_group().rank == 0:
        run.start(config, data, resume=resume)
        _check_module(run, config, store.geometry)
        _take_weights(run)
        prolong(run, config)
        remember(run, store, parts, None if start is None else start.path)
    # Of a run that is opened again, the first process may not have moved the weights yet.
    if run.weights.exists() and alike(run.config_of(type(config)), config.model_dump()):
        tidy(run)
        return run
    with session(config.processes, run.path, device) as group:
        if group.rank:
            # The first process has found the run in order: this one must find the same.
            run.start(config, data, resume=True)
        try:
            fit(task_class(config), config, store, parts, run, group, device, quiet, source)
        except InputError as error:
            if error.remedy != FREE_SPACE:
                raise
            raise InputError(error.problem, _GO_ON) from error
        except OSError as error:
            raise InputError(
                f"cannot write the run in {run.path}: {error.strerror or error}", _GO_ON
            ) from None
        except Interrupted:
            raise
        except KeyboardInterrupt:
            reached = "stopped before the next step" if run.checkpoint.exists() else NOT_BEGUN
            raise Interrupted(run.how_to_go_on(reached)) from None
    return run


def _sources(config: Training, store: EventStore) -> tuple[dict[str, NDArray[np.int64]], Source]:
    """Parts of a set, and where the training events come from; of simulated ones all validate.

    Raises:
        InputError: the set cannot be divided so, or lacks what the configuration asks for.
    """
    if not isinstance(config, TaggerTraining):
        parts = parts_of(store, config)
        return parts, Source(store, parts["train"])
    if config.simulate:
        none = np.zeros(0, np.int64)
        parts = {"train": none, "validation": np.arange(len(store)), "test": none}
    else:
        parts = parts_of(store, config)
    return parts, source_of(config, store, parts["train"])


def _check_module(run: RunDir, config: Training, geometry: Geometry) -> None:
    """Check that a network of the user's own is the one that a run was begun with.

    Raises:
        InputError: it is another one.
    """
    if config.model.startswith(OWN) and run.weights.exists():
        rebuild(config, geometry, run.weights)


def _take_weights(run: RunDir) -> None:
    """Copy the weights that a run begins with into it, once.

    Raises:
        InputError: they are no longer there.
    """
    start = run.describe()["data"].get("start")
    if start is None or any(f.exists() for f in (run.weights, run.checkpoint, run.start_weights)):
        return
    weights = RunDir(Path(str(start["run"]))).weights
    if not weights.exists():
        raise InputError(f"{weights}, which {run.path} begins with, is not there", "begin anew")
    write_bytes(run.start_weights, weights.read_bytes())


def recorded_data(run: RunDir, *, skip_corrupt: bool = False) -> EventStore:
    """The event set that a run was begun with.

    Raises:
        InputError: it is no longer where it was, or damaged.
    """
    # What was left out then is left out again.
    skip = skip_corrupt or "whole_hash" in run.describe()["data"]
    return EventStore.open(run.data_path(), skip_corrupt=skip)


def _as_placed(config: Training) -> Training:
    """The configuration with the number of processes that there are.

    Raises:
        InputError: another number is asked for.
    """
    size = current_group().size
    if size == 1:
        return config
    if config.processes not in (1, size):
        raise InputError(
            f"{size} processes were started, not {config.processes}", "leave --processes out"
        )
    check_rendezvous(os.environ)
    return config.model_copy(update={"processes": size})
