"""Detector images: what they are, how they are stored, read, split and batched.

Conversion, export, download and batching live in :mod:`~calovision.events.formats.convert`,
:mod:`~calovision.events.formats.export_dense`, :mod:`~calovision.events.formats.download` and
:mod:`~calovision.events.batching`; they load larger libraries.
"""

from __future__ import annotations

from calovision.events.dense import from_images
from calovision.events.events import Events, concatenate
from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, Channel, Geometry
from calovision.events.splits import split
from calovision.events.store import EventStore, StoreWriter, save, shard_bytes

__all__ = [
    "EGAMMA_CROPS",
    "JET_IMAGES",
    "Channel",
    "EventStore",
    "Events",
    "Geometry",
    "StoreWriter",
    "concatenate",
    "from_images",
    "save",
    "shard_bytes",
    "split",
]
