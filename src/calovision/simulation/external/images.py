"""Jet images from the particles of other programs."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, StoreWriter
from calovision.simulation.external.columns import check_alike
from calovision.simulation.external.files import Options, Source, source
from calovision.simulation.external.momenta import beyond
from calovision.simulation.external.names import LABEL, WEIGHT
from calovision.simulation.external.particles import Rows, Table, invisible
from calovision.simulation.external.tally import Tally
from calovision.simulation.generator import JET_ETA, JET_PT, Jets, Record, _cylinder, _leading_jets
from calovision.simulation.jets import detect
from calovision.simulation.truth import jet_shapes, surroundings
from calovision.utils import streams
from calovision.utils.files import check_outside

CHUNK = 500  #: rows of a file that share one seed and become one shard


def image(
    files: Sequence[Path],
    out: Path,
    seed: int,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], object] = lambda rows, images: None,
) -> EventStore:
    """Image the jets of files into an event store; an interrupted run goes on where it stopped.

    Args:
        files: in order.
        out: folder of the set.
        seed: of the detector's random numbers and of the pile-up.
        options: how files are read and imaged.
        overwrite: replace a set that is there.
        progress: called after every chunk with its numbers of rows and of images.

    Raises:
        InputError: a file cannot be read, an option makes no sense, no jet is in the barrel, or
            the folder is taken.
    """
    options = options or Options()
    check_outside(files, out)
    detector = options.detector()
    sources = [source(f, options) for f in files]
    rows = sources[0].rows
    if other := next((s for s in sources if s.rows != rows), None):
        raise InputError(
            f"a row of {files[0].name} is one of {rows}, of {other.file.name} of {other.rows}",
            "say what rows are by --rows, or image the files to separate sets",
        )
    classes = {s.classes for s in sources}
    if len(classes) > 1:
        raise InputError("the files have different classes", "image them to separate sets")
    grid = replace(options.geometry, classes=sources[0].classes or options.geometry.classes)
    made_by = {
        "source": "calovision data image",
        "files": [
            {"name": s.file.name, "sha256": _digest(s.file), **s.description} for s in sources
        ],
        "rows": rows,
        "seed": seed,
        "label": options.label,
        "min_pt": options.min_pt,
        "invisible": sorted({abs(i) for i in options.invisible}),
        "chunk": CHUNK,
        "detector": detector._asdict(),
        "versions": {n: importlib.metadata.version(n) for n in ("calovision", "fastjet", "numpy")},
    }
    if options.identity is not None:
        made_by["identity"] = options.identity
    writer = StoreWriter(out, grid, provenance=made_by, overwrite=overwrite)
    tally = Tally()
    try:
        _fill(writer, sources, seed, options, tally, progress)
    finally:
        if not writer.done():
            writer.discard()
    if not writer.done():
        raise InputError(
            f"none of the {tally.rows} {rows} gives an image: they have {tally}",
            _remedy(rows, options),
        )
    tally.warn()
    writer.provenance["left_out"] = {str(k): n for k, n in sorted(tally.unseen.items())}
    return writer.finish()


def _remedy(rows: Rows, options: Options) -> str:
    return (
        f"give jets with abs(eta) below {JET_ETA:g}"
        + (f" and {JET_PT:g} GeV or more" if rows == "events" else "")
        + (f", reconstructed with {options.min_pt:g} GeV" if options.min_pt else "")
        + ", made of stable particles (of status 1, where there is one)"
    )


def _fill(
    writer: StoreWriter,
    sources: Sequence[Source],
    seed: int,
    options: Options,
    tally: Tally,
    progress: Callable[[int, int], object],
) -> None:
    """Write the shards that are missing, and count what is read."""
    first: Table | None = None
    chunks = ((s, table) for s in sources for table in s.tables(CHUNK))
    for index, (origin, table) in enumerate(chunks):
        first = first or table
        try:
            check_alike(first, table)
            if index in writer.done():
                images = writer.events_in(index)
            else:
                events = imaged(table, origin.rows, (seed, index), options)
                events.columns["event_id"] = events.columns["event_id"].astype(np.int64)
                events.columns["event_id"] += tally.rows
                images = len(events)
                if images:
                    writer.write(index, replace(events, geometry=writer.geometry))
        except InputError as error:
            raise InputError(f"{origin.file.name}: {error.problem}", error.remedy) from None
        tally.add(table, options.invisible)
        progress(len(table), images)


def _digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}", "give a readable file") from None


def imaged(table: Table, rows: Rows, seed: tuple[int, int], options: Options) -> Events:
    """Images of the jets in some rows.

    Args:
        table: the rows.
        rows: what they are: ``"events"`` are clustered, their two leading jets imaged.
        seed: of the detector, and the number of the chunk.
        options: which images, by which detector.

    Returns:
        Images with the columns ``pt``, ``m0`` (reconstructed, GeV), ``gen_pt``, ``gen_m0`` (GeV),
        ``eta``, ``phi`` (rad), ``n_pileup``, ``event_id`` (the row), those of
        :func:`~calovision.simulation.truth.jet_shapes`, and ``label`` and
        ``weight`` (float64, of the row) where known.

    Raises:
        InputError: a jet has more energy than any can have, or a particle is unknown.
    """
    detector = options.detector()
    table = table.kept(~invisible(table.pdg, options.invisible))
    jets = clustered_jets(table, detector.jet_radius) if rows == "events" else given_jets(table)
    _check_jets(jets, table)
    number = int(streams.numbers(streams.Stream.SIMULATION, *seed).generate_state(1)[0])
    seen = detect(jets, number, detector, options.geometry)
    good = np.flatnonzero(seen.columns["pt"] >= options.min_pt)
    images, around = seen[good], surroundings(jets, detector)[good]
    images.columns |= jet_shapes(around)
    del images.columns["parton_pt"]
    if options.label is not None:
        images.columns[LABEL] = np.full(len(images), options.label, np.int8)
    elif LABEL in table.columns:
        images.columns[LABEL] = table.columns[LABEL][images.columns["event_id"]].astype(np.int8)
    else:
        del images.columns[LABEL]
    if WEIGHT in table.columns:
        images.columns[WEIGHT] = table.columns[WEIGHT][images.columns["event_id"]]
    return images


def _check_jets(jets: Jets, table: Table) -> None:
    """Refuse jets of impossible energies, most often of momenta in MeV."""
    energy = np.hypot(jets.pt * np.cosh(jets.eta), jets.mass)
    if (energy > table.max_energy).any():
        jet = int(np.argmax(energy > table.max_energy))
        raise InputError(
            f"a jet of row {table.first + jets.collision[jet]} has {energy[jet]:g} GeV",
            beyond(table.max_energy),
        )


def clustered_jets(table: Table, radius: float) -> Jets:
    """The two leading anti-kt jets of every collision, those with an axis in the barrel."""
    table = table.kept(table.seen())
    counts = np.diff(table.offsets)
    everything = np.ones(len(table.pdg), np.bool_)
    status = np.ones(len(table.pdg), np.int32)
    sound = np.ones(len(table), np.bool_)
    record = Record(table.pdg, status, table.momentum, everything, counts, sound)
    momenta, member = _leading_jets(record, radius)
    pt, eta, _ = _cylinder(momenta)
    collision, slot = np.nonzero((pt > 0) & (np.abs(eta) < JET_ETA))
    return _unlabelled(table, momenta[:, collision, slot], member, collision, slot)


def given_jets(table: Table) -> Jets:
    """Every row one jet of all its particles, those with an axis in the barrel."""
    table = table.kept(table.seen())
    owner = np.repeat(np.arange(len(table)), np.diff(table.offsets))
    sums = [np.bincount(owner, p, len(table)) for p in table.momentum]
    momenta = np.stack(sums).astype(np.float64)
    pt, eta, _ = _cylinder(momenta)
    row = np.flatnonzero((pt > 0) & (np.abs(eta) < JET_ETA))
    member = np.zeros(len(table.pdg), np.int8)
    return _unlabelled(table, momenta[:, row], member, row, np.zeros(len(row), np.int64))


def _unlabelled(table: Table, momenta: Any, member: Any, collision: Any, slot: Any) -> Jets:
    parton_pt = np.zeros(len(slot))
    return Jets.of(table.particles(), member, (collision, slot), momenta, 0, parton_pt)
