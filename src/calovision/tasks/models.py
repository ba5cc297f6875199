"""Make an autoencoder task from its configuration, or load a trained one from its run."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load_file

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.tasks.autoencoder import AutoencoderTask
from calovision.tasks.config import TASKS, DenseVAEConfig, PointVAEConfig, load_config
from calovision.tasks.dense_vae import DenseVAETask
from calovision.tasks.point_vae import PointVAETask
from calovision.tasks.point_view import PointView, Scaling
from calovision.tasks.rundir import RunDir


def build(
    config: PointVAEConfig | DenseVAEConfig, geometry: Geometry, train: Events
) -> AutoencoderTask:
    """A fresh task, its scaling fitted to the training events."""
    if isinstance(config, DenseVAEConfig):
        largest = float(train.value.max(initial=1e-6))
        return DenseVAETask(geometry, largest, latent=config.latent)
    scaling = Scaling.fit(PointView.of(train, config.points), len(geometry.channels))
    return _point(config, geometry, scaling)


def _point(config: PointVAEConfig, geometry: Geometry, scaling: Scaling) -> PointVAETask:
    return PointVAETask(
        geometry,
        scaling,
        beta=config.beta,
        code=config.code,
        points=config.points,
        width=config.width,
    )


def recorded_config(run: RunDir) -> PointVAEConfig | DenseVAEConfig:
    """The configuration recorded in a run directory, checked again.

    Raises:
        InputError: no run there, or one of another task.
    """
    recorded = run.describe()["config"]
    if recorded.get("task") not in TASKS:
        raise InputError(
            f"{run.path} is a run of another task, {recorded.get('task')}", "give a jet-vae run"
        )
    return load_config(recorded["task"], recorded.get("model"), overrides=recorded)


def load_task(run: RunDir) -> AutoencoderTask:
    """The trained task of a finished run, in evaluation mode.

    Raises:
        InputError: no run there, of another task, unfinished, or with broken weights.
    """
    config = recorded_config(run)
    if not run.weights.exists():
        raise InputError(f"the training in {run.path} is not finished", "go on with --resume")
    geometry = Geometry.from_dict(run.describe()["data"]["geometry"])
    try:
        state = load_file(run.weights)
        task: AutoencoderTask
        if isinstance(config, DenseVAEConfig):
            task = DenseVAETask(geometry, 1.0, latent=config.latent)
        else:
            scaling = Scaling(**{f: state[f] for f in Scaling.__dataclass_fields__})
            task = _point(config, geometry, scaling)
        task.load_state_dict(state)
    except (SafetensorError, RuntimeError, KeyError, OSError):
        raise InputError(f"{run.weights} is damaged", "train again") from None
    return task.eval()
