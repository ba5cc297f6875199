"""``calovision data calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.api import calibrate as api
from calovision.cli.output import emit


def calibrate(
    table: Annotated[
        Path | None, typer.Argument(help="YAML of published numbers; the public CMS set's else.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="YAML to write, for data simulate jets --detector.")
    ] = None,
    jets: Annotated[int, typer.Option(help="Jets of both classes together.")] = api.JETS,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
    rounds: Annotated[
        int, typer.Option(help="How often derivatives are taken; 0 only compares.")
    ] = api.ROUNDS,
    detector: Annotated[
        Path | None, typer.Option(help="YAML of the detector to start from.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Fit constants of the simulated detector to published numbers about images of jets.

    Run the same command again after an interruption: it goes on where it stopped.

    Example: calovision data calibrate --out detector.yaml --workers 2

    Example: calovision data calibrate my-experiment.yaml --out mine.yaml
    """
    found = api.calibrate(
        table,
        jets=jets,
        seed=seed,
        rounds=rounds,
        detector=detector,
        workers=workers,
        out=out,
        overwrite=overwrite,
    )
    chi2 = f"chi2 {found.chi2(after=False):.1f} before, {found.chi2():.1f} after"
    lines = [
        f"{name}: {getattr(found.detector, name):.4g} ± {error:.2g}"
        for name, error in found.errors.items()
    ]
    emit(found.to_dict(), "\n".join([found.markdown(), *lines, chi2]), json)
