from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.digits import digits


def write_mnist(folder: Path, n: int = 20) -> Path:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    labels = (np.arange(n) % 3).astype(np.uint8)
    head = np.array([2051, n, 28, 28], ">i4").tobytes()
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(head + images.tobytes()))
    head = np.array([2049, n], ">i4").tobytes()
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + labels.tobytes()))
    return path


def test_packaged_digits_hold_out_a_fifth_of_each() -> None:
    found = digits(seed=4)
    assert found.classes == (1, 2)
    assert len(found) == 1000
    assert [int((found.label[found.test] == d).sum()) for d in (1, 2)] == [100, 100]
    assert found.hash == digits(seed=4).hash
    assert (found.test != digits(seed=5).test).any()


def test_a_digit_that_is_there_twice_is_held_out_or_trained_on(tmp_path: Path) -> None:
    path = write_mnist(tmp_path, 300)
    payload = bytearray(gzip.decompress(path.read_bytes()))
    payload[16 + 150 * 784 :] = payload[16 : 16 + 150 * 784]  # the first half once more
    path.write_bytes(gzip.compress(bytes(payload)))
    found = digits([0, 1, 2], mnist=path)
    trained, held_out = (
        {bytes(image.ravel()) for image in found.images[found.test == side]}
        for side in (False, True)
    )
    assert len(held_out) > 20
    assert not trained & held_out


def test_a_file_of_mnist(tmp_path: Path) -> None:
    found = digits([0, 2], mnist=write_mnist(tmp_path), seed=1)
    assert found.classes == (0, 2)
    assert len(found) == 13
    assert found.provenance["source"] == "train-images-idx3-ubyte.gz"


def test_what_is_not_mnist_is_refused(tmp_path: Path) -> None:
    path = write_mnist(tmp_path)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
    with pytest.raises(InputError, match="not a complete file"):
        digits(mnist=path)
    with pytest.raises(InputError, match="does not exist"):
        digits(mnist=tmp_path / "t10k-images-idx3-ubyte")
    with pytest.raises(InputError, match="not a file of images"):
        digits(mnist=tmp_path / "digits.png")
    with pytest.raises(InputError, match="do not exist"):
        digits([1, 12])
