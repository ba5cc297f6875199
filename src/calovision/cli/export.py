"""``calovision export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.model import RunOrNone
from calovision.cli.output import Device, Pretrained, SkipCorrupt, emit, warnings_to_stderr


def export(
    out: Annotated[Path, typer.Option(help="File to write, NAME.onnx.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    data: Annotated[
        Path | None, typer.Option(help="Event set to compare on; by default random events.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random events.")] = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[
        bool, typer.Option("--json", help="Machine-readable result on stdout.")
    ] = False,
) -> None:
    """Write a trained model as ONNX, preparation included, once it says what the model says.

    A VAE becomes NAME-encoder.onnx and NAME-decoder.onnx; our generator NAME-totals.onnx,
    NAME-start.onnx, NAME-cut00.onnx and so on, NAME-end.onnx.

    Example: calovision export runs/tagger --out tagger.onnx

    Example: calovision export --pretrained jet-tagger --out tagger.onnx
    """
    from calovision.events.store import EventStore
    from calovision.models.pretrained import chosen_run, shipped

    folder = chosen_run(run, pretrained, shipped())

    with warnings_to_stderr():
        store = None if data is None else EventStore.open(data, skip_corrupt=skip_corrupt)
    from calovision.api.load import load_model

    files = load_model(folder, device=device).export(out, data=store, seed=seed)
    rows = [
        {
            "path": str(f.path),
            "bytes": f.path.stat().st_size,
            "difference": f.difference,
            "undecided": f.undecided,
            "events": f.events,
        }
        for f in files
    ]
    lines = [
        f"{f.path}: {f.path.stat().st_size / 1e6:.2f} MB, differs from the model by at most"
        f" {f.difference:.1e} in {f.events} events"
        + (f", {f.undecided:.0%} of them undecided" if f.undecided else "")
        for f in files
    ]
    emit({"files": rows}, "\n".join(lines), json)
