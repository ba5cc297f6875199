"""Fingerprints of events, which recognise the same event in any file.

An event has two fingerprints. That of its **image** is a hash of its hits: cells, codes and values.
That of its **origin** is a hash of the generated particle or jet, where the set records it: it
recognises the same jet after another simulation of the detector. Neither depends on seeds, names,
labels or the order of events, so that both survive export, conversion, shuffling and joining.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.on_disk import EventSelection
from calovision.events.reader import EventStore

Prints = NDArray[np.uint64]

#: columns that distinguish one generated jet, or one generated particle, from all others
ORIGINS: dict[str, tuple[str, ...]] = {
    "jets": ("gen_pt", "gen_m0", "eta", "phi"),
    "crops": ("energy", "eta", "phi", "z"),
    # Showers are generated for the incident energies of true ones, which are no origin then.
    "showers": (),
}
UNKNOWN = np.uint64(0)  #: fingerprint of an image without hits, and of an unknown origin
_HALF, _KEPT = np.uint32(1 << 15), np.uint32(16)  # rounds a float32 to 8 significant bits
_ORIGIN = np.uint64(0x6F726967696E)  # no image is hashed like an origin


@dataclass(frozen=True)
class FingerprintIndex:
    """Fingerprints in which others are looked up.

    Attributes:
        prints: sorted uint64, of which the uppermost bits count.
        bits: how many; fewer than 64 in files that come with the package.
    """

    prints: Prints
    bits: int = 64

    def contains(self, prints: Prints) -> NDArray[np.bool_]:
        """``(n,)`` whether each of the ``prints`` is known; an unknown one never is."""
        if not len(self.prints):
            return np.zeros(len(prints), np.bool_)
        shift = np.uint64(64 - self.bits)
        wanted = prints >> shift
        place = np.searchsorted(self.prints >> shift, wanted)
        near = self.prints[np.minimum(place, len(self.prints) - 1)] >> shift
        found: NDArray[np.bool_] = (near == wanted) & (prints != UNKNOWN)
        return found


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of ``n`` events.

    Attributes:
        image: ``(n,)`` uint64 of the hits.
        origin: ``(n,)`` uint64 of the generated jet or particle.
    """

    image: Prints
    origin: Prints

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Fingerprints:
        return Fingerprints(self.image[rows], self.origin[rows])

    def index(self) -> FingerprintIndex:
        """All of them: what :meth:`isin` looks events up in."""
        found = np.unique(np.concatenate([self.image, self.origin]))
        return FingerprintIndex(found[found != UNKNOWN])

    def image_index(self) -> FingerprintIndex:
        """Those of the images alone."""
        found = np.unique(self.image)
        return FingerprintIndex(found[found != UNKNOWN])

    def isin(self, index: FingerprintIndex) -> NDArray[np.bool_]:
        """``(n,)`` whether an event's image or its origin is in an index."""
        return index.contains(self.image) | index.contains(self.origin)

    def repeated(self) -> NDArray[np.bool_]:
        """``(n,)`` whether an earlier event has the same image."""
        _, first = np.unique(self.image, return_index=True)
        again = np.ones(len(self), np.bool_)
        again[first] = False
        again &= self.image != UNKNOWN
        return again

    def groups(self, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64] | None:
        """``(n,)`` numbers that are equal for events which are the same, or of one group.

        Args:
            groups: ``(n,)``, such as numbers of collisions.

        Returns:
            ``groups`` itself where no event is there twice.
        """
        keys = [k for k in (self.image, self.origin) if _has_repeats(k)]
        if not keys:
            return groups
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self)
        events, nodes, size = [], [], n
        for key in keys if groups is None else [*keys, groups]:
            known = np.flatnonzero(key != UNKNOWN) if key.dtype == np.uint64 else np.arange(n)
            distinct, number = np.unique(key[known], return_inverse=True)
            events.append(known)
            nodes.append(size + number)
            size += len(distinct)
        rows, columns = np.concatenate(events), np.concatenate(nodes)
        joined = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
        _, member = connected_components(joined, directed=False)
        return np.asarray(member[:n], np.int64)


def fingerprints(source: EventSet) -> Fingerprints:
    """Fingerprints of all events, in order; a set on disk is read shard by shard.

    Origins count only where they distinguish events: not in a set whose events share few of them,
    as those of a particle gun do.
    """
    if isinstance(source, EventSelection):
        return fingerprints(source.whole)[source.numbers]
    return _of_store(source) if isinstance(source, EventStore) else _of([source.load()])


@lru_cache(maxsize=4)
def _of_store(store: EventStore) -> Fingerprints:
    return _of(store.shards(ORIGINS[store.geometry.schema]))


def _of(parts: Iterable[Events]) -> Fingerprints:
    none = np.zeros(0, np.uint64)
    images, origins = [none], [none]
    for part in parts:
        images.append(image_prints(part))
        origins.append(origin_prints(part))
    image, origin = np.concatenate(images), np.concatenate(origins)
    if 2 * len(np.unique(origin)) < len(np.unique(image)):
        origin = np.full_like(origin, UNKNOWN)
    return Fingerprints(image, origin)


def image_prints(events: Events) -> Prints:
    """``(n,)`` hash of the hits of every event, which does not depend on their order.

    Values are rounded to 8 significant bits (0.4 %), so that float64 and float32, or energies that
    went through GeV and back, seldom differ. Two different events have the same hash with a
    probability of about 1e-19.
    """
    keys = events.code.astype(np.uint64)
    keys <<= np.uint64(16)
    keys |= events.cell
    keys <<= np.uint64(32)
    bits = events.value.astype(np.float32).view(np.uint32)
    bits += _HALF
    bits >>= _KEPT
    keys |= bits
    totals = np.zeros(len(keys) + 1, np.uint64)
    np.cumsum(_mix(keys), out=totals[1:])
    mixed = _mix(totals[events.offsets[1:]] - totals[events.offsets[:-1]])
    return np.where(events.n_hits > 0, mixed, UNKNOWN)


def origin_prints(events: Events) -> Prints:
    """``(n,)`` hash of the columns of the generated jet or particle, if the set has all of them."""
    names = ORIGINS[events.geometry.schema]
    columns = [events.columns.get(name) for name in names or ("",)]
    mixed = np.full(len(events), _ORIGIN)
    for column in columns:
        if column is None or column.dtype.kind != "f" or column.ndim != 1:
            return np.full(len(events), UNKNOWN)
        bits = (column.astype(np.float32) + np.float32(0)).view(np.uint32)  # -0 is 0
        mixed = _mix(mixed ^ bits.astype(np.uint64))
    return mixed


def _has_repeats(prints: Prints) -> bool:
    known = prints[prints != UNKNOWN]
    return len(np.unique(known)) < len(known)


def _mix(keys: Prints) -> Prints:
    """Scatter 64-bit keys (the finaliser of splitmix64, doi:10.1145/2660193.2660195)."""
    mixed = keys + np.uint64(0x9E3779B97F4A7C15)
    shifted = np.empty_like(mixed)  # memory is taken once: this runs over every hit
    for bits, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        np.right_shift(mixed, np.uint64(bits), out=shifted)
        mixed ^= shifted
        if factor > 1:
            mixed *= np.uint64(factor)
    return mixed
