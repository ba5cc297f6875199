"""Reconstruction of events by an autoencoder, in memory or into a set on disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.api.trained import Trained
from calovision.events.event_set import EventSet

CHUNK = 2000  #: events in memory at a time


class Reconstruction:
    """What an autoencoder makes of ``n`` events.

    Args:
        events: the reconstructions.
        latent: ``(n, L)`` latent means.
        bits: counts the information in the codes when it is asked for.
        surprise: tells how unlike those of the training codes are, when it is asked for.

    Attributes:
        events: the reconstructions, in the order of the originals; of a large set on disk.
        latent: ``(n, L)`` latent means.

    Example:
        >>> import calovision as cv
        >>> jets = cv.pretrained("jet-generator").generate(2, seed=3)
        >>> cv.pretrained("jet-vae").reconstruct(jets).latent.shape
        (2, 1024)
    """

    def __init__(
        self,
        events: EventSet,
        latent: NDArray[np.float32],
        bits: Callable[[], NDArray[np.float64]],
        surprise: Callable[[], NDArray[np.float64]],
    ) -> None:
        self.events, self.latent, self._bits, self._surprise = events, latent, bits, surprise

    @cached_property
    def bits(self) -> NDArray[np.float64]:
        """``(n,)`` information in an event's code, bits.

        The Kullback-Leibler divergence of its distribution from the prior.
        """
        return self._bits()

    @cached_property
    def surprise(self) -> NDArray[np.float64]:
        """``(n,)`` how unlike those of the training an event's code is, bits.

        Minus the logarithm of its probability by the law of codes: a score of anomalies.

        Raises:
            InputError: the model was trained before there were such laws.
        """
        return self._surprise()

    def __repr__(self) -> str:
        n, numbers = self.latent.shape
        return f"Reconstruction of {n} events from {numbers} latent numbers each"


def reconstruct(
    trained: Trained, events: EventSet, seed: int, out: Path | None, quiet: bool
) -> Reconstruction:
    """See :meth:`calovision.api.model.Model.reconstruct`."""
    from calovision.models.compression import law_of
    from calovision.models.reconstruct import information, reconstructions
    from calovision.models.reconstruct import reconstruct as reconstructed_into

    task = trained.of_kind("autoencoder")
    task.check_geometry(events.geometry)

    def bits() -> NDArray[np.float64]:
        chunks = (events[i : i + CHUNK].load() for i in range(0, len(events), CHUNK))
        return np.concatenate([np.zeros(0), *(information(task, chunk) for chunk in chunks)])

    made: EventSet
    if out is None:
        held = events.load()
        made, latent = reconstructions(task, held, seed, quiet)
        made.columns = {**held.columns, **made.columns}
    else:
        made = reconstructed_into(out, trained.run, task, events, seed=seed, quiet=quiet)
        latent = np.load(made.path / "latent.npy", allow_pickle=False)

    def surprise() -> NDArray[np.float64]:
        law = law_of(task)
        return law.bits(law.symbols(latent))

    return Reconstruction(made, latent, bits, surprise)
