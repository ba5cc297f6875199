"""Small files of a study from which its report is drawn; the report's sources say their form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.store import save
from calovision.features.observables import observables
from calovision.reports.sources import ORIGINAL, save_arrays
from calovision.reports.view import in_turn
from calovision.training.run import RunDir
from calovision.utils.files import write_json

EXAMPLES = 12  #: events drawn
SHOWN = 3000  #: events in the latent map and the distributions


def save_curves(out: Path, runs: Mapping[str, RunDir]) -> None:
    """Losses during training, of the models that have any, in curves.json."""
    curves = {model: run.rows() for model, run in runs.items()}
    write_json(out / "curves.json", {model: rows for model, rows in curves.items() if rows})


def save_latent(out: Path, events: Events, latent: NDArray[np.float32]) -> None:
    """Two principal components of the standardised latent means, and what colours the map."""
    shown = slice(0, SHOWN)
    spread = latent.std(0)
    standard = (latent - latent.mean(0)) / (spread + 1e-6) * (spread > 1e-3)
    _, _, axes = np.linalg.svd(standard[shown], full_matrices=False)
    arrays = {
        "coordinates": (standard[shown] @ axes[:2].T).astype(np.float32),
        "label": events.label[shown],
        "pt": events.columns["pt"][shown],
        "multiplicity": events.counts().sum(1)[shown],
    }
    save_arrays(out / "latent.npz", arrays)


def save_examples(out: Path, events: Events, rebuilt: dict[str, Events], seed: int) -> None:
    """Small sets of the same originals and reconstructions, both classes in turn."""
    chosen = in_turn(events, EXAMPLES)
    originals = events[chosen]
    for name, source in {ORIGINAL: events, **rebuilt}.items():
        subset = source[chosen]
        subset.columns = {**originals.columns, **subset.columns}
        provenance = {"source": "calovision study", "seed": seed}
        save(subset, out / "examples" / name, provenance=provenance, overwrite=True)


def save_distributions(out: Path, events: Events, rebuilt: dict[str, Events]) -> None:
    """Observables of every sample, and summed energies of reconstructions over the true ones."""
    shown = slice(0, SHOWN)
    distributions: dict[str, NDArray[Any]] = {}
    responses: dict[str, NDArray[Any]] = {}
    for name, source in {ORIGINAL: events, **rebuilt}.items():
        for key, values in observables(source[shown]).items():
            distributions[f"{key}/{name}"] = values.astype(np.float32)
        if name == ORIGINAL:
            continue
        for c, channel in enumerate(events.geometry.channel_names):
            true = events.sums()[:, c]
            ratio = source.sums()[true > 0, c] / true[true > 0]
            responses[f"{channel}/{name}"] = ratio.astype(np.float32)
    save_arrays(out / "distributions.npz", distributions)
    save_arrays(out / "responses.npz", responses)
