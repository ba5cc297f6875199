"""Jets of particles in ROOT files of JetClass (arXiv:2202.03772, zenodo.org/records/6619768).

A tree has lists ``part_px``, ``part_py`` (GeV), ``part_deta``, ``part_dphi``, ``part_charge``,
``part_isPhoton`` of the particles of a jet, its ``jet_pt``, and a column ``label_NAME`` of each of
ten classes, one of which is 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.columns import numbers
from calovision.events.formats.particle_jets import (
    CHARGED,
    KINDS,
    NEUTRAL,
    PHOTON,
    ParticleJets,
    Particles,
)

_LISTS = ("part_px", "part_py", "part_deta", "part_dphi", "part_charge", "part_isPhoton")
_PREFIX = "label_"


class JetClassFile(ParticleJets):
    """JetClass' jets, in up to ten classes."""

    format, code, radius = "JetClass", "particles-jetclass", 0.8
    kinds = KINDS
    classes = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
    content_errors = (Exception,)  # uproot raises what its parts raise

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """ROOT files with a tree of these lists; whatever else is wrong with one, others say."""
        if not head.startswith(b"root"):
            return False
        try:
            import uproot

            with uproot.open(path) as file:
                return cls._tree_of(file) is not None
        except Exception:  # uproot may be missing, and raises what its parts raise
            return False

    @staticmethod
    def _tree_of(file: Any) -> Any:
        """The tree, or RNTuple, with all lists, if there is one."""
        names = [k for k, c in file.classnames().items() if c in ("TTree", "ROOT::RNTuple")]
        return next((file[k] for k in names if set(_LISTS) <= set(file[k].keys())), None)

    def _open(self) -> None:
        import uproot

        with self.decoding():
            self._tree = self._tree_of(self._open_files.enter_context(uproot.open(self.path)))
            names, n = set(self._tree.keys()), int(self._tree.num_entries)
            flags = {c: self._flat(_PREFIX + c) for c in self.classes if _PREFIX + c in names}
            pt = self._flat("jet_pt") if "jet_pt" in names else None
        self.columns = {} if pt is None else {"pt": numbers(self.path, "jet_pt", n, pt)}
        if flags:
            self.columns["label"] = self._labels(flags)
        self.set_jets(n)

    def _flat(self, name: str) -> NDArray[Any]:
        return np.asarray(self._tree[name].array(library="np"))

    def _labels(self, flags: dict[str, NDArray[Any]]) -> NDArray[np.int8]:
        """Places in the classes, from a flag of each."""
        table = np.stack([np.asarray(v) for v in flags.values()]).astype(np.float64)
        wrong = (table == 1).sum(axis=0) != 1
        if wrong.any():
            raise InputError(
                f"{self.path}: event {int(np.argmax(wrong))} is not of exactly one class",
                "one of the columns label_... must be 1",
            )
        place = np.array([self.classes.index(name) for name in flags], np.int8)
        found: NDArray[np.int8] = place[table.argmax(axis=0)]
        return found

    def particles(self, start: int, stop: int) -> Particles:
        """Particles around the jet's axis, told by charge and identity."""
        import awkward as ak

        with self.decoding():
            lists = self._tree.arrays(_LISTS, entry_start=start, entry_stop=stop, library="ak")
            counts = ak.to_numpy(ak.num(lists["part_px"], axis=1)).astype(np.int64)
            flat = {k: ak.to_numpy(ak.flatten(lists[k], axis=1)).astype(np.float64) for k in _LISTS}
        bad = ~np.isfinite(np.stack(list(flat.values()))).all(axis=0)
        if bad.any():
            jet = start + int(np.searchsorted(np.cumsum(counts), np.argmax(bad), side="right"))
            raise InputError(
                f"{self.path}: a particle of event {jet} is not finite", "correct or remove it"
            )
        neutral = np.where(flat["part_isPhoton"] > 0, PHOTON, NEUTRAL)
        return Particles(
            counts,
            np.hypot(flat["part_px"], flat["part_py"]),
            flat["part_deta"],
            flat["part_dphi"],
            np.where(flat["part_charge"] != 0, CHARGED, neutral),
        )
