"""``calovision bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import Device, emit


def bench(
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write; other rows in it are kept.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Markdown page between whose markers the table is put.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Measure this row alone; repeatable.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds a row: shows that it works, no more.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    device: Device = "auto",
    json: Annotated[bool, typer.Option("--json", help="Rows as JSON on stdout.")] = False,
) -> None:
    """Measure how fast everything is, against other libraries, side by side on one core.

    Ratios of CPU time hold on a busy machine too; that of one and two workers is by the clock.

    Example: calovision bench --out docs/results/bench.json --page docs/speed.md

    Example: calovision bench --only convert --only predict
    """
    from calovision.studies.bench.rows import bench as measure
    from calovision.studies.bench.table import around_table, fill, models_text, text

    if page is not None:
        around_table(page)  # before the work, not after it
    content = measure(
        out, only=only or (), size="quick" if quick else "standard", seed=seed, device=device
    )
    if page is not None:
        fill(page, content)
    tables = [text(content["rows"])] if content["rows"] else []
    tables += [models_text(content["models"])] if content["models"] else []
    emit(content, "\n\n".join(tables), json)
