"""Particles of other programs through the simulated detector."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore


def from_particles(
    source: Any,
    out: str | Path | None = None,
    *,
    rows: Literal["jets", "events"] | None = None,
    label: int | None = None,
    min_pt: float = 0.0,
    pileup: float = 17.0,
    noise: float = 1.0,
    tree: str | None = None,
    particles: str | None = None,
    unit: Literal["GeV", "MeV"] | None = None,
    invisible: Sequence[int] = (),
    seed: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Events | EventStore:
    """Send particles through the simulated detector.

    Args:
        source: file or files (HepMC3, ROOT, Parquet, ``.npz``), an Awkward Array of rows, or a
            mapping of names such as ``pt``, ``eta``, ``phi``, ``pdg`` to jagged arrays.
        out: folder of an event set to write; events in memory by default.
        rows: what a row is, a jet or a collision whose jets are to be found.
        label: class of all jets, gluon 0 or quark 1.
        min_pt: least reconstructed transverse momentum, GeV.
        pileup: mean number of pile-up collisions.
        noise: factor on the calorimeters' noise.
        tree: of a ROOT file with several.
        particles: collection of particles, of files with several.
        unit: of momenta, where the source does not tell.
        invisible: PDG identities that leave no signal, besides those that Pythia calls invisible.
        seed: same seed, same bytes.
        overwrite: replace a set that is there.
        quiet: no progress bar.

    Raises:
        InputError: unreadable or impossible particles, or a folder that is taken.

    Example:
        >>> import calovision as cv
        >>> photon = {"pt": [[90.0]], "eta": [[0.1]], "phi": [[0.2]], "pdg": [[22]]}
        >>> seen = cv.from_particles(photon, rows="jets", pileup=0, noise=0, quiet=True)
        >>> bool(85 < seen.energy.sum() < 95)
        True
    """
    from tqdm import tqdm

    from calovision.simulation.foreign_jets import Wanted, image

    wanted = Wanted(rows, label, min_pt, pileup, noise, tree, particles, unit, tuple(invisible))
    with tempfile.TemporaryDirectory() as scratch, tqdm(unit="row", disable=quiet) as bar:
        files = _files_of(source, Path(scratch))
        folder = Path(scratch) / "set" if out is None else Path(out)
        made = image(
            files,
            folder,
            seed,
            wanted,
            overwrite=overwrite,
            progress=lambda read, _: bar.update(read) and None,
        )
        return made.load() if out is None else made


def _files_of(source: Any, scratch: Path) -> list[Path]:
    """The files of particles; arrays are written into one."""
    if isinstance(source, str | Path):
        return [Path(source)]
    if isinstance(source, list | tuple) and all(isinstance(s, str | Path) for s in source):
        return [Path(s) for s in source]
    import awkward as ak

    table = ak.Array(dict(source)) if isinstance(source, Mapping) else source
    if not isinstance(table, ak.Array) or not table.fields:
        raise InputError(
            f"particles in a {type(source).__name__}",
            "give files, an awkward.Array of records, or a mapping of names to arrays",
        )
    file = scratch / "particles.parquet"
    ak.to_parquet(table, file)
    return [file]
