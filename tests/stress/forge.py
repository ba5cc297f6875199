"""Files written in good order, of contents that promise too much or lead elsewhere."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mutate import SIZES, VALUES, Random
from small import toys

ELSEWHERE = "/etc/hostname"
TYPES = ["u1", "u2", "i8", "f2", "f4", "f8", "S3", "?", "c8"]
LENGTHS = [0, 1, 2, 3, 7, 10**9, 10**12]


def _one(choices: list[Any], rng: Random) -> Any:
    return choices[int(rng.integers(len(choices)))]


def hdf5(place: Path, rng: Random) -> Path:
    """Shapes, types and links of any kind, under the right names."""
    path = place / "forged.h5"
    path.unlink(missing_ok=True)
    crops = rng.random() < 0.7
    grid = (32, 32, 2) if crops else (125, 125, 3)
    n = _one(LENGTHS, rng)
    with h5py.File(path, "w") as file:
        for name in ("X", "y") if crops else ("X_jets", "m0", "pt", "y"):
            images = name.startswith("X")
            shape = (n, *grid) if images else (n,)
            if rng.random() < 0.3:
                shape = tuple(int(_one(LENGTHS[1:], rng)) for _ in range(int(rng.integers(0, 4))))
            kind = _one(TYPES, rng) if rng.random() < 0.3 else "f4"
            how = rng.random()
            if how < 0.1:
                file[name] = h5py.ExternalLink(_one([ELSEWHERE, "forged.h5", "a.h5"], rng), "/y")
            elif how < 0.2:
                file[name] = h5py.SoftLink(_one(["/y", f"/{name}", "/nothing"], rng))
            elif how < 0.25:
                file.create_group(name)
            elif how < 0.3 and shape:
                small = tuple(min(s, 64) for s in shape)
                size = int(np.prod(small)) * 4
                file.create_dataset(name, small, "f4", external=[(ELSEWHERE, 0, size)])
            elif how < 0.35 and shape:
                layout = h5py.VirtualLayout(tuple(min(s, 64) for s in shape), "f4")
                file.create_virtual_dataset(name, layout)
            else:
                chunks = tuple(int(min(s, _one([1, 7, 64, 1000], rng))) for s in shape)
                file.create_dataset(
                    name, shape, kind, chunks=chunks if chunks and all(chunks) else None
                )
    return path


def parquet(place: Path, rng: Random) -> Path:
    """Columns of any type and any nesting, under the right names."""
    path = place / "forged.parquet"
    n = int(rng.integers(0, 5))
    lists: list[Any] = [
        [[[1.0, 2.0]]] * n,
        [[[[0.0] * 125] * 125] * 3] * n,
        [[[[0.0] * 2] * 32] * 32] * n,
        [None] * n,
        [["a"]] * n,
        [float("nan")] * n,
        [2**62] * n,
        ["x"] * n,
        [{"a": 1}] * n,
        [True] * n,
    ]
    names = ("X", "y") if rng.random() < 0.5 else ("X_jets", "m0", "pt", "y")
    columns = {name: pa.array(_one(lists, rng)) for name in names}
    if rng.random() < 0.3:
        columns["pt"] = pa.array([1, 2, 1][:n] + [1] * max(n - 3, 0)).dictionary_encode()
    pq.write_table(pa.table(columns), path, row_group_size=max(int(rng.integers(4)), 1))
    return path


def shard(place: Path, rng: Random) -> Path:
    """A shard with hits anywhere, lists of other lengths, and a description that may lie."""
    path = place / "forged.parquet"
    n, counts = 4, rng.integers(0, 5, 4)
    meta: dict[str, Any] = {
        "events": n,
        "hits": int(counts.sum()),
        "geometry": toys().JET_IMAGES.to_dict(),
        "shapes": {"label": []},
    }
    for _ in range(int(rng.integers(0, 3))):
        inside = _one([meta, meta["geometry"], meta["geometry"]["channels"][0]], rng)
        if isinstance(inside, dict) and inside:
            value = deepcopy(_one([*VALUES, *SIZES], rng))
            inside[_one(sorted(inside), rng)] = value
        if not isinstance(meta.get("geometry"), dict) or "channels" not in meta["geometry"]:
            break
        channels = meta["geometry"]["channels"]
        if not isinstance(channels, list | tuple) or not channels:
            break
    columns = {}
    for name, kind, top in (("cell", "u2", 2**16), ("code", "u1", 2**8), ("value", "f4", 9)):
        lengths = counts if rng.random() < 0.8 else rng.integers(0, 5, n)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        high = top if rng.random() < 0.5 else 6
        flat = rng.integers(0, high, offsets[-1]).astype(_one([kind] * 6 + ["i8", "f8"], rng))
        columns[name] = pa.ListArray.from_arrays(offsets, flat)
    columns["label"] = pa.array(_one([[0, 1, 0, 1], [None] * 4, ["a"] * 4, [[1]] * 4], rng))
    table = pa.table(columns).replace_schema_metadata({"calovision": json.dumps(meta)})
    pq.write_table(table, path)
    return path


def safetensors(place: Path, rng: Random) -> Path:
    """A header that claims any size."""
    path = place / "forged.safetensors"
    size = int(_one(SIZES, rng))
    shape = [int(_one(LENGTHS, rng)) for _ in range(int(rng.integers(0, 4)))]
    about = {"dtype": _one(["F32", "F64", "BF16", "X9", 1], rng), "shape": shape}
    header = json.dumps({"a": about | {"data_offsets": [0, size]}}).encode()
    claimed = len(header) if rng.random() < 0.7 else size
    path.write_bytes(struct.pack("<Q", claimed % 2**64) + header + bytes(64))
    return path


def trap(path: Path) -> Path:
    """What a forged checkpoint writes if its code is run."""
    return path.with_name("run")


class _Command:
    """Unpickles to a call."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __reduce__(self) -> Any:
        return os.system, (self.words,)


def checkpoint(place: Path, rng: Random) -> Path:
    """Pickles that would run a command, as such or in an archive of PyTorch."""
    path = place / "forged.ckpt"
    content = {"state_dict": {}, "global_step": 1, "spent_s": _Command(f"touch {trap(path)}")}
    payload = pickle.dumps(content, protocol=int(rng.integers(0, 5)))
    if rng.random() < 0.5:
        path.write_bytes(payload)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        folder = _one(["forged", "../up", "/etc"], rng)
        archive.writestr(f"{folder}/data.pkl", payload)
        archive.writestr(f"{folder}/version", "3\n")
        archive.writestr(f"{folder}/byteorder", "little")
    return path


def npz(place: Path, rng: Random) -> Path:
    """Headers of arrays that claim any size and type, members of any name."""
    path = place / "forged.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", _one(["b", "../up", "/etc/x", "c.txt"], rng)):
            file = io.BytesIO()
            shape = tuple(int(_one(LENGTHS, rng)) for _ in range(int(rng.integers(0, 3))))
            about = {
                "descr": _one(["<f8", "<u1", "|O", "<U9", "|V1000000000", "??"], rng),
                "fortran_order": bool(rng.integers(2)),
                "shape": shape,
            }
            try:
                np.lib.format.write_array_header_1_0(file, about)
            except ValueError:
                file.write(rng.bytes(40))
            file.write(bytes(int(rng.integers(200))))
            if rng.random() < 0.05:
                file.write(bytes(50_000_000))  # compressed to next to nothing
            archive.writestr(f"{name}.npy", file.getvalue())
    return path


def particles(sound: Path) -> list[Path]:
    """Sound files of particles, in every format whose library is there."""
    import gzip
    import importlib.util

    import awkward as ak

    counts = [3, 1, 4]
    rng = np.random.default_rng(1)
    columns = {
        "pt": rng.exponential(5.0, 8),
        "eta": rng.normal(0, 0.3, 8),
        "phi": rng.uniform(-3, 3, 8),
        "mass": np.full(8, 0.14),
        "pdg": np.full(8, 211.0),
    }
    jagged = {k: ak.unflatten(v, counts) for k, v in columns.items()}
    wide = {k: ak.to_numpy(ak.fill_none(ak.pad_none(v, 4), 0.0)) for k, v in jagged.items()}
    np.savez(sound / "particles.npz", **wide)
    arrays = {k: ak.to_arrow(v, list_to32=True, extensionarray=False) for k, v in jagged.items()}
    pq.write_table(pa.table(arrays), sound / "particles.parquet")
    found = [sound / "particles.npz", sound / "particles.parquet"]
    if importlib.util.find_spec("uproot"):
        import uproot

        with uproot.recreate(sound / "particles.root") as file:
            file.mktree("tree", dict.fromkeys(jagged, "var * float64"))
            file["tree"].extend(jagged)
        found.append(sound / "particles.root")
    if importlib.util.find_spec("pyhepmc"):
        import pyhepmc

        with pyhepmc.open(str(sound / "particles.hepmc"), "w") as file:
            for _ in range(3):
                event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
                vertex = pyhepmc.GenVertex((0, 0, 0, 0))
                vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 4000, 4000), 2212, 4))
                for x in (1.0, 2.0, 3.0):
                    vertex.add_particle_out(pyhepmc.GenParticle((x, 0, x, 2 * x), 211, 1))
                event.add_vertex(vertex)
                file.write(event)
        packed = sound / "particles.hepmc.gz"
        packed.write_bytes(gzip.compress((sound / "particles.hepmc").read_bytes()))
        found += [sound / "particles.hepmc", packed]
    return found
