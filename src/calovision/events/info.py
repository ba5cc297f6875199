"""What is in an event set: counts, occupancy, energies, spectra and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.digits import DigitSet
from calovision.events.reader import EventStore

CLASS_NAMES = {"jets": ("gluon", "quark"), "crops": ("photon", "electron")}
_PERCENTILES = (5, 50, 95)
_BATCH = 4096
_SPECTRA = ("pt", "m0")


def info(store: EventStore) -> dict[str, Any]:
    """A JSON-ready summary of a set; reads it once in flat memory.

    Occupancy counts nonzero pixels, as in the public sets' descriptions, and hits (readout
    cells); energies are sums per event in GeV (``time`` in its own unit).
    """
    pixels, hits, sums = _per_event(store)
    label = store.column("label") if "label" in store.columns() else None
    names = CLASS_NAMES[store.geometry.schema]
    masks: dict[str, NDArray[np.bool_]] = {"all": np.ones(len(store), np.bool_)}
    if label is not None:
        masks |= {name: label == k for k, name in enumerate(names)}
    spectra = {name: store.column(name) for name in _SPECTRA if name in store.columns()}
    channels = store.geometry.channel_names
    classes: dict[str, dict[str, Any]] = {}
    for name, mask in masks.items():
        if not mask.any():
            classes[name] = {"events": 0}
            continue
        classes[name] = {
            "events": int(mask.sum()),
            "fraction": float(mask.mean()),
            "pixels": {c: _stats(pixels[mask, i]) for i, c in enumerate(channels)},
            "hits": {c: _stats(hits[mask, i]) for i, c in enumerate(channels)},
            "energy": {c: _stats(sums[mask, i]) for i, c in enumerate(channels)},
            **{k: _stats(v[mask]) for k, v in spectra.items()},
        }
    shards = store.manifest["shards"]
    return {
        "path": str(store.path),
        "hash": store.hash,
        "geometry": store.geometry.name,
        "events": len(store),
        "hits": int(store.manifest["hits"]),
        "bytes": sum(int(s["bytes"]) for s in shards),
        "shards": len(shards),
        "skipped_shards": [int(s["index"]) for s in store.skipped],
        "value": store.manifest["value"],
        "columns": store.manifest["columns"],
        "units": store.manifest["units"],
        "classes": classes,
        "provenance": store.manifest["provenance"],
    }


def info_of_digits(path: Path, found: DigitSet) -> dict[str, Any]:
    """A JSON-ready summary of a set of digits: images of every digit for training and testing."""
    counts = {
        str(digit): {
            name: int((found.label[found.test == test] == digit).sum())
            for name, test in (("training", False), ("test", True))
        }
        for digit in found.classes
    }
    return {
        "path": str(path),
        "hash": found.hash,
        "images": len(found),
        "digits": counts,
        "provenance": found.provenance,
    }


def _per_event(store: EventStore) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Nonzero pixels, hits and energy ``(n, channels)`` of every event."""
    width = len(store.geometry.channels)
    pixels, hits, sums = [], [], []
    for events in store.stream(_BATCH):
        index = events.owner * width + events.channel
        area = np.bincount(index, events.area, minlength=len(events) * width)
        pixels.append(area.reshape(len(events), width))
        hits.append(events.counts())
        sums.append(events.sums())
    return np.concatenate(pixels), np.concatenate(hits), np.concatenate(sums)


def _stats(values: NDArray[Any]) -> dict[str, float]:
    low, middle, high = np.percentile(values, _PERCENTILES)
    return {
        "mean": float(np.mean(values, dtype=np.float64)),
        "std": float(np.std(values, dtype=np.float64)),
        "p5": float(low),
        "p50": float(middle),
        "p95": float(high),
    }
