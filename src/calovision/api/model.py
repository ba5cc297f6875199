"""A trained model in a notebook: score, reconstruct, generate, discover, measure, export."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from calovision.api.results import Results
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from calovision.tasks.task import Task

Label = Literal["gluon", "quark"] | int
Range = tuple[float, float]


@dataclass(frozen=True)
class Scores:
    """What a tagger says about ``n`` events.

    Attributes:
        probability: ``(n,)`` calibrated probability of class 1 (quark, electron), in [0, 1].
        logit: ``(n,)`` logarithm of the odds that the network gives, before calibration.
        out_of_distribution: ``(n,)`` true for events unlike those of the training: do not use
            their scores.
    """

    probability: NDArray[np.float64]
    logit: NDArray[np.float64]
    out_of_distribution: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.probability)

    def plot_roc(self, labels: NDArray[Any]) -> Figure:
        """Background rejection against signal efficiency, with the AUC.

        Args:
            labels: ``(n,)`` 0 or 1.

        Raises:
            InputError: labels of another length, or of one class only.
        """
        from matplotlib.figure import Figure
        from sklearn.metrics import roc_auc_score, roc_curve

        labels = np.asarray(labels)
        if labels.shape != (len(self),) or set(np.unique(labels)) != {0, 1}:
            raise InputError(
                f"labels of shape {labels.shape} for {len(self)} scores", "give a 0 or 1 for each"
            )
        background, signal, _ = roc_curve(labels, self.probability)
        auc = roc_auc_score(labels, self.probability)
        figure = Figure(figsize=(4.6, 4.0), layout="constrained")
        ax = figure.subplots()
        kept = background > 0
        ax.plot(signal[kept], 1 / background[kept], label=f"AUC {auc:.4f}")
        ax.plot(signal[1:], 1 / np.maximum(signal[1:], 1e-9), "--", color="grey", label="guessing")
        ax.set(yscale="log", xlabel="signal efficiency", ylabel="background rejection", xlim=(0, 1))
        ax.legend()
        return figure


@dataclass(frozen=True)
class Reconstruction:
    """What an autoencoder makes of ``n`` events.

    Attributes:
        events: the reconstructions, in the order of the originals.
        latent: ``(n, L)`` latent means.
        bits: ``(n,)`` information in an event's code by the prior, bits; none for models that do
            not tell.
    """

    events: Events
    latent: NDArray[np.float32]
    bits: NDArray[np.float64] | None = None


class Model:
    """A trained model and the folder that it lies in.

    Made by :func:`~calovision.train`, :func:`~calovision.load_model` and
    :func:`~calovision.pretrained`.

    Args:
        path: run directory of a finished training.
        device: where the network computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``,
            ``"mps"``.

    Raises:
        InputError: not a finished run, or no such device.
    """

    def __init__(self, path: str | Path, *, device: str = "auto") -> None:
        from calovision.tasks.rundir import RunDir

        self._run = RunDir(Path(path))
        self._task: Task | None = None
        self._holds: TemporaryDirectory[str] | None = None
        self._device = device
        described = self._run.describe()["config"]
        self.task = str(described["task"])
        self.name = str(described["model"])

    @property
    def path(self) -> Path:
        """The run directory."""
        return self._run.path

    @property
    def config(self) -> dict[str, Any]:
        """Every setting of the training."""
        found: dict[str, Any] = self._run.describe()["config"]
        return found

    @property
    def budget(self) -> dict[str, Any]:
        """Time, steps, parameters and device of the training."""
        return self._run.budget()

    @property
    def network(self) -> nn.Module:
        """The PyTorch module: what was trained, with its preparation of events around it."""
        return self._loaded()

    def to(self, device: str) -> Model:
        """Compute on another device from now on; the model itself is returned."""
        from calovision.tasks.devices import chosen_device

        self._loaded().to(chosen_device(device))
        self._device = device
        return self

    def predict(self, events: EventSet, *, quiet: bool = True) -> Scores:
        """Score events with a tagger, in memory that does not grow with a set on disk.

        Raises:
            InputError: the model classifies nothing, or events of another geometry.
        """
        from calovision.tasks.classify import score

        task = self._of_kind("tagger", "jet-tagger or egamma")
        task.check(events.geometry)
        found = score(task, events, quiet)
        return Scores(found.probability, found.logit, found.out_of_distribution)

    def reconstruct(self, events: EventSet, *, seed: int = 1, quiet: bool = True) -> Reconstruction:
        """Send events through an autoencoder.

        Raises:
            InputError: the model is no autoencoder, or events of another geometry.
        """
        from calovision.tasks.reconstruct import reconstructions

        task = self._of_kind("autoencoder", "jet-vae")
        task.check(events.geometry)
        rebuilt, latent = reconstructions(task, events.load(), seed, quiet)
        return Reconstruction(rebuilt, latent)

    def generate(
        self,
        events: int,
        *,
        label: Label | None = None,
        pt: Range | None = None,
        m0: Range | None = None,
        gen_pt: Range | None = None,
        gen_m0: Range | None = None,
        steps: int | None = None,
        seed: int = 1,
    ) -> Events:
        """New events of a generator.

        Args:
            events: number of events.
            label: class of every event; both by default.
            pt: lowest and highest reconstructed transverse momentum, GeV.
            m0: the same of the reconstructed mass, GeV.
            gen_pt: the same of the generator-level transverse momentum, GeV.
            gen_m0: the same of the generator-level mass, GeV.
            steps: steps of the solver; fewer are faster.
            seed: of all random numbers; the first events of a longer call are the same.

        Raises:
            InputError: the model generates nothing, or what is asked for cannot be met.
        """
        from calovision.tasks.generator import generated
        from calovision.tasks.request import Request

        task = self._of_kind("generator", "jet-generator")
        given = {"pt": pt, "m0": m0, "gen_pt": gen_pt, "gen_m0": gen_m0}
        number = task.geometry.class_number(label) if isinstance(label, str) else label
        request = Request(number, {name: bounds for name, bounds in given.items() if bounds})
        return generated(task, events, request, seed=seed, steps=steps)

    def evaluate(self, events: EventSet, *, seed: int = 1, quiet: bool = True) -> Results:
        """Measure the model on events that it has not seen; those of its training are left out.

        Raises:
            InputError: too few events that the training has not seen.
        """
        from calovision.studies.evaluation import evaluate

        return Results(evaluate(self.path, events, seed=seed, quiet=quiet))

    def export(
        self, path: str | Path, *, data: EventSet | None = None, seed: int = 1
    ) -> list[Path]:
        """Write the model as ONNX, compared with itself; see ``calovision export --help``.

        Args:
            path: file to write, ``NAME.onnx``.
            data: events to compare on; random ones by default.
            seed: of the random events.

        Returns:
            The files written.

        Raises:
            InputError: the model cannot be exported, or the extra ``deploy`` is not installed.
        """
        from calovision.tasks.export import export

        return [file.path for file in export(self.path, Path(path), data=data, seed=seed)]

    def save(self, path: str | Path) -> Model:
        """Copy the run into a new folder, and give the model that lies there.

        Raises:
            InputError: the folder is not empty.
        """
        from calovision.events.files import occupied

        if occupied(Path(path)):
            raise InputError(f"{path} is not empty", "choose a new folder")
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return Model(path, device=self._device)

    def __repr__(self) -> str:
        budget = self._run.budget()
        return (
            f"Model({self.task}, {self.name}): {budget.get('parameters', '?')} parameters,"
            f" trained {budget.get('wall_s', '?')} s on {budget.get('device', '?')}, in {self.path}"
        )

    def _loaded(self) -> Task:
        """The task with its weights, read once."""
        if self._task is None:
            from calovision.tasks.models import load_task

            self._task = load_task(self._run)
        return self._task

    def _of_kind(self, kind: str, tasks: str) -> Any:
        """The task, if it is of the kind.

        Raises:
            InputError: it is of another one.
        """
        from calovision.tasks.autoencoder import AutoencoderTask
        from calovision.tasks.generator import GeneratorTask
        from calovision.tasks.tagger import TaggerTask

        kinds = {"tagger": TaggerTask, "autoencoder": AutoencoderTask, "generator": GeneratorTask}
        task = self._loaded()
        if not isinstance(task, kinds[kind]):
            raise InputError(f"a {self.task} model is no {kind}", f"use a {tasks} model")
        return task
