"""Graph views of stored sets, made once and kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from calovision.events.graphs import CHUNK, Arrays, GraphView, Space, graph_arrays
from calovision.events.store import EventStore
from calovision.utils.cache import digest
from calovision.utils.cache import folder as users_folder
from calovision.utils.compiled import key

_META = "arrays.json"


def graph_view(
    store: EventStore, k: int, space: Space = "position", *, cache: bool = True, workers: int = 1
) -> GraphView:
    """The graph view of a whole set, read from disk where it was made before.

    The arrays stay on disk and are mapped, so memory does not grow with the set. A cache that
    cannot be read or written only costs the time of making the view again, in memory.

    Args:
        store: the set; the cache is found by its content, not by its path.
        k: neighbours of a pixel.
        space: see :meth:`GraphView.of`.
        cache: keep the result in the cache folder (``CALOVISION_CACHE`` moves it).
        workers: threads.
    """
    if cache:
        folder = cache_folder(store, k, space)
        with contextlib.suppress(OSError):
            if not (folder / _META).is_file():
                _make(folder, store, k, space, workers)
            try:
                return _open(folder, store)
            except (KeyError, ValueError, TypeError):
                shutil.rmtree(folder)
                _make(folder, store, k, space, workers)
                return _open(folder, store)
    return GraphView.of(store.load(), k, space, workers)


def cache_folder(store: EventStore, k: int, space: Space) -> Path:
    """Where the view is kept; another set, ``k``, space or version of the code has another."""
    return users_folder() / "graphs" / digest(store.hash, k, space, key(graph_arrays))


def _make(folder: Path, store: EventStore, k: int, space: Space, workers: int) -> None:
    """Write the arrays chunk by chunk beside ``folder``, which then appears complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}.", suffix=".part"))
    meta: dict[str, dict[str, Any]] = {}
    try:
        for arrays in graph_arrays(store.stream(CHUNK), k, space, workers):
            for name, array in arrays.items():
                shape = meta.setdefault(
                    name, {"dtype": array.dtype.str, "shape": [0, *array.shape[1:]]}
                )["shape"]
                shape[0] += len(array)
                with (part / name).open("ab") as file:
                    file.write(array.tobytes())
        (part / _META).write_text(json.dumps(meta))
        # Somebody else may have made the same view in the meantime: theirs is as good.
        with contextlib.suppress(OSError):
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _open(folder: Path, store: EventStore) -> GraphView:
    arrays: Arrays = {}
    for name, entry in json.loads((folder / _META).read_text()).items():
        shape = tuple(entry["shape"])
        # An empty file cannot be mapped.
        mapped = np.memmap(folder / name, entry["dtype"], "r", shape=shape) if all(shape) else None
        arrays[name] = np.empty(shape, entry["dtype"]) if mapped is None else mapped
    columns = {name: store.column(name) for name in store.columns}
    return GraphView.from_arrays(store.geometry, arrays, columns)
