"""Small synthetic files in the schemas of public benchmarks, for tests only.

The schemas are those that their publishers describe: the CaloChallenge
(github.com/CaloChallenge/homepage, README and ``code/binning_dataset_*.xml``), JetNet
(zenodo.org/records/6975118 and the package jetnet), the top-tagging reference set
(zenodo.org/records/2603256), ATLAS' top-tagging set (opendata.cern.ch/record/15013), EnergyFlow
(zenodo.org/records/3164691), JetClass (zenodo.org/records/6619768) and the LHC Olympics
(zenodo.org/records/4536377).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.events.formats.calochallenge import SETS

#: a cylinder of a user's own, in the challenge's XML; its second layer has no voxels
BINNING = """<Bins>
  <Bin pid="11" name="electron">
    <Layer id="0" r_edges="0,5,10,30" n_bin_alpha="4" />
    <Layer id="1" r_edges="0" n_bin_alpha="1" />
    <Layer id="2" r_edges="0,5,10,30" n_bin_alpha="4" />
    <Layer id="3" r_edges="0,5,10,30" n_bin_alpha="4" />
  </Bin>
</Bins>
"""
BINNING_VOXELS = 36
MEV = (1e3, 1e6)  #: incident energies


def showers(
    path: Path, n: int, seed: int, *, voxels: int = BINNING_VOXELS, scale: float = 1.0
) -> Path:
    """Showers of the CaloChallenge's format: a hot axis, a tenth of the voxels empty.

    Args:
        path: of the HDF5 file.
        n: showers.
        seed: of everything random.
        voxels: of a set of the challenge, or of :data:`BINNING`.
        scale: factor on the deposits.
    """
    rng = np.random.default_rng(seed)
    incident = np.exp(rng.uniform(*np.log(MEV), n))
    share = rng.gamma(0.5, 1.0, (n, voxels)) * rng.gamma(4.0, 0.25, voxels)
    share[rng.random((n, voxels)) < 0.1] = 0
    share /= share.sum(axis=1, keepdims=True)
    deposits = share * incident[:, None] * rng.normal(0.9, 0.02, (n, 1)) * scale
    with h5py.File(path, "w") as file:
        kind = {"compression": "gzip"}
        file.create_dataset("showers", data=deposits.astype(np.float32), **kind)
        file.create_dataset("incident_energies", data=incident[:, None], **kind)
    return path


def all_sets() -> tuple[int, ...]:
    """Numbers of voxels of the challenge's sets."""
    return tuple(SETS)


IDS = np.array([211, -211, 22, 130, 11, -13])
JETCLASS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")


@dataclass(frozen=True)
class Jets:
    """Massless particles of some jets, padded by zeros.

    Attributes:
        pt, eta, phi: ``(n, particles)``, GeV and rad.
        pdg: ``(n, particles)`` identities, 0 for padding.
        label: ``(n,)``, 0 or 1.
    """

    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    pdg: NDArray[np.int64]
    label: NDArray[np.int64]

    @property
    def momentum(self) -> NDArray[np.float64]:
        """``(4, n, particles)`` px, py, pz, energy, GeV."""
        angles = (np.cos(self.phi), np.sin(self.phi), np.sinh(self.eta), np.cosh(self.eta))
        return self.pt * np.stack(angles)

    @property
    def sums(self) -> NDArray[np.float64]:
        """``(4, n)`` pt, eta, phi and mass of the jets, GeV and rad."""
        px, py, pz, energy = self.momentum.sum(axis=2)
        pt = np.hypot(px, py)
        mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
        return np.stack([pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass])


def jets(n: int, seed: int, *, particles: int = 20, spread: float = 0.1) -> Jets:
    """Random jets of a TeV: those of class 1 have two prongs.

    Args:
        n: jets.
        seed: of everything random.
        particles: most of a jet, hardest first.
        spread: of the particles around their prong, rad.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    pt = -np.sort(-rng.exponential(1000 / particles, (n, particles)))
    pt[np.arange(particles) >= rng.integers(particles // 2, particles + 1, n)[:, None]] = 0
    prong = np.where(rng.random((n, particles)) < 0.5, -0.15, 0.15) * label[:, None]
    axis = rng.uniform(-1, 1, (n, 1)), rng.uniform(-3, 3, (n, 1))
    eta = axis[0] + rng.normal(0, spread / 2, (n, particles)) + prong
    phi = axis[1] + rng.normal(0, spread / 2, (n, particles))
    there = pt > 0
    pdg = np.where(there, rng.choice(IDS, (n, particles)), 0)
    return Jets(pt, np.where(there, eta, 0), np.where(there, _wrapped(phi), 0), pdg, label)


def _wrapped(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    return (phi + np.pi) % (2 * np.pi) - np.pi


def jetnet(path: Path, of: Jets) -> Path:
    """JetNet: places and momenta relative to the jet's, and a mask."""
    pt, eta, phi, mass = of.sums
    there = of.pt > 0
    features = [
        np.where(there, of.eta - eta[:, None], 0),
        np.where(there, _wrapped(of.phi - phi[:, None]), 0),
        of.pt / pt[:, None],
        there,
    ]
    with h5py.File(path, "w") as file:
        file["particle_features"] = np.stack(features, axis=2).astype(np.float32)
        file["jet_features"] = np.stack([pt, eta, mass, there.sum(1)], axis=1).astype(np.float32)
    return path


def top_tagging(path: Path, of: Jets) -> Path:
    """The table that pandas writes, with the names of its columns pickled in attributes."""
    energies = np.moveaxis(of.momentum[[3, 0, 1, 2]], 0, 2).reshape(len(of.label), -1)
    truth = np.zeros((len(of.label), 4))
    block = np.concatenate([energies, truth], axis=1).astype(np.float32)
    blocks = [("values_block_0", "f4", block.shape[1:]), ("values_block_1", "i8", (2,))]
    table = np.zeros(len(block), [("index", "i8"), *blocks])
    table["index"], table["values_block_0"] = np.arange(len(block)), block
    table["values_block_1"][:, 1] = of.label
    names = [f"{q}_{k}" for k in range(of.pt.shape[1]) for q in ("E", "PX", "PY", "PZ")]
    names += [f"truth{q}" for q in ("E", "PX", "PY", "PZ")]
    with h5py.File(path, "w") as file:
        made = file.create_dataset("table/table", data=table)
        for k, columns in enumerate((names, ["ttv", "is_signal_new"])):
            listed = "".join(f"V{name}\np{i}\na" for i, name in enumerate(columns))
            made.attrs[f"values_block_{k}_kind"] = np.bytes_(f"(lp0\n{listed}.")
    return path


def atlas(path: Path, of: Jets, *, weights: NDArray[np.float64] | None = None) -> Path:
    """ATLAS' names, in MeV."""
    pt, eta, phi, mass = of.sums
    content: dict[str, Any] = {
        "fjet_clus_pt": of.pt * 1000,
        "fjet_clus_eta": of.eta,
        "fjet_clus_phi": of.phi,
        "fjet_clus_E": of.momentum[3] * 1000,
        "fjet_clus_taste": (of.pt > 0).astype(int),
        "fjet_pt": pt * 1000,
        "fjet_eta": eta,
        "fjet_phi": phi,
        "fjet_m": mass * 1000,
        "labels": of.label,
    }
    if weights is not None:
        content["training_weights"] = weights
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
    return path


def energyflow(path: Path, of: Jets, *, identities: bool = True) -> Path:
    """EnergyFlow's ``X`` and ``y``; of massless particles the rapidity is the pseudorapidity."""
    numbers = [of.pt, of.eta, of.phi % (2 * np.pi), of.pdg]
    cube = np.stack(numbers if identities else numbers[:3], axis=2)
    np.savez(path, X=cube * (of.pt > 0)[..., None], y=of.label.astype(float))
    return path


def jetclass(path: Path, of: Jets, classes: NDArray[np.int64]) -> Path:
    """JetClass' tree, with a flag of every class."""
    import awkward as ak
    import uproot

    pt, eta, phi, _ = of.sums
    there, (px, py, pz, energy) = of.pt > 0, of.momentum
    lists = {
        "px": px,
        "py": py,
        "pz": pz,
        "energy": energy,
        "deta": of.eta - eta[:, None],
        "dphi": _wrapped(of.phi - phi[:, None]),
        "charge": np.where(np.isin(abs(of.pdg), (22, 130)), 0, np.sign(of.pdg)),
        "isChargedHadron": abs(of.pdg) == 211,
        "isNeutralHadron": of.pdg == 130,
        "isPhoton": of.pdg == 22,
        "isElectron": abs(of.pdg) == 11,
        "isMuon": abs(of.pdg) == 13,
    }
    counts = there.sum(1)
    columns: dict[str, Any] = {
        f"part_{k}": ak.unflatten(v[there].astype("f4" if v.dtype.kind == "f" else "i4"), counts)
        for k, v in lists.items()
    }
    columns |= {f"label_{c}": (classes == k).astype("i4") for k, c in enumerate(JETCLASS)}
    columns["jet_pt"] = pt.astype("f4")
    kinds = {
        k: "var * float32"
        if k in ("part_px", "part_py", "part_pz", "part_energy", "part_deta", "part_dphi")
        else ("var * int32" if k.startswith("part_") else str(v.dtype))
        for k, v in columns.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("tree", kinds)
        file["tree"].extend(columns)
    return path


def lhco(path: Path, of: Jets, *, truth: bool = True) -> Path:
    """The LHC Olympics' rows: pt, eta, phi of every particle of a collision, and the truth."""
    rows = np.stack([of.pt, of.eta, of.phi], axis=2).reshape(len(of.label), -1)
    if truth:
        rows = np.concatenate([rows, of.label[:, None]], axis=1)
    with h5py.File(path, "w") as file:
        file["df/block0_values"] = rows
        file["df/block0_items"] = np.arange(rows.shape[1])
        file["df/axis0"], file["df/axis1"] = np.arange(rows.shape[1]), np.arange(len(rows))
    return path
