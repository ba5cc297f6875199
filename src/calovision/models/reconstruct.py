"""Reconstruction of an event set by a trained autoencoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.events.event_set import EventSet
from calovision.events.events import Events, concatenate
from calovision.events.store import EventStore, StoreWriter
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.training.devices import enough_memory
from calovision.training.run import RunDir
from calovision.training.seen_events import known_training_events
from calovision.utils import streams
from calovision.utils.files import atomic

CHUNK = 250  #: events reconstructed at a time
SHARD = 2000  #: events of the input read, and written as one shard, at a time


def encoded(task: AutoencoderTask, events: Events, quiet: bool = False) -> NDArray[np.float32]:
    """Latent means ``(n, L)`` of events."""
    codes = []
    for start in tqdm(
        range(0, len(events), CHUNK), "encode", disable=quiet, unit="chunk", leave=False
    ):
        chunk = events[start : start + CHUNK]
        with enough_memory(task.device):
            means, _ = task.codes(task.dataset(chunk), np.arange(len(chunk)))
        codes.append(np.asarray(means.cpu().numpy()))
    return np.concatenate([np.zeros((0, task.latent_numbers), np.float32), *codes])


def decoded(
    task: AutoencoderTask,
    codes: NDArray[np.float32],
    seed: int,
    quiet: bool = False,
    first: int = 0,
) -> Events:
    """Events of codes ``(n, L)``, in order.

    Args:
        task: the autoencoder.
        codes: latent numbers.
        seed: of what is drawn.
        quiet: no progress bar.
        first: number of the first event in the whole set.
    """
    sets = []
    for start in tqdm(
        range(0, len(codes), CHUNK), "decode", disable=quiet, unit="chunk", leave=False
    ):
        place = first + start
        generator = streams.torch_rng(streams.Stream.RECONSTRUCT, seed, place, device=task.device)
        chunk = torch.from_numpy(codes[start : start + CHUNK]).to(task.device)
        with enough_memory(task.device):
            sets.append(task.decode(chunk, generator))
    return concatenate(sets)


def reconstructions(
    task: AutoencoderTask, events: Events, seed: int, quiet: bool = False, first: int = 0
) -> tuple[Events, NDArray[np.float32]]:
    """Reconstructed events, in order, and their latent means ``(n, L)``; see :func:`decoded`."""
    codes = encoded(task, events, quiet)
    return decoded(task, codes, seed, quiet, first), codes


def information(task: AutoencoderTask, events: Events) -> NDArray[np.float64]:
    """``(n,)`` information in the codes of events, bits; see :meth:`AutoencoderTask.bits`."""
    found = []
    for start in range(0, len(events), CHUNK):
        chunk = events[start : start + CHUNK]
        found.append(task.bits(task.dataset(chunk), np.arange(len(chunk))))
    return np.concatenate([np.zeros(0), *found])


def reconstruct(
    out: Path,
    directory: RunDir,
    task: AutoencoderTask,
    store: EventSet,
    *,
    seed: int = 1,
    quiet: bool = False,
) -> EventStore:
    """Write the reconstruction of ``store`` by a run's trained task to ``out``, in the same order.

    Labels and truth columns are copied; ``pt`` and ``m0`` are the decoded ones where the model
    decodes them. Latent means ``(n, L)`` float32 go to ``out/latent.npy``. An interrupted call
    goes on where it stopped.

    Raises:
        InputError: images of another geometry, or a folder that is taken.
    """
    task.check_geometry(store.geometry)
    seen = known_training_events(directory, store)
    provenance = {
        "made_by": "reconstruct",
        "run": str(directory.path),
        "model": directory.describe()["config"]["model"],
        "source": store.hash,
        "seed": seed,
        "training_events": None if seen is None else int(seen.sum()),
    }
    writer = StoreWriter(out, store.geometry, provenance=provenance)
    pieces = [Path(out) / f".latent-{i:05d}.npy" for i in range(-(-len(store) // SHARD))]
    for index, piece in enumerate(pieces):
        if index in writer.done() and piece.exists():
            continue
        start = index * SHARD
        chunk = store[start : min(start + SHARD, len(store))].load()
        rebuilt, latent = reconstructions(task, chunk, seed, quiet, start)
        rebuilt.columns = {**chunk.columns, **rebuilt.columns}
        with atomic(piece) as part, part.open("wb") as file:
            np.save(file, latent)
        writer.write(index, rebuilt)
    # The set is finished last: what is not finished is taken up again.
    with atomic(Path(out) / "latent.npy") as part, part.open("wb") as file:
        np.save(file, np.concatenate([np.load(p, allow_pickle=False) for p in pieces]))
    for piece in pieces:
        piece.unlink()
    return writer.finish()
