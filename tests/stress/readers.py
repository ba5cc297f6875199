"""Every kind of file that the package reads: how one is written, spoiled and read."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import forge
import numpy as np
from mutate import Random, spoil, spoil_json, spoil_text
from small import toys

Write = Callable[[Path, Random], Path]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the kind.
        write: writes a spoiled file into a folder, by the random numbers given.
        read: reads it as the package does.
        bounded: whether its reader takes no more memory than the file can fill.
    """

    name: str
    write: Write
    read: Callable[[Path], object]
    bounded: bool = True


def kinds(place: Path) -> list[Kind]:
    """All kinds; sound files to spoil are made in ``place``."""
    sound = place / "sound"
    sound.mkdir()
    found = [*_images(sound), *_sets(sound), *_settings(sound), *_weights(sound), *_arrays(sound)]
    return found + _particles(sound)


def _bytes(name: str, files: list[Path], read: Callable[[Path], object]) -> Kind:
    """Files that are spoiled as bytes."""
    contents = [f.read_bytes() for f in files]
    for file in files:
        read(file)  # what is not spoiled must be read

    def write(place: Path, rng: Random) -> Path:
        which = int(rng.integers(len(files)))
        path = place / f"spoiled{''.join(files[which].suffixes)}"
        path.write_bytes(spoil(contents[which], rng))
        return path

    return Kind(name, write, read)


def _part(name: str, folder: Path, files: list[str], read: Callable[[Path], object]) -> Kind:
    """Folders of which one file is spoiled: JSON and YAML as such or as text, others as bytes."""
    read(folder)  # what is not spoiled must be read

    def write(place: Path, rng: Random) -> Path:
        copy = place / "spoiled"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        path = copy / files[int(rng.integers(len(files)))]
        if path.suffix == ".json":
            path.write_bytes(spoil_json(json.loads(path.read_text()), rng))
        elif path.suffix in (".yaml", ".jsonl"):
            path.write_bytes(spoil_text(path.read_text(), rng))
        else:
            path.write_bytes(spoil(path.read_bytes(), rng))
        return copy

    return Kind(name, write, read)


def _images(sound: Path) -> list[Kind]:
    from calovision.events.formats.reading import read_events

    make = toys()
    jets, crops = make.toy_jets(2, 1), make.toy_crops(6, 2)
    hdf5 = [
        make.write_hdf5(sound / "a.h5", crops, chunks=(2, 32, 32, 2), compression="gzip"),
        make.write_hdf5(sound / "b.h5", crops),
        make.write_hdf5(sound / "c.h5", jets, chunks=(1, 25, 25, 3), compression="lzf"),
    ]
    parquet = [make.write_parquet(sound / "a.parquet", jets)]

    def read(path: Path) -> object:
        return read_events(path, 4)[0].to_dense()

    return [
        _bytes("hdf5", hdf5, read),
        Kind("hdf5-forged", forge.hdf5, read),
        _bytes("parquet", parquet, read),
        Kind("parquet-forged", forge.parquet, read),
    ]


def _sets(sound: Path) -> list[Kind]:
    from calovision.events.info import info
    from calovision.events.shard_writing import shard_bytes
    from calovision.events.shards import Shard
    from calovision.events.store import EventStore, save

    events = toys().toy_jets(12, 3)
    save(events, sound / "set", provenance={"made_by": "toys"})
    shard = sound / "shard.parquet"
    shard.write_bytes(shard_bytes(events))

    def read_shard(path: Path) -> object:
        found = Shard(path.read_bytes(), path.name).read()
        return found.sums(), found[:5].to_dense()

    def read_set(path: Path) -> object:
        store = EventStore.open(path)
        first, whole, about = store[:3], store.load(), info(store)
        json.dumps(about)
        return first, whole, list(store.stream(5, shuffle_seed=1))

    return [
        _bytes("shard", [shard], read_shard),
        Kind("shard-forged", forge.shard, read_shard),
        _part("set", sound / "set", ["manifest.json"] * 3 + ["shard-00000.parquet"], read_set),
    ]


def _settings(sound: Path) -> list[Kind]:
    from calovision.models.config import load_config

    preset = "epochs: 3\nbatch: 16\nlearning_rate: 1.0e-3\nwidths: [8, 16]\nmodel: baseline\n"

    def write(place: Path, rng: Random) -> Path:
        path = place / "spoiled.yaml"
        path.write_bytes(spoil_text(preset, rng))
        return path

    def read(path: Path) -> object:
        return load_config("jet-generator", None, path)

    return [Kind("yaml", write, read)]


def _weights(sound: Path) -> list[Kind]:
    import torch

    from calovision.events.store import save
    from calovision.models.config import load_config
    from calovision.models.load import load_task
    from calovision.models.train import train
    from calovision.training.checkpoints import read_checkpoint
    from calovision.training.run import RunDir
    from calovision.training.weights import read_weights

    torch.set_num_threads(1)
    store = save(toys().toy_jets(12, 3), sound / "for-runs", provenance={"made_by": "toys"})
    tiny = {"epochs": 1, "batch": 4, "width": 8, "validation": 0.4, "test": 0.0}
    for task, more in (
        ("jet-vae", {"points": 8, "code": 4}),
        ("jet-tagger", {"hits": 8, "heads": 2}),
    ):
        config = load_config(task, overrides=tiny | more)
        train(config, store, sound / "runs" / task, quiet=True)
    state = {"state_dict": {"a": torch.zeros(3)}, "global_step": 1, "spent_s": 0.0}
    torch.save(state, sound / "last.ckpt")

    def read_run(path: Path) -> object:
        run = RunDir(path)
        json.dumps(run.rows())
        return run.budget(), load_task(run)

    files = ["config.yaml", "config.yaml", "model.safetensors", "metrics.jsonl", "budget.json"]
    runs = [
        _part(f"run-{task}", sound / "runs" / task, files, read_run)
        for task in ("jet-vae", "jet-tagger")
    ]
    return [
        *runs,
        _bytes("safetensors", [sound / "runs/jet-tagger/model.safetensors"], read_weights),
        Kind("safetensors-forged", forge.safetensors, read_weights),
        _bytes("checkpoint", [sound / "last.ckpt"], read_checkpoint),
        Kind("checkpoint-forged", forge.checkpoint, _refused(read_checkpoint)),
    ]


def _refused(read: Callable[[Path], object]) -> Callable[[Path], object]:
    """Read a file that says what it would do, which must not have happened."""

    def check(path: Path) -> object:
        try:
            return read(path)
        finally:
            if forge.trap(path).exists():
                forge.trap(path).unlink()
                raise AssertionError("code of the file was run")

    return check


def _arrays(sound: Path) -> list[Kind]:
    from calovision.events.digits import DigitSet, open_digits
    from calovision.reports.sources import read_source
    from calovision.utils.arrays import read_arrays

    rng = np.random.default_rng(1)
    ink = rng.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    label, test = rng.integers(1, 3, 20), rng.random(20) < 0.2
    DigitSet(ink, label, test, {"source": "toys"}).save(sound / "digits")
    arrays = io.BytesIO()
    np.savez_compressed(arrays, a=np.zeros((3, 4)), b=np.arange(5))
    (sound / "a.npz").write_bytes(arrays.getvalue())
    metric = {"auc": {"value": 0.8, "error": 0.1, "unit": "", "floor": None}}
    model = {"task": "jet-tagger", "metrics": metric, "seed": 1, "budget": {"wall_s": 1.0}}
    comparison = {
        "study": "jet-tagging",
        "models": [model | {"model": m} for m in ("baseline", "particle-transformer")],
        "differences": [
            {"a": "baseline", "b": "particle-transformer", "metric": "auc", "value": 0, "error": 1}
        ],
        "floor": {"auc": 0.5},
    }
    (sound / "study").mkdir()
    (sound / "study" / "comparison.json").write_text(json.dumps(comparison))
    (sound / "study" / "scores.npz").write_bytes(arrays.getvalue())

    def read_study(path: Path) -> object:
        source = read_source(path)
        return source, source.arrays("scores.npz")

    def read_npz(path: Path) -> object:
        return read_arrays(path, "make it again")

    return [
        _bytes("npz", [sound / "a.npz"], read_npz),
        Kind("npz-forged", forge.npz, read_npz),
        _part("digits", sound / "digits", ["manifest.json", "digits.npz"], open_digits),
        _part("study", sound / "study", ["comparison.json"] * 3 + ["scores.npz"], read_study),
    ]


def _particles(sound: Path) -> list[Kind]:
    from calovision.simulation.digits import digits
    from calovision.simulation.external.files import source

    idx = sound / "train-images-idx3-ubyte"
    idx.write_bytes(np.array([2051, 3, 28, 28], ">i4").tobytes() + bytes(3 * 28 * 28))
    labels = np.array([2049, 3], ">i4").tobytes() + bytes([1, 2, 1])

    def write_idx(place: Path, rng: Random) -> Path:
        path = place / idx.name
        path.write_bytes(spoil(idx.read_bytes(), rng))
        (place / "train-labels-idx1-ubyte").write_bytes(spoil(labels, rng))
        return path

    def read(path: Path) -> object:
        return [math.fsum(t.momentum[3]) for t in source(path).tables(5)]

    def by_suffix(*suffixes: str) -> list[Path]:
        return [f for f in forge.particles(sound) if f.name.endswith(suffixes)]

    found = [
        Kind("mnist", write_idx, lambda path: digits((1, 2), mnist=path)),
        _bytes("particles-npz", by_suffix(".npz"), read),
        _bytes("particles-parquet", by_suffix(".parquet"), read),
    ]
    if importlib.util.find_spec("uproot"):
        # The library believes what the file says of its baskets, and asks for the memory.
        found.append(replace(_bytes("root", by_suffix(".root"), read), bounded=False))
    if importlib.util.find_spec("pyhepmc"):
        found.append(_bytes("hepmc", by_suffix(".hepmc", ".gz"), read))
    return found
