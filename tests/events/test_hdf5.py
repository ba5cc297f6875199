from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from calovision.errors import InputError
from calovision.events.portions import open_images


@pytest.mark.parametrize("how", ["link", "external", "view"])
def test_datasets_of_other_files_are_not_read(tmp_path: Path, how: str) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["X"] = [0.0] * 2048
    with h5py.File(tmp_path / "crops.h5", "w") as file:
        file["y"] = [0.0]
        if how == "link":
            file["X"] = h5py.ExternalLink("secret.h5", "/X")
        elif how == "external":
            place = [(str(tmp_path / "secret.h5"), 0, 8192)]
            file.create_dataset("X", (1, 32, 32, 2), "f4", external=place)
        else:
            layout = h5py.VirtualLayout((2048,), "f4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "X", (2048,))
            file.create_virtual_dataset("X", layout)
    with pytest.raises(InputError, match="neither X_jets nor X"):
        open_images(tmp_path / "crops.h5")


def test_rows_that_nobody_wrote_take_no_memory(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "crops.h5", "w") as file:
        file.create_dataset("X", (10**12, 32, 32, 2), "f4", chunks=(1, 32, 32, 2))
        file.create_dataset("y", (10**12,), "f4", chunks=(1000,))
    with pytest.raises(InputError, match=r"y claims .* more than the file can hold"):
        open_images(tmp_path / "crops.h5")


def test_pieces_that_fill_the_memory_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "crops.h5", "w") as file:
        n = 1 << 18
        file.create_dataset("X", (n, 32, 32, 2), "f4", chunks=(n, 32, 32, 2), compression="lzf")
        file.create_dataset("y", (n,), "f4")
    with pytest.raises(InputError, match="h5repack"):
        open_images(tmp_path / "crops.h5")
