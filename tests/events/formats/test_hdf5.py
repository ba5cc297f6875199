from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.formats.convert import convert
from calovision.events.formats.readers import open_images


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
    with pytest.raises(InputError, match=r"the data of X lie in the file .*secret\.h5"):
        open_images(tmp_path / "crops.h5")


#: energies sum to 1.2 image units
CROPS = np.random.default_rng(1).random((6, 32, 32, 2)).astype(np.float32) / 420


def written(path: Path, **links: object) -> Path:
    """A file with the images and labels in ``real``, and whatever else stands at the top."""
    with h5py.File(path, "w") as file:
        file["real/images"], file["real/label"] = CROPS, np.arange(6.0) % 2
        file["real/half"] = CROPS[:3]
        for name, link in links.items():
            file[name] = link
    return path


def view(sources: list[tuple[str, str, int]], rows: int = 6) -> h5py.VirtualLayout:
    """A virtual dataset of (file, dataset, rows), one after the other."""
    layout, start = h5py.VirtualLayout((rows, 32, 32, 2), "f4"), 0
    for file, name, count in sources:
        layout[start : start + count] = h5py.VirtualSource(file, name, (count, 32, 32, 2))
        start += count
    return layout


def content(path: Path) -> np.ndarray:
    file = open_images(path)
    found = np.concatenate([images.copy() for *_, images in file.dense_blocks(0, len(file))])
    file.close()
    return found


LABEL = h5py.SoftLink("/real/label")


@pytest.mark.parametrize(
    "link",
    [
        h5py.SoftLink("/real/images"),
        h5py.SoftLink("real/images"),
        h5py.SoftLink("./real/images"),
        h5py.ExternalLink("crops.h5", "/real/images"),
        h5py.ExternalLink("../links/crops.h5", "real/images"),
    ],
)
def test_links_inside_the_file_are_followed(tmp_path: Path, link: object) -> None:
    (tmp_path / "links").mkdir()
    path = written(tmp_path / "links" / "crops.h5", X=link, y=h5py.SoftLink("again"), again=LABEL)
    assert np.array_equal(content(path), CROPS)
    assert open_images(path).columns["label"].tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("nested", [False, True])
def test_views_inside_the_file_are_followed(tmp_path: Path, nested: bool) -> None:
    path = written(tmp_path / "crops.h5", y=LABEL, a=h5py.SoftLink("/real/half"))
    with h5py.File(path, "r+") as file:
        parts = [(".", "/a", 3), ("crops.h5", "/real/half", 3)]
        file.create_virtual_dataset("inner" if nested else "X", view(parts), fillvalue=7)
        if nested:
            file.create_virtual_dataset("X", view([(".", "inner", 6)]), fillvalue=7)
    assert np.array_equal(content(path), np.concatenate([CROPS[:3]] * 2))


@pytest.mark.parametrize(
    ("link", "says"),
    [
        (h5py.SoftLink("/nothing"), "at /nothing, which is not there"),
        (h5py.SoftLink("/X"), "behind too many links"),
        (h5py.ExternalLink("other.h5", "/X"), r"in the file other\.h5"),
        (h5py.SoftLink("/out/X"), r"in the file other\.h5"),
        (view([("other.h5", "X", 3), (".", "/real/half", 3)]), r"in the file other\.h5"),
        (view([(".", "/real/half", 3), (".", "/gone", 3)]), "at /gone, which is not there"),
        (view([(".", "/real/half", 6)]), "at /real/half, which is smaller"),
        (view([(".", "/real/half", 3)]), "nowhere, in part"),
        (view([(".", "/out/X", 6)]), r"in the file other\.h5"),
        (view([(".", "/X", 6)]), "at /X, which is no dataset"),
    ],
)
def test_what_is_not_followed_is_told(tmp_path: Path, link: object, says: str) -> None:
    """HDF5 itself would give zeros for all of these views."""
    written(tmp_path / "other.h5", X=h5py.SoftLink("/real/images"))
    path = written(tmp_path / "crops.h5", y=LABEL, out=h5py.ExternalLink("other.h5", "/"))
    with h5py.File(path, "r+") as file:
        if isinstance(link, h5py.VirtualLayout):
            file.create_virtual_dataset("X", link)
        else:
            file["X"] = link
    with pytest.raises(InputError, match=f"the data of X lie {says}"):
        open_images(path)


def test_views_that_grow_with_their_source_are_followed(tmp_path: Path) -> None:
    path = written(tmp_path / "crops.h5", y=LABEL)
    with h5py.File(path, "r+") as file:
        file.create_dataset("grown", data=CROPS, maxshape=(None, 32, 32, 2), chunks=(2, 32, 32, 2))
        layout = h5py.VirtualLayout((6, 32, 32, 2), "f4", maxshape=(None, 32, 32, 2))
        source = h5py.VirtualSource(file["grown"])
        layout[0 : h5py.h5s.UNLIMITED] = source[0 : h5py.h5s.UNLIMITED]
        file.create_virtual_dataset("X", layout)
    assert np.array_equal(content(path), CROPS)


def test_columns_in_other_files_are_told_and_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "crops.h5", X=h5py.SoftLink("/real/images"), y=LABEL)
    with h5py.File(path, "r+") as file:
        file["more"], file["pt"] = h5py.ExternalLink("other.h5", "/m"), h5py.SoftLink("/gone")
    with pytest.warns(UserWarning, match="left out is") as found:
        store = convert([path], tmp_path / "set")
    told = [str(w.message).partition("left out is ")[2] for w in found]
    assert [line for line in told if line] == [
        "more, the data of which lie in the file other.h5",
        "pt, the data of which lie at /gone, which is not there",
    ]
    assert tuple(store.columns) == ("label",)
    assert np.array_equal(store.load().to_dense("image").transpose(0, 2, 3, 1), CROPS)


def test_a_missing_compression_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "crops.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=0 * CROPS, chunks=(2, 32, 32, 2), compression="lzf")
        file["y"] = np.zeros(6)
    lzf, unknown = (n.to_bytes(2, "little") for n in (32000, 32099))
    raw = path.read_bytes()
    assert raw.count(lzf) == 1
    path.write_bytes(raw.replace(lzf, unknown))
    with pytest.raises(
        InputError, match=r"X is compressed by the HDF5 filter 32099 \(lzf\)"
    ) as told:
        content(path)
    assert "HDF5_PLUGIN_PATH" in str(told.value)
    assert "damaged" not in str(told.value)


def test_a_missing_compression_that_was_not_used_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "crops.h5"
    with h5py.File(path, "w") as file:
        file["y"] = np.zeros(6)
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((2, 32, 32, 2))
        plan.set_filter(32099, h5py.h5z.FLAG_OPTIONAL, (3,))
        space = h5py.h5s.create_simple(CROPS.shape)
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, plan)
        file["X"][:] = CROPS
    assert np.array_equal(content(path), CROPS)


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
