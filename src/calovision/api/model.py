"""A trained model: scores, reconstructions, generated events, results, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.api.compression import Compressing
from calovision.api.evaluate import evaluate
from calovision.api.generate import Label, Range, generate
from calovision.api.given import events_of
from calovision.api.reconstruct import Reconstruction, reconstruct
from calovision.api.results import Results
from calovision.api.trained import Trained
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.store import EventStore

if TYPE_CHECKING:
    from torch import nn

    from calovision.api.symmetry import Symmetry
    from calovision.deploy.export import Exported
    from calovision.events.digits import DigitSet
    from calovision.models.classify import Scores


class Model(Compressing):
    """A trained model and its run directory, from ``train``, ``load_model`` or ``pretrained``.

    Args:
        path: run directory of a finished training.
        device: where the network computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``,
            ``"mps"``.
        module: the network, of a run that trained one of your own.

    Raises:
        InputError: not a finished run, or no such device.

    Attributes:
        path: the run directory.
        task, name: of the training, such as ``"jet-tagger"`` and ``"particle-transformer"``.

    Example:
        >>> import calovision as cv
        >>> cv.pretrained("egamma").to("cpu").name
        'crop-net'
    """

    def __init__(
        self, path: str | Path, *, device: str = "auto", module: nn.Module | None = None
    ) -> None:
        self._trained = Trained(Path(path), device, module)
        self.path = self._trained.run.path
        self.task, self.name = str(self.config["task"]), str(self.config["model"])

    @property
    def config(self) -> dict[str, Any]:
        """Every setting of the training."""
        return self._trained.config

    @property
    def budget(self) -> dict[str, Any]:
        """Time, steps, parameters, memory and device of the training, and warnings about it."""
        return self._trained.run.budget()

    @property
    def card(self) -> str:
        """Markdown: what the model is, what it learned from, how good it is."""
        from calovision.models.card import card

        return card(self._trained.run)

    @property
    def network(self) -> nn.Module:
        """The PyTorch module: what was trained, with its preparation of events around it."""
        return self._trained.loaded()

    def to(self, device: str) -> Model:
        """Compute on another device from now on, if there is such one; gives the model itself."""
        self._trained.to(device)
        return self

    def predict(
        self, events: EventSet | str | Path, *, out: str | Path | None = None, quiet: bool = True
    ) -> Scores:
        """Score events with a tagger, in memory that does not grow with a set on disk.

        Args:
            events: to be scored.
            out: file to write a row an event to as well, ``.parquet`` or ``.csv``; then the
                scores tell in ``training`` which events are training events.
            quiet: no progress bar.

        Returns:
            ``probability``, ``logit`` and ``out_of_distribution``, ``(n,)`` each.

        Raises:
            InputError: the model classifies nothing, events of another geometry, or ``out``
                cannot be written.

        Example:
            >>> import calovision as cv
            >>> crops = cv.simulate.egamma(6, seed=3, quiet=True)
            >>> cv.pretrained("egamma").predict(crops).probability.shape
            (6,)
        """
        from calovision.models.classify import classify, score

        task, events = self._trained.of_kind("tagger"), events_of(events)
        if out is not None:
            return classify(Path(out), self._trained.run, task, events, quiet=quiet)
        task.check_geometry(events.geometry)
        return score(task, events, quiet)

    def reconstruct(
        self,
        events: EventSet | str | Path,
        *,
        seed: int = 1,
        out: str | Path | None = None,
        quiet: bool = True,
    ) -> Reconstruction:
        """Send events through an autoencoder.

        Args:
            events: to be reconstructed.
            seed: of what is drawn.
            out: folder of a set to write instead of keeping the reconstructions in memory;
                latent means go to ``OUT/latent.npy``. An interrupted call goes on there.
            quiet: no progress bar.

        Raises:
            InputError: the model is no autoencoder, events of another geometry, or a folder that
                is taken.

        Example:
            >>> import calovision as cv
            >>> jets = cv.pretrained("jet-generator").generate(2, seed=3)
            >>> cv.pretrained("jet-vae").reconstruct(jets).bits > 0
            array([ True,  True])
        """
        folder = None if out is None else Path(out)
        return reconstruct(self._trained, events_of(events), seed, folder, quiet)

    def generate(
        self,
        events: int = 1000,
        *,
        label: Label | None = None,
        pt: Range | None = None,
        m0: Range | None = None,
        gen_pt: Range | None = None,
        gen_m0: Range | None = None,
        steps: int | None = None,
        strict: bool = False,
        oversample: int = 1,
        seed: int = 1,
        out: str | Path | None = None,
        quiet: bool = True,
    ) -> Events | EventStore:
        """New events of a generator.

        Args:
            events: number of events.
            label: class of every event; both by default.
            pt: lowest and highest reconstructed transverse momentum, GeV.
            m0: the same of the reconstructed mass, GeV.
            gen_pt: the same of the generator-level transverse momentum, GeV.
            gen_m0: the same of the generator-level mass, GeV.
            steps: steps of the solver; fewer are faster.
            strict: refuse what lies beyond the training events instead of warning.
            oversample: draws of the detector of each collision, where there is one: faster, but
                events of equal ``event_id`` are alike; a warning says what they are worth.
            seed: of all random numbers; the first events of a longer call are the same.
            out: folder of a set to write instead; an interrupted call goes on there.
            quiet: no progress bar.

        Raises:
            InputError: it generates nothing, not what is asked for, or the folder is taken.

        Warns:
            UserWarning: a range reaches beyond the training events, or events share collisions.

        Example:
            >>> import calovision as cv
            >>> made = cv.pretrained("jet-generator").generate(4, label="gluon", pt=(100, 140))
            >>> len(made), made.pt.min() >= 100
            (4, np.True_)
        """
        given = (("pt", pt), ("m0", m0), ("gen_pt", gen_pt), ("gen_m0", gen_m0))
        ranges = {name: bounds for name, bounds in given if bounds}
        how: dict[str, Any] = {"strict": strict, "seed": seed, "steps": steps, "quiet": quiet}
        how |= {"oversample": oversample}
        return generate(self._trained, events, label, ranges, out, **how)

    def discover(
        self,
        data: DigitSet | EventSet | str | Path,
        *,
        latent: int | None = None,
        quiet: bool = True,
    ) -> Symmetry:
        """Look for symmetries of a trained latent space, as flows.

        What was found before, in the run, is read.

        Args:
            data: the set that the model was trained on, or its folder.
            latent: dimension of the flow's latent space; by default the model's.
            quiet: no progress bars.

        Raises:
            InputError: the model is of another task, other data, or no such dimension.

        Example:
            >>> import calovision as cv
            >>> found = cv.pretrained("symmetry").discover(cv.simulate.digits((1, 2)))
            >>> len(found.generators)
            1
        """
        from calovision.api.symmetry import discovered

        return discovered(self._trained, data, latent=latent, quiet=quiet)

    def evaluate(
        self,
        events: EventSet | DigitSet | str | Path,
        *,
        seed: int = 1,
        judges: str | Sequence[str] | None = None,
        quiet: bool = True,
    ) -> Results:
        """Measure the model on events that it has not seen; those of its training are left out.

        Of symmetries, flows are measured on held-out images. For ``cv.report``, results are kept in
        the run; for a model that comes with the package, in a copy.

        Args:
            events: of the kind that the model was trained on, or the folder of a set.
            seed: of the bootstrap and all else that is random.
            judges: who tells what a VAE or generator makes from true events; see ``cv.compare``.
            quiet: no progress bar.

        Raises:
            InputError: too few unseen events, of another geometry, or an unknown judge.

        Example:
            >>> import calovision as cv
            >>> crops = cv.simulate.egamma(300, seed=3, quiet=True)
            >>> cv.pretrained("egamma").evaluate(crops)["auc"].value > 0.5
            True
        """
        if self.task == "symmetry":
            return self.discover(events, quiet=quiet).evaluate()
        return evaluate(self._trained, events_of(events), seed=seed, judges=judges, quiet=quiet)

    def export(
        self, path: str | Path, *, data: EventSet | None = None, seed: int = 1
    ) -> list[Exported]:
        """Write the model as ONNX, preparation included, once it says what the model says.

        Args:
            path: file to write, ``NAME.onnx``; models of several parts become ``NAME-PART.onnx``.
            data: events to compare on; random ones by default.
            seed: of the random events.

        Returns:
            The files written: ``path``, and ``difference`` of their numbers from the model's,
            relative to their size where that is above 1.

        Raises:
            InputError: the model cannot be exported, or the extra ``deploy`` is not installed.
        """
        from calovision.deploy.export import export as exported

        one = self._trained
        return exported(one.run, one.loaded(), Path(path), data=data, seed=seed)

    def save(self, path: str | Path) -> Model:
        """Copy the run into a new or empty folder, and give the model that lies there.

        Its ``README.md`` is its card as Hugging Face reads it: uploaded as a repository, the folder
        is what ``cv.pretrained("hf://owner/name")`` loads.
        """
        self._trained.copy_to(Path(path))
        return Model(path, device=self._trained.device, module=self._trained.module)

    def __repr__(self) -> str:
        spent = self.budget
        return (
            f"Model({self.task}, {self.name}): {spent.get('parameters', '?')} parameters, trained"
            f" {spent.get('wall_s', '?')} s on {spent.get('device', '?')}, in {self.path}"
        )
