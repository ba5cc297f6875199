"""``calovision data image``: somebody's own particles become images."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit


class RowKind(enum.StrEnum):
    """What a row of a file of particles is."""

    jets = "jets"
    events = "events"


def image(
    files: Annotated[
        list[Path], typer.Argument(help="HepMC3, ROOT, Parquet or .npz files of particles.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new event set.")],
    rows: Annotated[
        RowKind | None,
        typer.Option(help="A row is a jet, or a collision whose jets are to be found."),
    ] = None,
    label: Annotated[
        int | None, typer.Option(min=0, max=1, help="Class of all jets: 0 gluon, 1 quark.")
    ] = None,
    min_pt: Annotated[float, typer.Option(help="Least reconstructed pt, GeV.")] = 0.0,
    pileup: Annotated[float, typer.Option(help="Mean number of pile-up collisions.")] = 17.0,
    noise: Annotated[float, typer.Option(help="Factor on the calorimeters' noise.")] = 1.0,
    tree: Annotated[str | None, typer.Option(help="Tree of a ROOT file with several.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a set that is there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Send particles of your own through the simulated detector into an event set.

    Run the same command again after an interruption: it goes on where it stopped.

    Example: calovision data image events.hepmc3 --out mine

    Example: calovision data image JetClass_example_100k.root --out mine --pileup 0
    """
    from tqdm import tqdm

    from calovision.events.files import check_distinct
    from calovision.simulate.foreign import Rows
    from calovision.simulate.foreign_files import kind_of
    from calovision.simulate.foreign_jets import Wanted
    from calovision.simulate.foreign_jets import image as run

    check_distinct(files)
    for file in files:
        kind_of(file)
    kind: Rows | None = None if rows is None else ("jets" if rows is RowKind.jets else "events")
    wanted = Wanted(kind, label, min_pt, pileup, noise, tree)
    read = 0
    with tqdm(unit="row", desc="image", file=sys.stderr) as bar:

        def progress(number: int, images: int) -> None:
            nonlocal read
            del images
            read += number
            bar.update(number)

        store = run(files, out, seed, wanted, overwrite=overwrite, progress=progress)
    result = {"path": str(out), "rows": read, "events": len(store), "hash": store.hash}
    emit(result, f"{len(store)} images from {read} rows: {out}", as_json)
