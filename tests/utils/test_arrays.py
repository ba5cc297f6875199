from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.utils.arrays import read_arrays


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(6).reshape(2, 3), empty=np.zeros(0))
    found = read_arrays(path, "again")
    assert set(found) == {"a", "empty"}
    assert np.array_equal(found["a"], np.arange(6).reshape(2, 3))


@pytest.mark.parametrize("claim", [{"shape": (10**12,)}, {"shape": (1,)}])
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, claim: dict[str, object]) -> None:
    path, file = tmp_path / "a.npz", io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (3,)} | claim
    np.lib.format.write_array_header_1_0(file, header)
    file.write(bytes(10**6))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", file.getvalue())
    with pytest.raises(InputError, match=r"a\.npz is damaged; again"):
        read_arrays(path, "again")


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([{1: 2}], object))
    with pytest.raises(InputError, match="a holds Python objects; save numbers"):
        read_arrays(path, "again")


def test_numbers_come_in_the_order_of_bytes_of_this_machine(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([1.5, -2.0], ">f8"), b=np.array([7], "<i4"))
    found = read_arrays(tmp_path / "a.npz", "again")
    assert found["a"].dtype.isnative
    assert found["a"].tolist() == [1.5, -2.0]
    assert found["b"].tolist() == [7]
