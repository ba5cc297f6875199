"""The rows of the speed table, by name, and the run that measures them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from calovision.errors import InputError
from calovision.studies.bench import commands, making, networks
from calovision.studies.bench.clock import Row, UnavailableError, one_core
from calovision.studies.bench.material import SIZES, Material
from calovision.studies.bench.models import MODELS, speeds
from calovision.training.devices import chosen_device
from calovision.training.run import versions
from calovision.utils.files import check_folder_of, write_json

OURS = "particle-transformer"
#: every row, in the order of the table; raises UnavailableError where it cannot be measured
ROWS: dict[str, Callable[[Material], Row]] = {
    "simulate": making.simulation,
    "simulate-workers": making.workers,
    "simulate-alone": making.alone,
    "simulate-first": commands.first_simulation,
    "convert": partial(commands.conversion, compression="none"),
    "convert-workers": commands.conversion_by_two,
    "convert-gzip": partial(commands.conversion, compression="gzip"),
    "loader-jet-tagger": partial(networks.batches_for_training, task="jet-tagger"),
    "loader-jet-vae": partial(networks.batches_for_training, task="jet-vae"),
    "loader-jet-generator": partial(networks.batches_for_training, task="jet-generator"),
    "loader-egamma": partial(networks.batches_for_training, task="egamma"),
    "train": partial(networks.steps_against_peer, model=OURS, name="our tagger"),
    "train-graphsage": partial(networks.steps_against_peer, model="baseline", name="our GraphSAGE"),
    "train-bfloat16": partial(networks.steps_in_half_precision, model=OURS, name="our tagger"),
    "train-bfloat16-resnet15": partial(
        networks.steps_in_half_precision, model="resnet15", name="ResNet-15 on images"
    ),
    "predict": networks.scores_against_onnx,
    "predict-loader": networks.batches_for_scores,
    "predict-bfloat16": networks.scores_in_half_precision,
    "generate": making.shipped,
    "generate-fast": making.small,
    "generate-1": partial(making.call, jets=1),
    "generate-100": partial(making.call, jets=100),
    "generate-10000": partial(making.call, jets=10_000),
    "generate-geant4": making.jet_against_geant4,
    "shower-geant4": making.shower_against_geant4,
    "memory-simulate": partial(commands.memory, command="simulate"),
    "memory-convert": partial(commands.memory, command="convert"),
    "memory-classify": partial(commands.memory, command="classify"),
}
#: rows that need more than one core
ON_TWO_CORES = {"simulate-workers", "simulate-alone", "convert-workers"}


def bench(
    out: Path | None = None,
    *,
    only: Sequence[str] = (),
    size: str = "standard",
    seed: int = 1,
    device: str = "auto",
    quiet: bool = False,
) -> dict[str, Any]:
    """Measure rows of the speed table.

    Args:
        out: JSON file to write, after every row. Rows that it holds and that are not asked for
            stay as they are.
        only: names of rows, or of models as ``"jet-vae-point"``; all by default.
        size: ``"standard"`` or ``"quick"``; the numbers of the latter only show that it works.
        seed: of everything random.
        device: where the models are measured besides the CPU, if it is another.
        quiet: no progress bar.

    Returns:
        the content of the file: ``rows`` by name, in the order of the table, and ``models`` as
        :func:`~calovision.studies.bench.models.speeds` gives them.

    Raises:
        InputError: no such row or device, ``out`` cannot be written, or is another file or of
            another size.
    """
    for name in only:
        if name not in ROWS and name not in MODELS:
            known = ", ".join((*ROWS, *MODELS))
            raise InputError(f"there is no row {name!r}", f"choose one of {known}")
    place = str(chosen_device(device))
    rows, models = _measured_before(out, size)
    wanted = [name for name in (*ROWS, *MODELS) if not only or name in only]
    content: dict[str, Any] = {}
    with TemporaryDirectory() as folder, tqdm(wanted, unit="row", disable=quiet) as bar:
        material = Material(Path(folder), SIZES[size], seed)
        for name in bar:
            bar.set_description(name)
            if name in ROWS:
                rows[name] = measured(name, material)
            else:
                models[name] = speeds(name, material, place)
            content = {"size": size, "rows": {n: rows[n] for n in ROWS if n in rows}}
            content["models"] = {n: models[n] for n in MODELS if n in models}
            if out is not None:
                write_json(out, content)
    return content


def measured(name: str, material: Material) -> dict[str, Any]:
    """One row, with where and under which load it was measured."""
    before = os.getloadavg()[0]
    try:
        with nullcontext() if name in ON_TWO_CORES else one_core():
            found = ROWS[name](material).to_dict()
    except UnavailableError as reason:
        return {"unavailable": str(reason)}
    machine = {"processor": processor(), "cores": os.cpu_count(), "versions": versions()}
    return found | {"load": [round(before, 2), round(os.getloadavg()[0], 2)], **machine}


def _measured_before(out: Path | None, size: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows and models that are in the file already."""
    if out is not None:
        check_folder_of(out)
    if out is None or not out.exists():
        return {}, {}
    try:
        content = json.loads(out.read_text())
        rows, held = dict(content["rows"]), content["size"]
        models = dict(content.get("models", {}))
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{out} is no speed table", "choose another --out") from None
    if held != size:
        raise InputError(f"{out} is of size {held}, not {size}", "choose another --out")
    return rows, models


def processor() -> str:
    """The processor's name."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
