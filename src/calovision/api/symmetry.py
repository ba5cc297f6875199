"""Symmetries of a latent space, as flows that turn images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.api.results import Results
from calovision.api.trained import Trained
from calovision.errors import InputError
from calovision.events.digits import DigitSet
from calovision.events.event_set import EventSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.metrics.value import Metric
    from calovision.models.symmetry.data import ImageData
    from calovision.models.symmetry.flows import Field
    from calovision.models.symmetry.runs import Flows

SHOWN = 4  #: images in a picture of orbits
TURN = 2 * math.pi  #: time after which a flow of period one turn has come back


class Symmetry:
    """What was found in a latent space.

    Args:
        flows: the flows, and the latent space that they act in.
        data: the images on which they are measured.
        path: run directory.
        device: where they are computed.

    Attributes:
        verdict: what the search says, in words.
        measured: metrics of :meth:`evaluate`, of this latent dimension alone.
        about: everything that it says, as in ``found.json``.

    Example:
        >>> import calovision as cv
        >>> digits = cv.simulate.digits((1, 2))
        >>> found = cv.pretrained("symmetry").discover(digits)
        >>> found.orbit(digits.images[:2], [0.0, 1.57, 3.14]).shape
        (2, 3, 28, 28)
    """

    def __init__(self, flows: Flows, data: ImageData, path: Path, device: str) -> None:
        self._flows, self._data, self._path, self._device = flows, data, path, device
        self._trained: Trained | None = None
        self.about: dict[str, Any] = flows.about
        self.measured: dict[str, Metric] = {}
        self.verdict = str(self.about.get("verdict", ""))

    @property
    def latent(self) -> int:
        """Dimension of the latent space."""
        return self._flows.vae.latent

    @property
    def generators(self) -> tuple[Field, ...]:
        """Vector fields: latent points ``(n, d)`` to velocities ``(n, d)`` per unit of time."""
        return self._flows.fields

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Angular frequencies of the action on images before they were rounded; none published."""
        found = self.about.get("spectrum", {}).get("frequencies", [])
        return np.asarray(found, np.float64)

    def orbit(
        self, images: NDArray[Any], time: NDArray[Any] | float, *, generator: int = 0
    ) -> NDArray[np.float32]:
        """Images that flow from others; of ours a full turn takes a time of 2 pi.

        Args:
            images: ``(n, side, side)`` or one ``(side, side)``, in [0, 1] or 0 to 255 as uint8.
            time: ``(m,)`` or one.
            generator: number of the flow.

        Returns:
            ``(n, m, side, side)`` in [0, 1]; without the axis of what was given alone.

        Raises:
            InputError: no flow was found, or images of another size.
        """
        import torch

        from calovision.models.symmetry.flows import flow

        if not 0 <= generator < len(self.generators):
            raise InputError(
                f"{len(self.generators)} generators were found, no number {generator}",
                "see verdict",
            )
        given = np.asarray(images)
        scale = 255.0 if given.dtype == np.uint8 else 1.0
        alone, side = given.ndim == 2, math.isqrt(self._data.pixels)
        if given.shape[-2:] != (side, side) or given.ndim not in (2, 3):
            raise InputError(f"images of shape {given.shape}", f"give (n, {side}, {side})")
        flat = torch.from_numpy(given.reshape(-1, side * side).astype(np.float32) / scale)
        times = np.atleast_1d(np.asarray(time, np.float64))
        space = self._flows.space
        with torch.no_grad():
            start = space.encode(flat)
            moved = [space.decode(flow(self.generators[generator], start, float(t))) for t in times]
        found: NDArray[np.float32] = (
            torch.stack(moved, 1).cpu().numpy().reshape(len(flat), len(times), side, side)
        )
        found = found[:, 0] if np.ndim(time) == 0 else found
        return found[0] if alone else found

    def plot_orbit(
        self, images: NDArray[Any] | None = None, *, frames: int = 13, generator: int = 0
    ) -> Figure:
        """One row for each image, one turn from left to right.

        Args:
            images: as for :meth:`orbit`; by default held-out ones of all classes.
            frames: pictures in a row.
            generator: number of the flow.

        Raises:
            InputError: as :meth:`orbit`.
        """
        from calovision.utils.picture import Picture

        shown = self._some() if images is None else np.asarray(images)
        shown = shown if shown.ndim == 3 else shown[None]
        times = np.linspace(0, TURN, frames)
        rows = self.orbit(shown, times, generator=generator)
        figure = Picture(figsize=(0.55 * frames, 0.65 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), frames, squeeze=False)
        for number, (row, line) in enumerate(zip(rows, axes, strict=True)):
            for image, time, ax in zip(row, times, line, strict=True):
                ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
                ax.set(xticks=[], yticks=[])
                if number == 0:
                    ax.set_title(f"{time / math.pi:.2g}\u03c0", fontsize=7)
        figure.supxlabel("time along the flow", fontsize=8)
        return figure

    def evaluate(self) -> Results:
        """How far the flows turn held-out images, and how well; kept in the run.

        Returns:
            Metrics such as ``cover_1_d5``: of digit 1, at latent dimension 5, degrees.
        """
        from calovision.evaluation.symmetry.measures import measure, write_results
        from calovision.training.run import RunDir

        metrics, _ = measure(self._flows, self._data, device=self._device)
        if not self._data.turning:
            from calovision.evaluation.symmetry.breaking import breaking

            metrics |= breaking(self._flows, self._data)
        self.measured = metrics
        return Results(write_results(RunDir(self._path), self._data, metrics))

    def __repr__(self) -> str:
        said = f": {self.verdict}" if self.verdict else ""
        return f"Symmetry of a latent space of {self.latent}, {len(self.generators)} found{said}"

    def _some(self) -> NDArray[np.float32]:
        """Some held-out images of every class."""
        images, label = (x.cpu().numpy() for x in self._data.test)
        classes = len(self._data.classes)
        each = -(-SHOWN // classes)
        rows = np.concatenate([np.flatnonzero(label == k)[:each] for k in range(classes)])
        side = math.isqrt(self._data.pixels)
        some: NDArray[np.float32] = images[rows].reshape(-1, side, side)
        return some


def discovered(
    trained: Trained,
    data: DigitSet | EventSet | str | Path,
    *,
    latent: int | None,
    quiet: bool,
) -> Symmetry:
    """See :meth:`calovision.api.model.Model.discover`."""
    from calovision.models.symmetry.data import images_of
    from calovision.models.symmetry.discovery import discover

    if trained.config.get("task") != "symmetry":
        raise InputError(
            f"{trained.run.path} is a {trained.config.get('task')} model", "use a symmetry model"
        )
    images, place = images_of(data), trained.writable_run()
    flows = discover(place, images, latent=latent, device=trained.device, quiet=quiet)
    found = Symmetry(flows, images, place, trained.device)
    found._trained = trained  # whose folder is gone with it
    return found
