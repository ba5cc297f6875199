from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.training_fingerprints import BITS, read_packed, write_packed


def test_upper_bits_are_kept_in_a_small_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    prints = rng.integers(1, 2**64, 90_000, dtype=np.uint64)
    prints[:2] = [1 << 28, 2**64 - 1]
    write_packed(tmp_path / "p.npz", prints)
    assert (tmp_path / "p.npz").stat().st_size < 260_000
    known = read_packed(tmp_path / "p.npz", "mend it")
    assert known.bits == BITS == 36
    assert known.contains(prints).all()
    assert np.array_equal(known.prints >> np.uint64(28), np.unique(prints >> np.uint64(28)))
    others = rng.integers(1, 2**64, 400_000, dtype=np.uint64)
    assert known.contains(others).sum() < 8  # 0.5 are expected
    assert not known.contains(prints[2:] ^ np.uint64(1 << 28)).sum() > 2


def test_damage_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", count=np.ones(1 << 16, np.uint16), low=np.zeros(3, np.uint8))
    with pytest.raises(InputError, match="damaged; mend it"):
        read_packed(tmp_path / "p.npz", "mend it")
    with pytest.raises(InputError):
        read_packed(tmp_path / "none.npz", "mend it")
