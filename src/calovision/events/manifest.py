"""What a manifest may claim, before anything is read or memory is taken by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calovision.events.shards import shard_name

EVENTS_PER_BYTE = 4  #: most events in a byte of a shard: a row group takes more than it says
_MOST, _VALUES = 1 << 48, ("float32", "float64")


def check_claims(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a manifest that claims what no set of ours can hold.

    Args:
        folder: of the set.
        manifest: its content, which may be anything.

    Raises:
        ValueError: a claim is false; other errors of a lookup where something is missing.
    """
    shards, columns = manifest["shards"], manifest["columns"]
    counts = [(s["index"], s["events"], s["hits"], s["bytes"]) for s in shards]
    if not all(type(n) is int and 0 <= n < _MOST for numbers in counts for n in numbers):
        raise ValueError("counts")
    if not all(isinstance(s["sha256"], str) for s in shards) or manifest["value"] not in _VALUES:
        raise ValueError("types")
    if not all(isinstance(x, dict) for x in (columns, manifest["units"], manifest["provenance"])):
        raise ValueError("columns")
    totals = tuple(sum(c[i] for c in counts) for i in (1, 2))
    if totals != (manifest["events"], manifest["hits"]) or len({c[0] for c in counts}) < len(
        counts
    ):
        raise ValueError("totals")
    for index, events, _, size in counts:
        # Memory is taken by the number of events before anything is read.
        path = folder / shard_name(index)
        if events > EVENTS_PER_BYTE * min(size, path.stat().st_size if path.is_file() else size):
            raise ValueError("more events than fit")
