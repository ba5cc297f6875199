"""Small synthetic files in the schemas of public benchmarks, for tests only.

The schemas are those that their publishers describe: github.com/CaloChallenge/homepage (README and
``code/binning_dataset_*.xml``).
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

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
