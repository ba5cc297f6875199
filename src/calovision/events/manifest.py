"""Reading the manifest of an event set; its numbers are checked before memory is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calovision.errors import ContentError, InputError
from calovision.events.digits import has_digits
from calovision.events.geometry import Geometry
from calovision.events.shards import MANIFEST, SCHEMA_VERSION, UNFINISHED, damaged_shard, shard_name
from calovision.utils.unreadable import exists, read_json, reading

EVENTS_PER_BYTE = 4  #: most events in a byte of a shard: a row group takes more than it says
_MAX_COUNT, _VALUES = 1 << 48, ("float32", "float64")
_KEYS = {"columns": dict, "units": dict, "provenance": dict, "shards": list}
_AGAIN = "make the set again"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished set.

    Raises:
        InputError: no finished set of events is there, it is of another version, or the manifest is
            damaged or cannot be read.
    """
    path = folder / MANIFEST
    if not exists(path):
        raise _no_set(folder)
    try:
        manifest = read_json(path)
    except ValueError as error:
        raise InputError(f"{path} is not a manifest", _AGAIN) from error
    if has_digits(folder):
        raise InputError(
            f"{folder} is a set of digits", "give a set of events, or use 'calovision data info'"
        )
    if "schema_version" not in manifest:
        raise InputError(f"{path} is not a manifest of an event set", _AGAIN)
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise InputError(
            f"{folder} has schema version {manifest['schema_version']}, this release reads "
            f"{SCHEMA_VERSION}",
            "make the set again or use the matching release",
        )
    try:
        check_claims(manifest)
    except ValueError as error:
        raise InputError(f"{path} is damaged", _AGAIN) from error
    return manifest


def check_claims(manifest: dict[str, Any]) -> None:
    """Refuse a manifest that claims what no set of ours can hold.

    Args:
        manifest: its content, which may be anything.

    Raises:
        ValueError: a claim is false, or missing.
    """
    if not all(isinstance(manifest.get(key), kind) for key, kind in _KEYS.items()):
        raise ContentError("keys")
    Geometry.from_dict(manifest.get("geometry"))
    shards = manifest["shards"]
    if not all(isinstance(s, dict) and isinstance(s.get("sha256"), str) for s in shards):
        raise ContentError("shards")
    counts = [tuple(s.get(k) for k in ("index", "events", "hits", "bytes")) for s in shards]
    if not all(type(n) is int and 0 <= n < _MAX_COUNT for numbers in counts for n in numbers):
        raise ContentError("counts")
    if manifest.get("value") not in _VALUES:
        raise ContentError("type")
    totals = tuple(sum(c[i] for c in counts) for i in (1, 2))
    distinct = len({c[0] for c in counts})
    if totals != (manifest.get("events"), manifest.get("hits")) or distinct < len(counts):
        raise ContentError("totals")
    if any(events > EVENTS_PER_BYTE * size for _, events, _, size in counts):
        raise ContentError("more events than fit")


def check_sizes(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse shards too short for their events: memory is taken by these before anything is read.

    Raises:
        DamagedError: one is, by name.
    """
    for shard in manifest["shards"]:
        path = folder / shard_name(shard["index"])
        with reading(path):
            size = path.stat().st_size if path.is_file() else shard["bytes"]
        if shard["events"] > EVENTS_PER_BYTE * size:
            raise damaged_shard(path.name)


def _no_set(folder: Path) -> InputError:
    if not folder.exists():
        return InputError(f"no event set at {folder}", "check the path")
    if folder.is_file():
        return InputError(
            f"{folder} is a file, not an event set", "make a set of it by 'calovision data convert'"
        )
    if exists(folder / UNFINISHED):
        return InputError(
            f"the event set at {folder} is unfinished", "run the command that makes it again"
        )
    return InputError(
        f"{folder} is not an event set (no {MANIFEST})",
        "make one with 'calovision data simulate' or 'calovision data convert'",
    )
