"""Jets of particles in HDF5: JetNet, the top-tagging reference set, ATLAS' top-tagging set.

JetNet (arXiv:2106.11535, zenodo.org/records/6975118): ``particle_features`` ``(n, 30, 4)`` of eta
and phi from the axis, pt over the jet's, mask; ``jet_features`` ``(n, 4)`` of pt, eta, mass,
number. A file holds one class, which only its name tells.

Top tagging (arXiv:1902.09914, zenodo.org/records/2603256): a table of pandas, ``table/table``, with
E, px, py, pz (GeV) of 200 particles and of the top quark in ``values_block_0`` and two whole
numbers in ``values_block_1``, the second of which is the label.

ATLAS top tagging (opendata.cern.ch/record/15013): ``fjet_clus_pt``, ``_eta``, ``_phi``, ``_E``
``(n, 200)`` in MeV, ``fjet_pt``, ``fjet_m``, ``labels``, in training files ``training_weights``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.columns import classes, numbers
from calovision.events.formats.hdf5_links import ElsewhereError, dataset_of, holds
from calovision.events.formats.kinds import HDF5
from calovision.events.formats.particle_jets import ParticleJets, Particles, jets_of, wrapped
from calovision.events.weighting import COLUMN

_MEV = 1e-3  # GeV
_TRUTH = 4  # numbers of the top quark behind those of the particles


class Hdf5Particles(ParticleJets):
    """An HDF5 file with certain datasets.

    Attributes:
        names: datasets that must be there.
    """

    names: ClassVar[tuple[str, ...]]
    content_errors = (LookupError, OSError, RuntimeError, TypeError, ValueError)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """HDF5 files with all the names."""
        return head.startswith(HDF5) and holds(path, cls.names, cls.content_errors)

    def _opened(self, more: Collection[str] = ()) -> dict[str, h5py.Dataset]:
        """The datasets, and those of others that are there, all of one length."""
        with self.decoding():
            file = self._open_files.enter_context(h5py.File(self.path, "r"))
            names = [*self.names, *(name for name in more if name in file)]
        found = {}
        for name in names:
            try:
                with self.decoding():
                    data = dataset_of(file, name)
            except ElsewhereError as error:
                raise InputError(
                    f"{self.path}: the data of {name} lie {error}", "copy them into the file"
                ) from None
            if data is None or not data.shape:
                raise InputError(
                    f"{self.path}: {name} is no table", f"give a file of {self.format}"
                )
            found[name] = data
        lengths = {name: data.shape[0] for name, data in found.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{self.path}: tables differ in length ({lengths})", "fetch it again")
        return found

    def _read(self, data: h5py.Dataset, start: int, stop: int) -> NDArray[np.float64]:
        with self.decoding():
            return np.asarray(data[start:stop], np.float64)

    def _finite(self, values: NDArray[np.float64], first: int) -> NDArray[np.float64]:
        """Numbers of particles of jets from number ``first`` on, all finite."""
        bad = ~np.isfinite(values)
        if bad.any():
            jet = first + int(np.unravel_index(int(np.argmax(bad)), bad.shape)[0])
            raise InputError(
                f"{self.path}: a particle of event {jet} is not finite", "correct or remove it"
            )
        return values

    def _wrong(self, name: str, shape: tuple[int, ...], wanted: str) -> InputError:
        return InputError(f"{self.path}: {name} has shape {shape}", f"expected is {wanted}")


def _text(attribute: Any) -> bytes:
    """The bytes of an attribute, whatever HDF5 calls their type; nothing is unpickled."""
    return attribute.encode() if isinstance(attribute, str) else np.asarray(attribute).tobytes()


class JetNetFile(Hdf5Particles):
    """JetNet's jets, of one class a file, which the first letter of its name tells."""

    format, code, radius = "JetNet", "particles-jetnet", 0.8
    classes = ("gluon", "quark", "top", "w", "z")
    names = ("particle_features", "jet_features")

    def _open(self) -> None:
        found = self._opened()
        self._features, jets = found.values()
        n, *shape = self._features.shape
        if len(shape) != 2 or shape[1] not in (3, 4):
            raise self._wrong(self.names[0], self._features.shape, "(n, particles, 4)")
        if len(jets.shape) != 2 or jets.shape[1] < 3:
            raise self._wrong(self.names[1], jets.shape, "(n, 4): pt, eta, mass, number")
        self._jets = self._finite(self._read(jets, 0, n), 0)
        pt, eta, mass = (self._jets[:, k].astype(np.float32) for k in range(3))
        self.columns = {
            name: numbers(self.path, name, n, column, signed=name == "eta")
            for name, column in (("pt", pt), ("eta", eta), ("m0", np.maximum(mass, 0)))
        }
        self.set_jets(n)
        letters = [name[0] for name in self.classes]
        stem = self.path.stem.lower().rstrip("0123456789_")
        label = letters.index(stem) if stem in letters else None
        if label is not None:
            self.columns["label"] = np.full(n, label, np.int8)
            self.remarks += (f"all are labelled {self.classes[label]}, by the name of the file",)

    def particles(self, start: int, stop: int) -> Particles:
        """Momenta relative to the jet's, times that."""
        table = self._finite(self._read(self._features, start, stop), start)
        filled = table[..., 3] > 0.5 if table.shape[2] > 3 else table[..., 2] > 0
        counts = filled.sum(axis=1)
        eta, phi, share = (table[..., k][filled] for k in range(3))
        pt = share * np.repeat(self._jets[start:stop, 0], counts)
        return Particles(counts, pt, eta, wrapped(phi))


class TopTaggingFile(Hdf5Particles):
    """The top-tagging reference set, a table of pandas, whose names are in its attributes."""

    format, code, radius = "the top-tagging reference set", "particles-top-tagging", 0.8
    classes = ("QCD", "top")
    names = ("table/table",)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Tables of pandas whose columns begin with the energy of a particle."""
        if not super().recognises(path, head):
            return False
        try:
            with h5py.File(path, "r") as file:
                table = file["table/table"]
                held = getattr(table, "dtype", np.dtype(int)).names or ()
                said = [_text(table.attrs.get(f"values_block_{k}_kind", "")) for k in (0, 1)]
        except cls.content_errors:
            return False
        blocks = {"values_block_0", "values_block_1"} <= set(held)
        return blocks and b"E_0" in said[0] and b"is_signal_new" in said[1]

    def _open(self) -> None:
        self._table = self._opened()["table/table"]
        n, kind = self._table.shape[0], self._table.dtype
        shapes = [kind[f"values_block_{k}"].shape for k in (0, 1)]
        width = shapes[0][0] if len(shapes[0]) == 1 else 0
        if width < 2 * _TRUTH or width % 4 or shapes[1] != (2,):
            raise self._wrong(
                "table/table", (n, *shapes), "E, px, py, pz of particles, and 2 labels"
            )
        with self.decoding():
            label = np.asarray(self._table["values_block_1"])[:, 1]
        self.columns = {"label": classes(self.path, "is_signal_new", label)}
        self.set_jets(n)

    def particles(self, start: int, stop: int) -> Particles:
        """Particles of jets, padded by zeros; the top quark is left out."""
        with self.decoding():
            block = np.asarray(self._table[start:stop]["values_block_0"], np.float64)
        table = self._finite(block[:, :-_TRUTH], start).reshape(len(block), -1, 4)
        return jets_of(np.moveaxis(table, 2, 0)[[1, 2, 3, 0]], table[..., 0] > 0)


class AtlasFile(Hdf5Particles):
    """ATLAS' jets for top tagging, with the weights for training where the file has them."""

    format, code, radius = "ATLAS top tagging", "particles-atlas-top", 1.0
    classes = ("QCD", "top")
    names = tuple(f"fjet_clus_{k}" for k in ("pt", "eta", "phi", "E"))
    _per_jet = (
        "labels",
        "fjet_pt",
        "fjet_m",
        "fjet_eta",
        "fjet_phi",
        "training_weights",
        "weights",
    )

    def _open(self) -> None:
        found = self._opened(self._per_jet)
        self._quantities = [found.pop(name) for name in self.names]
        shapes = {data.shape for data in self._quantities}
        shape = self._quantities[0].shape
        if len(shapes) > 1 or len(shape) != 2:
            raise self._wrong(self.names[0], shape, "(n, particles), as that of eta, phi, E")
        self.columns = self._columns({k: self._read(v, 0, shape[0]) for k, v in found.items()})
        self.set_jets(shape[0])

    def _columns(self, found: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
        n = self._quantities[0].shape[0]
        columns: dict[str, NDArray[Any]] = {}
        for name, theirs, unit in (
            ("pt", "fjet_pt", _MEV),
            ("m0", "fjet_m", _MEV),
            ("eta", "fjet_eta", 1.0),
            ("phi", "fjet_phi", 1.0),
            (COLUMN, "weights", 1.0),
            (COLUMN, "training_weights", 1.0),
        ):
            if theirs in found:
                signed = name not in ("pt", "m0")
                given = numbers(self.path, theirs, n, found[theirs], signed=signed) * unit
                columns[name] = given.astype(np.float64 if name == COLUMN else np.float32)
        if "labels" in found:
            label = numbers(self.path, "labels", n, found["labels"])
            columns["label"] = classes(self.path, "labels", label)
        return columns

    def particles(self, start: int, stop: int) -> Particles:
        """Particles around the axis of their sum, padded by zeros."""
        pt, eta, phi, energy = (
            self._finite(self._read(data, start, stop), start) for data in self._quantities
        )
        pt, energy = pt * _MEV, energy * _MEV
        momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy])
        found = jets_of(momentum, pt > 0)
        # What the file says of the jets is calibrated, and not repeated.
        said = {k: v for k, v in found.columns.items() if k not in self.columns}
        return Particles(found.counts, found.pt, found.eta, found.phi, columns=said)
