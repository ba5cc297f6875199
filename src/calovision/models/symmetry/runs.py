"""Training of a latent space in a run directory, and the flows found in it.

Beside what every run has, each latent dimension that was searched has a folder::

    d5/model.safetensors   vae.*, oracle.*, and field.K.* or, of ours, action.{matrix,basis}
    d5/found.json          what the search says: evidence, spectrum, seconds
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.rotation import rotate
from calovision.models.symmetry.autoencoder import train_vae
from calovision.models.symmetry.checkpoints import Keeper
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.group_vae import GroupVAE, PlaneTurn
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.published import published_field, train_published_vae
from calovision.models.symmetry.settings import IsometrySettings, PublishedSettings, Settings
from calovision.models.symmetry.space import (
    LatentSpace,
    freeze,
    new_oracle,
    train_oracle,
    vae_space,
)
from calovision.networks.image_vae import ConvVAE, ImageVAE
from calovision.training.checkpoints import read_checkpoint, write_checkpoint
from calovision.training.devices import chosen_device, described, enough_memory, peak_memory_mb
from calovision.training.minimise import Report
from calovision.training.run import RunDir, alike
from calovision.training.weights import load_modules, read_weights, save_modules
from calovision.utils import streams
from calovision.utils.files import write_json, writing
from calovision.utils.interruption import Interrupted, Stop, handled_by
from calovision.utils.unreadable import exists, read_json

#: settings that may be larger when a training goes on
LENGTHS = frozenset({"vae_steps", "epochs"})


@dataclass(frozen=True)
class Flows:
    """A latent space and the flows found in it.

    Attributes:
        vae: the VAE that belongs to the flows.
        oracle: classifier of its latent points.
        fields: generators; the first is the rotation, if there is one.
        action: linear action on images that the first was made from; none for the baseline.
        about: content of ``found.json``.
    """

    vae: ImageVAE
    oracle: nn.Module
    fields: tuple[nn.Module, ...]
    action: LinearAction | None
    about: dict[str, Any]

    @property
    def space(self) -> LatentSpace:
        """The latent space."""
        return vae_space(self.vae, self.oracle)

    def to(self, device: torch.device) -> Flows:
        """A copy on a device, or this very one if it is there."""
        if next(self.vae.parameters()).device == device:
            return self
        vae, oracle = copy.deepcopy(self.vae).to(device), copy.deepcopy(self.oracle).to(device)
        fields = tuple(copy.deepcopy(field).to(device) for field in self.fields)
        action = self.action and self.action.to(device)
        return replace(self, vae=vae, oracle=oracle, fields=fields, action=action)


def generator(seed: int, stage: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Random numbers of one stage, which do not depend on what was done before."""
    return streams.torch_rng(streams.Stream.SYMMETRY, seed, stage, device=device)


def train(
    settings: Settings, data: ImageData, out: Path, *, resume: bool = False, quiet: bool = False
) -> RunDir:
    """Train the VAE and its oracle.

    With ``resume``, an interrupted training goes on, and a finished one too if its VAE is to have
    more steps or epochs; else it is left as it is.

    Raises:
        InputError: ``out`` holds another run, or one at all without ``resume``, or the device is
            not there.
        Interrupted: by Ctrl-C or SIGTERM; what was reached is kept.
    """
    device = chosen_device(settings.device)
    run = RunDir(out)
    run.start(settings, dict(data.describe()), resume=resume, lengths=LENGTHS)
    _prolong(run, settings)
    if run.weights.exists():
        return run
    stop = Stop()
    smaller = f"ask for a smaller batch: --set batch={max(settings.batch // 2, 2)}"
    with handled_by(stop.arrived), enough_memory(device, smaller):
        try:
            _trained(settings, data.to(device), run, device, stop, quiet)
        except Interrupted:
            raise
        except KeyboardInterrupt:
            raise Interrupted(run.how_to_go_on("stopped between the stages")) from None
    return run


def _trained(
    settings: Settings,
    data: ImageData,
    run: RunDir,
    device: torch.device,
    stop: Stop,
    quiet: bool,
) -> None:
    """Train from where the run has come to."""
    torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 0))
    random = generator(settings.seed, 0, device)
    vae = new_vae(settings, data.pixels, settings.latent).to(device)
    keeper = Keeper(run, stop, random)
    if not keeper.stages:
        run.metrics.unlink(missing_ok=True)
    warp = settings.warp if isinstance(settings, IsometrySettings) else 0.0
    stream = data.stream(settings.angles, warp)
    with progress(f"train {run.path.name}", quiet, run) as report:
        options: dict[str, Any] = {"random": random, "report": report, "keeper": keeper}
        if isinstance(settings, PublishedSettings):
            angles = 2 * math.pi / settings.angles * torch.arange(settings.angles, device="cpu")
            fixed = torch.cat([rotate(data.train[0], float(a)) for a in angles])
            train_published_vae(vae, fixed, settings, **options)
        else:
            train_vae(vae, stream, settings, **options)
    freeze(vae)
    oracle = train_oracle(vae, stream, len(data.classes), settings, random=random, keeper=keeper)
    budget = {
        **keeper.spent(),
        "parameters": sum(p.numel() for p in vae.parameters()),
        "device": described(device),
        "memory_mb": peak_memory_mb(device),
    }
    write_json(run.path / "budget.json", budget)
    save_modules(run.weights, {"vae": vae, "oracle": oracle})


def _prolong(run: RunDir, settings: Settings) -> None:
    """Record another length; a finished run whose VAE is to have more steps is opened again.

    What was found in its latent space is removed, since that will be another one.

    Raises:
        InputError: it is finished, and cannot be made longer.
    """
    before, now = run.config_of(type(settings)), settings.model_dump()
    if before == now or (run.weights.exists() and alike(before, now)):
        return
    if run.weights.exists():
        state = read_checkpoint(run.checkpoint)
        if state is None:
            raise InputError(
                f"{run.path} is finished, and its last.ckpt is gone", "choose another --out"
            )
        if not any(now[name] > before.get(name, now[name]) for name in LENGTHS & now.keys()):
            raise InputError(f"{run.path} is finished", "ask for more steps than it has had")
        state["state_dict"] = {k: v for k, v in state["state_dict"].items() if k == "VAE"}
        write_checkpoint(run.checkpoint, state)
        run.weights.unlink()
        for name in ("results.json", "ablation.json"):
            (run.path / name).unlink(missing_ok=True)
        for found in run.path.glob("d*/found.json"):
            found.unlink()
    run.record(now)


def new_vae(settings: Settings, pixels: int, latent: int) -> ImageVAE:
    """An untrained VAE of the model's kind."""
    kind = ConvVAE if isinstance(settings, PublishedSettings) else ImageVAE
    return kind(pixels, latent)


def settings_of(run: RunDir) -> Settings:
    """Settings of a run of this task.

    Raises:
        InputError: the run is of another task.
    """
    config = run.describe()["config"]
    if config.get("task") != "symmetry":
        raise InputError(
            f"{run.path} is a run of task {config.get('task')}",
            "give one of 'calovision train symmetry'",
        )
    kind = PublishedSettings if config.get("model") == "baseline" else IsometrySettings
    try:
        return kind.model_validate(config)
    except ValidationError as error:
        raise InputError(
            f"{run.path} has settings that this version does not know", "train again"
        ) from error


def load_space(run: RunDir, data: ImageData) -> tuple[ImageVAE, nn.Module]:
    """The trained VAE and its oracle, where the data are.

    Raises:
        InputError: the training is not finished.
    """
    run.budget()
    settings = settings_of(run)
    vae = new_vae(settings, data.pixels, settings.latent)
    oracle = new_oracle(settings, settings.latent, len(data.classes))
    load_modules(run.weights, {"vae": vae, "oracle": oracle})
    device = data.train[0].device
    return vae.to(device), oracle.to(device)


def save_flows(folder: Path, flows: Flows) -> None:
    """Write a folder of flows; ``found.json`` comes last."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    modules = {"vae": flows.vae, "oracle": flows.oracle, "field": nn.ModuleList(flows.fields)}
    action = {}
    if flows.action is not None:
        parts = {"matrix": flows.action.matrix, "basis": flows.action.basis}
        action = {f"action.{k}": t.cpu().contiguous() for k, t in parts.items()}
    save_modules(folder / "model.safetensors", modules, action)
    write_json(folder / "found.json", flows.about)


def load_flows(run: RunDir, data: ImageData, latent: int) -> Flows:
    """The flows found in one latent dimension.

    Raises:
        InputError: none were looked for.
    """
    folder = run.path / f"d{latent}"
    try:
        about = read_json(folder / "found.json") if exists(folder / "found.json") else None
    except ValueError:
        about = None
    if about is None:
        raise InputError(
            f"{run.path} has no flows at latent dimension {latent}", "run 'calovision discover'"
        )
    settings, classes = settings_of(run), len(data.classes)
    state = read_weights(folder / "model.safetensors")
    fields: list[nn.Module] = []
    vae, action = new_vae(settings, data.pixels, latent), None
    if {"action.matrix", "action.basis"} <= state.keys():
        action = LinearAction(state["action.matrix"], state["action.basis"])
    if isinstance(settings, PublishedSettings):
        number = len({k.split(".")[1] for k in state if k.startswith("field.")})
        fields = [published_field(latent) for _ in range(number)]
    elif action is not None and "vae.orbits" in state:
        vae, fields = GroupVAE(action, classes, latent), [PlaneTurn()]
    oracle = new_oracle(settings, latent, classes)
    modules = {"vae": vae, "oracle": oracle, "field": nn.ModuleList(fields)}
    load_modules(folder / "model.safetensors", modules)
    return Flows(vae, oracle, tuple(fields), action, about)


@contextmanager
def progress(what: str, quiet: bool, run: RunDir | None = None) -> Iterator[Report]:
    """A bar for one stage, and rows in the run's log."""
    begin = time.perf_counter()
    form = "{l_bar}{bar}| [{elapsed}<{remaining}{postfix}]"
    with tqdm(total=100.0, disable=quiet, desc=what, unit="%", bar_format=form) as bar:

        def report(share: float, losses: dict[str, float]) -> None:
            bar.n = round(100 * share, 1)
            bar.set_postfix({k: f"{v:.3g}" for k, v in losses.items()})
            if run is not None:
                spent = round(time.perf_counter() - begin, 2)
                row = {"step": round(1000 * share), "wall_s": spent}
                run.append(row | {f"train_{k}": v for k, v in losses.items()})

        yield report
        bar.n = 100.0
        bar.refresh()
