"""Statistics of an event set: counts, occupancy, energies, spectra, provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.digits import DigitSet
from calovision.events.plausibility import contents, doubts
from calovision.events.reader import EventStore
from calovision.events.weighting import COLUMN, effective, quantiles, scaled

_PERCENTILES = (5, 50, 95)
_OTHERS = 6  #: labels beside those of the classes that are listed
_SPECTRA = ("pt", "m0")


def info(store: EventStore) -> dict[str, Any]:
    """A JSON-ready summary of a set; reads it once in flat memory.

    Occupancy counts nonzero pixels, as in the public sets' descriptions, and hits (readout
    cells); energies are sums per event in GeV, times means over its hits in ns. With a column
    ``weight``, means, deviations, percentiles and fractions are weighted, and
    ``effective_events`` is the number of equally weighted events with the same relative error.
    ``implausible`` lists what contradicts the columns or the public sets, such as another unit.

    Raises:
        InputError: weights that are not finite, or do not sum to more than 0.
    """
    found = contents(store)
    pixels, hits, sums, times = found.pixels, found.hits, found.sums, found.means
    raw = store.column(COLUMN) if COLUMN in store.columns else np.ones(len(store))
    weights = scaled(raw, len(store), signed=True)
    label = store.column("label") if "label" in store.columns else None
    names = store.geometry.classes
    masks: dict[str, NDArray[np.bool_]] = {"all": np.ones(len(store), np.bool_)}
    if label is not None:
        masks |= {name: label == k for k, name in enumerate(names)}
        for value in np.setdiff1d(label, (0, 1))[:_OTHERS]:
            masks[f"label {value:g}"] = label == value
    spectra = {name: store.column(name) for name in _SPECTRA if name in store.columns}
    channels = store.geometry.channel_names
    of_time = [c.is_time for c in store.geometry.channels]
    classes: dict[str, dict[str, Any]] = {}
    for name, mask in masks.items():
        if not mask.any():
            classes[name] = {"events": 0}
            continue
        of = None if weights is None else weights[mask]
        if of is not None and of.sum() <= 0:
            classes[name] = {"events": int(mask.sum()), "fraction": float(of.sum() / len(store))}
            continue
        energies = [(i, c) for i, c in enumerate(channels) if not of_time[i]]
        classes[name] = {
            "events": int(mask.sum()),
            "fraction": float(np.average(mask, weights=weights)),
            "effective_events": effective(raw[mask]),
            "pixels": {c: _stats(pixels[mask, i], of) for i, c in enumerate(channels)},
            "hits": {c: _stats(hits[mask, i], of) for i, c in enumerate(channels)},
            "energy": {c: _stats(sums[mask, i], of) for i, c in energies},
            **{k: _stats(v[mask], of) for k, v in spectra.items()},
        }
        # An event without hits has no time.
        timed = {c: mask & (hits[:, i] > 0) for i, c in enumerate(channels) if of_time[i]}
        classes[name]["time"] = {
            c: _stats(times[some, channels.index(c)], None if weights is None else weights[some])
            for c, some in timed.items()
            if some.any() and (weights is None or weights[some].sum() > 0)
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
        "implausible": doubts(found, store.columns, store.geometry),
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


def _stats(values: NDArray[Any], weights: NDArray[np.float64] | None) -> dict[str, float]:
    """Mean, deviation and percentiles of some events, weighted."""
    value = np.asarray(values, np.float64)
    if weights is None:
        low, middle, high = np.percentile(values, _PERCENTILES)
        mean, variance = np.mean(value), np.var(value)
    else:
        low, middle, high = quantiles(value, np.array(_PERCENTILES) / 100, weights)
        mean = np.average(value, weights=weights)
        variance = np.maximum(np.average((value - mean) ** 2, weights=weights), 0)
    return {
        "mean": float(mean),
        "std": float(np.sqrt(variance)),
        "p5": float(low),
        "p50": float(middle),
        "p95": float(high),
    }
