"""Opening, reading, writing, converting and downloading event sets."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calovision.api.given import events_of, geometry_of, path_of
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events, Unit
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore, write_set
from calovision.utils.counts import count
from calovision.utils.files import same_place

if TYPE_CHECKING:
    from calovision.events.digits import DigitSet

Paths = str | Path | Sequence[str | Path]
JAGGED = (".parquet", ".root")  #: files of hits as lists
PublicSet = Literal["quark-gluon", "electron-photon", "mnist"]


def open(path: str | Path, *, skip_corrupt: bool = False) -> EventStore | DigitSet:
    """Open an event set on disk without reading its hits, or a set of digits.

    Args:
        path: the folder.
        skip_corrupt: leave out damaged shards, with a warning.

    Raises:
        InputError: no set there, or it is unfinished or damaged.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> len(cv.save(crops, "crops")), cv.open("crops").label.shape
        (4, (4,))
    """
    from calovision.events.digits import has_digits, open_digits

    folder = path_of(path, "the folder of an event set")
    return open_digits(folder) if has_digits(folder) else opened(folder, skip_corrupt)


def opened(path: str | Path, skip_corrupt: bool = False) -> EventStore:
    """Open an event set on disk, and nothing else; see :func:`open`."""
    place = path_of(path, "events or their folder")
    return EventStore.open(place, skip_corrupt=skip_corrupt)


def load(path: str | Path, *, limit: int | None = None, skip_corrupt: bool = False) -> Events:
    """Read events into memory, from an event set or from a public HDF5, Parquet or .npz file.

    Args:
        path: folder of an event set, or a file.
        limit: at most so many events, the first ones.
        skip_corrupt: leave out damaged shards, with a warning.

    Raises:
        InputError: nothing there, damaged, or of another schema.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> _ = cv.save(crops, "some")
        >>> len(cv.load("some", limit=3))
        3
    """
    from calovision.events.formats.reading import read_events

    limit = None if limit is None else count("limit", limit, 0)
    place = path_of(path, "the folder of an event set, or a file")
    return read_events(place, limit, skip_corrupt=skip_corrupt)[0]


def save(events: EventSet | str | Path, out: str | Path, *, overwrite: bool = False) -> EventStore:
    """Write events into a new event set; those on disk are copied shard by shard.

    Args:
        events: in memory, a selection of a set on disk, or the folder of one.
        out: folder of the set.
        overwrite: replace a set that is there.

    Returns:
        The new set.

    Raises:
        InputError: the folder is taken, or the disk is full.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> cv.save(crops, "mine").path.name
        'mine'
    """
    held = events_of(events)
    provenance = {"source": "calovision save", "of": held.provenance}
    return write_set([held], out, provenance=provenance, overwrite=overwrite)


def convert(
    files: Paths,
    out: str | Path,
    *,
    keys: Mapping[str, str] | None = None,
    geometry: Geometry | str | Path | None = None,
    channels_first: bool = False,
    unit: Unit | None = None,
    threshold: float | None = None,
    workers: int = 2,
    scheduler: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> EventStore:
    """Convert files of images, showers or jets to a sparse event set; resumes when interrupted.

    Files are known by their content: the public images; showers of the CaloChallenge; particles of
    jets of JetNet, JetClass, EnergyFlow, the top-tagging reference set and that of ATLAS, which
    become images on a fine grid. Images in image units lose nothing. Those in GeV, as the public
    Parquet jets, are told by their content, divided and freed of noise. What is implausible about
    the set is warned of.

    Args:
        files: HDF5, Parquet, ``.npz`` or ROOT files of the public schemas, or images as the next
            arguments say, in order.
        out: folder of the event set.
        keys: names in the files by those of the public ones, ``X`` (images), ``y`` (labels), ``pt``
            and ``m0`` (GeV), ``weight``. Nothing but the images must then be there.
        geometry: grid of the images, or a YAML or JSON file of its ``to_dict()``; of showers the
            cylinder, or its binning file (XML).
        channels_first: take no images but ``(n, channels, rows, cols)``; else the shape tells.
        unit: of a pixel, ``"gev"``, or ``"image"`` for the units of the geometry; else the sums
            tell, where ``pt`` is known, or in crops.
        threshold: GeV a pixel, below which energies become 0; 0.001 by default in files in GeV,
            none otherwise.
        workers: processes on this machine; the same bytes for any.
        scheduler: Dask scheduler to use instead, ``tcp://HOST:PORT``.
        overwrite: replace a set that is there.
        quiet: no progress bar.

    Raises:
        InputError: a file of another kind or damaged, or a folder that is taken.

    Warns:
        UserWarning: how a file is read where that is not plain; what is implausible.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> _ = cv.export(cv.save(crops, "sparse"), "dense.h5")
        >>> cv.convert("dense.h5", out="again").load().hash == crops.hash
        True
    """
    from calovision.events.formats.convert import convert as run
    from calovision.events.formats.layout import checked_layout

    several = files if isinstance(files, list | tuple) else [files]
    grid = None if geometry is None else geometry_of(geometry)
    return run(
        [path_of(f, "files of images") for f in several],
        Path(out),
        checked_layout(keys, grid, channels_first, unit, threshold),
        overwrite=overwrite,
        progress=not quiet,
        workers=workers,
        scheduler=scheduler,
    )


def export(
    events: str | Path | EventSet,
    out: str | Path,
    *,
    compression: Literal["gzip", "lzf", "none"] = "gzip",
    overwrite: bool = False,
    quiet: bool = False,
) -> Path:
    """Write an event set for other programs: dense HDF5 of the public schema, or jagged hits.

    Showers in cylinders become HDF5 of the CaloChallenge.

    Args:
        events: event set, or its folder.
        out: ``.h5`` for dense images, ``.parquet`` or ``.root`` for lists of hits.
        compression: of the images in HDF5.
        overwrite: replace a file that is there.
        quiet: no progress bar.

    Raises:
        InputError: another kind of file, or one that is there.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> cv.export(crops, "public.h5").name
        'public.h5'
    """
    from calovision.events.formats.export_dense import export as dense
    from calovision.events.formats.export_jagged import export_jagged

    path = path_of(out, "a file to write")
    jagged = written_kind(path) in JAGGED
    source = events_of(events)
    if source.origin is not None and same_place(path.parent, source.origin):
        raise InputError(f"{path} lies in the event set itself", "choose another --out")
    with tempfile.TemporaryDirectory() as scratch:
        store = source if isinstance(source, EventStore) else save(source, Path(scratch) / "set")
        if jagged:
            export_jagged(store, path, overwrite=overwrite, progress=not quiet)
        else:
            dense(store, path, compression=compression, overwrite=overwrite, progress=not quiet)
    return path


def written_kind(path: Path) -> str:
    """The ending of a file that can be written.

    Raises:
        InputError: it is none of those.
    """
    from calovision.events.formats.export_dense import SUFFIXES

    kind, kinds = path.suffix.lower(), (*SUFFIXES, *JAGGED)
    if kind not in kinds:
        raise InputError(
            f"{path.name} is of no kind that can be written", f"end it with {', '.join(kinds)}"
        )
    return kind


def fetch(
    name: PublicSet, out: str | Path, *, mirror: str | None = None, quiet: bool = False
) -> list[Path]:
    """Download a public set; resumes when interrupted and checks size or checksum.

    Args:
        name: which set.
        out: folder for the files.
        mirror: take the files, by name, from this URL.
        quiet: no progress bar.

    Raises:
        InputError: no connection, or a file that is not the one expected.

    Example:
        >>> import calovision as cv
        >>> cv.fetch("quark-gluon", out="downloads")  # doctest: +SKIP
        [PosixPath('downloads/quark-gluon_data-set_n139306.hdf5')]
    """
    from calovision.events.formats.download import fetch as run

    return run(name, Path(out), mirror=mirror, progress=not quiet)
