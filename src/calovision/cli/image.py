"""``calovision data image``: images from the user's own particles."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit, warnings_to_stderr


class RowKind(enum.StrEnum):
    """What a row of a file of particles is."""

    jets = "jets"
    events = "events"


class UnitKind(enum.StrEnum):
    """Unit of momenta, energies and masses."""

    gev = "GeV"
    mev = "MeV"


def image(
    files: Annotated[
        list[Path], typer.Argument(help="HepMC3, ROOT, Parquet, .npz or HDF5 files of particles.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new event set.")],
    rows: Annotated[
        RowKind | None,
        typer.Option(help="A row is a jet, or a collision whose jets are to be found."),
    ] = None,
    label: Annotated[
        int | None,
        typer.Option(min=0, max=1, help="Class of all jets, whatever files say: 0 gluon, 1 quark."),
    ] = None,
    unit: Annotated[
        UnitKind | None,
        typer.Option(help="Unit of momenta; GeV by default. HepMC files have their own."),
    ] = None,
    invisible: Annotated[
        list[int] | None,
        typer.Option(
            metavar="ID",
            help="PDG identity that leaves no signal, besides those that Pythia calls invisible; "
            "may be given several times.",
        ),
    ] = None,
    identity: Annotated[
        int | None,
        typer.Option(
            metavar="ID",
            help="PDG identity that all particles stand for, where files say nothing: 211 a pion.",
        ),
    ] = None,
    min_pt: Annotated[float, typer.Option(help="Least reconstructed pt, GeV.")] = 0.0,
    pileup: Annotated[
        float | None, typer.Option(help="Mean number of pile-up collisions; the detector's else.")
    ] = None,
    noise: Annotated[float, typer.Option(help="Factor on the calorimeters' noise.")] = 1.0,
    geometry: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON file of a cv.Geometry, such as one with muons."),
    ] = None,
    tree: Annotated[str | None, typer.Option(help="Tree of a ROOT file with several.")] = None,
    particles: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Collection of particles, such as PFCands."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a set that is there.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Send particles of your own through the simulated detector into an event set.

    Run the same command again after an interruption: it goes on where it stopped.

    Example: calovision data image events.hepmc3 --out mine

    Example: calovision data image JetClass_example_100k.root --out mine --pileup 0

    Example: calovision data image events_anomalydetection.h5 --identity 211 --out olympics

    Example: calovision data image mine.parquet --unit MeV --invisible 1000024 --out mine
    """
    from tqdm import tqdm

    from calovision.api.given import geometry_of
    from calovision.simulation.external.files import Options, kind_of, summary
    from calovision.simulation.external.images import image as run
    from calovision.simulation.external.tally import left_out
    from calovision.utils.files import check_distinct

    check_distinct(files)
    for file in files:
        kind_of(file)
    options = Options(
        None if rows is None else ("jets" if rows is RowKind.jets else "events"),
        label,
        min_pt,
        pileup,
        noise,
        tree,
        particles,
        None if unit is None else ("GeV" if unit is UnitKind.gev else "MeV"),
        tuple(invisible or ()),
        geometry_of(geometry),
        identity,
    )
    read = 0
    with warnings_to_stderr(), tqdm(unit="row", desc="image", file=sys.stderr, delay=0.5) as bar:

        def progress(number: int, images: int) -> None:
            nonlocal read
            del images
            read += number
            bar.update(number)

        store = run(files, out, seed, options, overwrite=overwrite, progress=progress)
    made_by = store.manifest["provenance"]
    unseen = made_by["left_out"]
    told_label = {} if label is None else {"label": label}
    result = {
        "path": str(out),
        "rows": read,
        "events": len(store),
        "hash": store.hash,
        "invisible": unseen,
        "files": made_by["files"],
    }
    text = (
        f"{summary([f | told_label for f in made_by['files']])}\n"
        f"invisible particles left out: {left_out({int(k): n for k, n in unseen.items()})}\n"
        f"{len(store)} images from {read} rows: {out}"
    )
    emit(result, text, json)
