"""Events through an autoencoder and back, in memory or into a set on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.api.trained import Trained
from calovision.events.event_set import EventSet

CHUNK = 2000  #: events in memory at a time


@dataclass(frozen=True, repr=False)
class Reconstruction:
    """What an autoencoder makes of ``n`` events.

    Attributes:
        events: the reconstructions, in the order of the originals; of a large set on disk.
        latent: ``(n, L)`` latent means.
        bits: ``(n,)`` information in an event's code, bits: the Kullback-Leibler divergence of
            its distribution from the prior.

    Example:
        >>> import calovision as cv
        >>> jets = cv.pretrained("jet-generator").generate(2, seed=3)
        >>> cv.pretrained("jet-vae").reconstruct(jets).latent.shape
        (2, 1024)
    """

    events: EventSet
    latent: NDArray[np.float32]
    bits: NDArray[np.float64]

    def __repr__(self) -> str:
        n, numbers = self.latent.shape
        return f"Reconstruction of {n} events from {numbers} latent numbers each"


def reconstruct(
    trained: Trained, events: EventSet, seed: int, out: Path | None, quiet: bool
) -> Reconstruction:
    """See :meth:`calovision.api.model.Model.reconstruct`."""
    from calovision.tasks.reconstruct import information, reconstructions
    from calovision.tasks.reconstruct import reconstruct as reconstructed_into

    task = trained.of_kind("autoencoder")
    task.check(events.geometry)
    if out is None:
        held = events.load()
        made, latent = reconstructions(task, held, seed, quiet)
        made.columns = {**held.columns, **made.columns}
        return Reconstruction(made, latent, information(task, held))
    store = reconstructed_into(out, trained.run, task, events, seed=seed, quiet=quiet)
    latent = np.load(store.path / "latent.npy", allow_pickle=False)
    chunks = (events[i : i + CHUNK].load() for i in range(0, len(events), CHUNK))
    return Reconstruction(store, latent, np.concatenate([information(task, c) for c in chunks]))
