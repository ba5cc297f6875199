"""``calovision compress`` and ``decompress``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.model import Data, Json, RunOrNone, Seed
from calovision.cli.output import Device, Pretrained, SkipCorrupt, emit, warnings_to_stderr


def compress(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    seed: Seed = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Write an event set as bits: the quantised codes of a VAE, by an entropy coder.

    Example: calovision compress --pretrained --data test-jets --out jets.cv
    """
    from calovision.events.store import EventStore
    from calovision.models.pretrained import chosen_run

    folder = chosen_run(run, pretrained, ("jet-vae",))
    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    from calovision.api.load import load_model

    spent = load_model(folder, device=device).compress(store, out, seed=seed, quiet=False)
    lines = [
        f"{spent.events} events in {out}, bits an event:",
        f"{spent.written:10.1f} written for {spent.numbers} latent numbers",
        f"{spent.expected:10.1f} by the law of codes",
        f"{spent.information:10.1f} information in codes (Kullback-Leibler)",
        f"{spent.columns:10.1f} labels and other columns, without loss",
        f"{spent.zstd:10.1f} the hits without loss, by zstd",
        f"{spent.parquet:10.1f} the hits without loss, as an event set",
    ]
    emit(spent.to_dict(), "\n".join(lines), json)


def decompress(
    data: Annotated[Path, typer.Option("--data", help="File, from 'calovision compress'.")],
    out: Annotated[Path, typer.Option(help="Event set to write.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Write the events of a compressed file as an event set, with the model that compressed it.

    Example: calovision decompress --pretrained --data jets.cv --out rebuilt
    """
    from calovision.models.pretrained import chosen_run

    folder = chosen_run(run, pretrained, ("jet-vae",))
    from calovision.api.load import load_model

    made = load_model(folder, device=device).decompress(data, out=out, quiet=False)
    emit({"out": str(out), "events": len(made)}, f"{len(made)} events in {out}", json)
