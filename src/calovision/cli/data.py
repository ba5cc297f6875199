"""``calovision data``: simulate, fetch, convert, export, info."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.calibrate import calibrate
from calovision.cli.discover import digits
from calovision.cli.image import image
from calovision.cli.output import SkipCorrupt, emit, warnings_to_stderr
from calovision.cli.sets import merge, select, split
from calovision.cli.simulate import simulate

app = typer.Typer(no_args_is_help=True, help="Make, fetch, convert, divide and inspect event sets.")
app.command()(simulate)
app.command()(calibrate)
app.command()(image)
app.command()(digits)
for _verb in (merge, split, select):
    app.command()(_verb)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


class PublicSet(StrEnum):
    """The public sets that can be fetched."""

    QUARK_GLUON = "quark-gluon"
    ELECTRON_PHOTON = "electron-photon"
    MNIST = "mnist"


class PixelUnit(StrEnum):
    """Units of the pixels of images."""

    GEV = "gev"
    IMAGE = "image"


class Compression(StrEnum):
    """How exported images are compressed."""

    GZIP = "gzip"
    LZF = "lzf"
    NONE = "none"


@app.command()
def convert(
    files: Annotated[
        list[Path],
        typer.Argument(help="HDF5, Parquet, .npz, ROOT files of images, showers, jets, in order."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the event set to write.")],
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="X=NAME,...",
            help="Names in the files of images (X), labels (y), pt, m0, weight: X=energy,y=kind.",
        ),
    ] = None,
    geometry: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON file of the cv.Geometry, or XML of a cylinder's binning."),
    ] = None,
    channels_first: Annotated[
        bool,
        typer.Option("--channels-first", help="Take (n, channels, rows, cols) and nothing else."),
    ] = False,
    unit: Annotated[
        PixelUnit | None,
        typer.Option(help="Of a pixel; by default the sums tell, where pt is known or in crops."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, help="GeV a pixel, below which all is noise; 0.001 by default in files in GeV."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes on this machine; same bytes for any.")
    ] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler to use instead, tcp://HOST:PORT.")
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Convert files of images, showers or jets to a sparse event set; resumes when interrupted.

    Files are known by their content: public images, the CaloChallenge, JetNet, JetClass,
    EnergyFlow, the top-tagging reference set and that of ATLAS. Images in the units of the public
    HDF5 lose nothing. Those in GeV, as the public Parquet jets, are told by their content. What is
    implausible about the set is said.

    Example: calovision data convert quark-gluon_data-set_n139306.hdf5 --out jets

    Example: calovision data convert dataset_2_1.hdf5 --out showers

    Example: calovision data convert g.hdf5 q.hdf5 t.hdf5 --out jetnet

    Example: calovision data convert mine.npz --keys X=energy,y=kind --geometry mine.yaml --out mine
    """
    from calovision.api.data import convert as run
    from calovision.events.formats.layout import keys_of

    with warnings_to_stderr():
        store = run(
            files,
            out,
            keys=None if keys is None else keys_of(keys),
            geometry=geometry,
            channels_first=channels_first,
            unit=None if unit is None else unit.value,
            threshold=threshold,
            workers=workers,
            scheduler=scheduler,
            overwrite=overwrite,
        )
    content = {"path": str(out), "events": len(store), "hash": store.hash}
    emit(content, f"converted {len(store)} events: {out}", json)


@app.command()
def export(
    data: Annotated[Path, typer.Argument(help="Event set.")],
    out: Annotated[Path, typer.Option(help="File to write: .h5, .parquet or .root.")],
    compression: Annotated[
        Compression, typer.Option(help="HDF5: compression of the images.")
    ] = Compression.GZIP,
    overwrite: Overwrite = False,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Write an event set for other programs: dense images in HDF5, or hits in Parquet or ROOT.

    HDF5 files have the public schema (X_jets, m0, pt, y or X, y). In .parquet (for Awkward Array)
    and .root files an event is a row, its hits are lists of channel, eta, phi, energy in GeV.

    Example: calovision data export jets --out jets.h5

    Example: calovision data export jets --out jets.root
    """
    from calovision.api.data import export as run
    from calovision.api.data import written_kind
    from calovision.events.store import EventStore

    written_kind(out)
    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    run(store, out, compression=compression.value, overwrite=overwrite)
    emit(
        {"path": str(out), "events": len(store), "bytes": out.stat().st_size},
        f"exported {len(store)} events: {out}",
        json,
    )


@app.command()
def info(
    data: Annotated[Path, typer.Argument(help="Event set.")],
    card: Annotated[
        Path | None,
        typer.Option(help="Markdown file to write: the set's card, as Hugging Face reads it."),
    ] = None,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Show counts, occupancy, energies, spectra, classes, provenance of a set, and what is odd.

    Of a set of digits: how many there are of each, and how many of them are kept for testing.

    Example: calovision data info jets

    Example: calovision data info jets --card jets/README.md
    """
    from calovision.events.card import data_card
    from calovision.events.digits import has_digits, open_digits
    from calovision.events.info import info as summarise
    from calovision.events.info import info_of_digits
    from calovision.events.store import EventStore
    from calovision.utils.files import write_bytes

    if has_digits(data):
        content = info_of_digits(data, open_digits(data))
        emit(content, _table_of_digits(content), json)
        return
    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    if card is not None:
        write_bytes(card, data_card(store).encode())
    content = summarise(store)
    emit(content, _table(content), json)


@app.command()
def fetch(
    name: Annotated[PublicSet, typer.Argument(help="Which public set.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    mirror: Annotated[
        str | None, typer.Option(help="Take the files, by name, from this URL.")
    ] = None,
    json: Json = False,
) -> None:
    """Download a public set; resumes when interrupted and checks size or checksum.

    Example: calovision data fetch electron-photon --out downloads
    """
    from calovision.api.data import fetch as run

    paths = run(name.value, out, mirror=mirror)
    listed = [str(p) for p in paths]
    emit({"files": listed}, "fetched " + ", ".join(listed), json)


def _table(content: dict[str, Any]) -> str:
    """The summary as aligned text."""
    size = content["bytes"] / 1e6
    lines = [
        f"{content['path']}: {content['events']} events, {content['hits']} hits, "
        f"{size:.1f} MB in {content['shards']} shards ({content['geometry']})",
        f"columns: {', '.join(content['columns']) or 'none'}",
        *(f"implausible: {doubt}" for doubt in content["implausible"]),
        "",
        f"{'':10}{'events':>8}  {'quantity':<16}{'mean':>11}{'std':>11}"
        f"{'5 %':>11}{'50 %':>11}{'95 %':>11}",
    ]
    for name, part in content["classes"].items():
        head = f"{name:10}{part['events']:>8}"
        count = part.get("effective_events", part["events"])
        if round(count) != part["events"]:
            lines.append(f"{name}: weighted, as good as {count:.0f} events of equal weight")
        for quantity, stats in _rows(part):
            numbers = "".join(f"{stats[k]:>11.4g}" for k in ("mean", "std", "p5", "p50", "p95"))
            lines.append(f"{head}  {quantity:<16}{numbers}")
            head = " " * 18
    lines += ["", "provenance:"]
    lines += [f"  {k}: {v}" for k, v in content["provenance"].items()]
    return "\n".join(lines)


def _table_of_digits(content: dict[str, Any]) -> str:
    """The summary of a set of digits as aligned text."""
    lines = [f"{content['path']}: {content['images']} digits of 28 x 28 pixels", ""]
    lines.append(f"{'digit':>5}{'training':>10}{'test':>10}")
    for digit, part in content["digits"].items():
        lines.append(f"{digit:>5}{part['training']:>10}{part['test']:>10}")
    lines += ["", "provenance:"]
    lines += [f"  {k}: {v}" for k, v in content["provenance"].items()]
    return "\n".join(lines)


def _rows(part: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    rows = [(f"{c} pixels", s) for c, s in part.get("pixels", {}).items()]
    rows += [(f"{c} sum (GeV)", s) for c, s in part.get("energy", {}).items()]
    rows += [(f"{c} mean (ns)", s) for c, s in part.get("time", {}).items()]
    return rows + [(f"{k} (GeV)", part[k]) for k in ("pt", "m0") if k in part]
