"""Particles of other programs in the simulated detector."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from calovision.api.given import geometry_of, path_of
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore
from calovision.utils.counts import count

_ARRAYS = "particles.parquet"  #: what arrays are written to


def from_particles(
    source: Any,
    out: str | Path | None = None,
    *,
    rows: Literal["jets", "events"] | None = None,
    label: int | str | None = None,
    min_pt: float = 0.0,
    pileup: float | None = None,
    noise: float = 1.0,
    geometry: Geometry | str | Path | None = None,
    tree: str | None = None,
    particles: str | None = None,
    unit: Literal["GeV", "MeV"] | None = None,
    invisible: Sequence[int] = (),
    identity: int | None = None,
    seed: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Events | EventStore:
    """Send particles through the simulated detector.

    Args:
        source: file or files (HepMC3, ROOT, Parquet, ``.npz``, HDF5), an Awkward Array of rows, or
            a mapping of names such as ``pt``, ``eta``, ``phi``, ``pdg_id`` to jagged arrays.
        out: folder of an event set to write; events in memory by default.
        rows: what a row is, a jet or a collision whose jets are to be found.
        label: class of all jets, gluon 0 or quark 1, or its name.
        min_pt: least reconstructed transverse momentum, GeV.
        pileup: mean number of pile-up collisions; by default the detector's.
        noise: factor on the calorimeters' noise.
        geometry: another grid than that of the public jets, as in :func:`calovision.simulate.jets`.
        tree: of a ROOT file with several.
        particles: collection of particles, of files with several.
        unit: of momenta, where the source does not tell.
        invisible: PDG identities that leave no signal, besides those that Pythia calls invisible.
        identity: PDG identity that all particles stand for, where nothing tells what they are, such
            as 211, a charged pion.
        seed: same seed, same bytes.
        overwrite: replace a set that is there.
        quiet: no progress bar.

    Raises:
        InputError: unreadable or impossible particles, or a folder that is taken.

    Example:
        >>> import calovision as cv
        >>> photon = {"pt": [[90.0]], "eta": [[0.1]], "phi": [[0.2]], "pdg": [[22]]}
        >>> seen = cv.from_particles(photon, rows="jets", pileup=0, noise=0, quiet=True)
        >>> bool(70 < seen.energy.sum() < 95)
        True
    """
    from tqdm import tqdm

    from calovision.simulation.external.files import Options
    from calovision.simulation.external.images import image

    seed = count("the seed", seed, 0)
    hidden = tuple(invisible) if isinstance(invisible, Iterable) else (invisible,)
    grid = geometry_of(geometry)
    options = Options(
        rows,
        grid.class_number(label) if isinstance(label, str) else label,
        min_pt,
        pileup,
        noise,
        tree,
        particles,
        unit,
        hidden,
        grid,
        identity,
    )
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as shown:
        files = _files_of(source, Path(scratch))
        folder = Path(scratch) / "set" if out is None else path_of(out, "a folder to write")
        bars: list[Any] = []

        def progress(read: int, images: int) -> None:
            if not bars:  # what cannot be read shows none
                bars.append(shown.enter_context(tqdm(unit="row", disable=quiet)))
            bars[0].update(read)

        try:
            store = image(files, folder, seed, options, overwrite=overwrite, progress=progress)
        except InputError as error:
            problem = error.problem.replace(f"{_ARRAYS}: ", "").replace(_ARRAYS, "the particles")
            raise InputError(problem, error.remedy) from None
        return store.load() if out is None else store


def _files_of(source: Any, scratch: Path) -> list[Path]:
    """The files of particles; arrays are written into one."""
    if isinstance(source, str | Path):
        return [path_of(source, "files of particles")]
    if isinstance(source, list | tuple) and source:
        return [path_of(s, "files of particles") for s in source]
    import awkward as ak

    wanted = "give files, an awkward.Array of records, or a mapping of names to arrays"
    try:
        table = ak.Array(dict(source)) if isinstance(source, Mapping) and source else source
        if not isinstance(table, ak.Array) or not table.fields:
            raise InputError(f"particles in a {type(source).__name__} without names", wanted)
        file = scratch / _ARRAYS
        ak.to_parquet(table, file)
    except (ValueError, TypeError, NotImplementedError) as error:
        line = next(iter(str(error).strip().splitlines()), "")
        raise InputError(f"these are no arrays of particles ({line})", wanted) from None
    return [file]
