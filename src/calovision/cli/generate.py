"""``calovision generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import Device, Pretrained, emit, warnings_to_stderr

Range = tuple[float, float] | None


def generate(
    out: Annotated[Path, typer.Option(help="Event set to write.")],
    run: Annotated[
        Path | None, typer.Argument(help="Run directory, from 'calovision train jet-generator'.")
    ] = None,
    pretrained: Pretrained = None,
    events: Annotated[int, typer.Option(min=1, help="Number of events.")] = 1000,
    label: Annotated[
        str | None, typer.Option(help="Class of every jet, such as gluon; both by default.")
    ] = None,
    pt: Annotated[Range, typer.Option(help="Jet pt, lowest and highest, GeV.")] = None,
    m0: Annotated[Range, typer.Option(help="Jet mass, lowest and highest, GeV.")] = None,
    gen_pt: Annotated[Range, typer.Option(help="Generator-level pt, GeV.")] = None,
    gen_m0: Annotated[Range, typer.Option(help="Generator-level mass, GeV.")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the solver; fewer are faster.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what lies beyond the training jets.")
    ] = False,
    oversample: Annotated[
        int, typer.Option(min=1, help="Detector draws of each collision; faster, events alike.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    device: Device = "auto",
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Generate jets that were never simulated.

    Example: calovision generate --pretrained --events 1000 --label gluon --pt 100 140 --out jets
    """
    from calovision.models.pretrained import chosen_run

    folder = chosen_run(run, pretrained, ("jet-generator",))
    from calovision.api.load import load_model

    with warnings_to_stderr():
        store = load_model(folder, device=device).generate(
            events,
            label=label,
            pt=pt,
            m0=m0,
            gen_pt=gen_pt,
            gen_m0=gen_m0,
            steps=steps,
            strict=strict,
            oversample=oversample,
            seed=seed,
            out=out,
            quiet=False,
        )
    emit({"set": str(out), "events": len(store)}, f"{len(store)} events: {out}", json)
