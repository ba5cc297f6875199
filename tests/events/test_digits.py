from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.digits import ARRAYS, DigitSet, open_digits


@pytest.fixture
def some() -> DigitSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 28, 28), dtype=np.uint8)
    label = np.array([2, 7] * 5)
    return DigitSet(images, label, np.arange(10) < 4, {"source": "chance", "seed": 0})


def test_a_set_comes_back_from_disk(some: DigitSet, tmp_path: Path) -> None:
    some.save(tmp_path / "set")
    again = open_digits(tmp_path / "set")
    assert again.hash == some.hash
    assert again.provenance == some.provenance
    np.testing.assert_array_equal(again.images, some.images)


def test_parts_are_apart_and_classes_count_from_zero(some: DigitSet) -> None:
    train, test = some.part(test=False), some.part(test=True)
    assert some.classes == (2, 7)
    assert train[0].shape == (6, 784)
    assert test[0].shape == (4, 784)
    assert test[1].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(test[0][0] * 255, some.images[0].ravel(), rtol=1e-6)


def test_damage_is_noticed(some: DigitSet, tmp_path: Path) -> None:
    some.save(tmp_path / "set")
    changed = some.images.copy()
    changed[0, 0, 0] ^= 1
    with (tmp_path / "set" / ARRAYS).open("wb") as file:
        np.savez(file, images=changed, label=some.label, test=some.test)
    with pytest.raises(InputError, match="damaged"):
        open_digits(tmp_path / "set")


@pytest.mark.parametrize("kind", ["absent", "text", "flat"])
def test_arrays_of_another_kind_are_damage(kind: str, some: DigitSet, tmp_path: Path) -> None:
    some.save(tmp_path / "set")
    arrays = {"images": some.images, "label": some.label, "test": some.test}
    if kind == "absent":
        del arrays["label"]
    else:
        arrays["images"] = np.array(["ink"]) if kind == "text" else some.images.ravel()
    with (tmp_path / "set" / ARRAYS).open("wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(InputError, match="damaged"):
        open_digits(tmp_path / "set")


def test_other_folders_are_refused(some: DigitSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a set of digits"):
        open_digits(tmp_path)
    (tmp_path / "something").touch()
    with pytest.raises(InputError, match="not empty"):
        some.save(tmp_path)


def test_a_killed_save_is_done_again(some: DigitSet, tmp_path: Path) -> None:
    some.save(tmp_path / "d")
    (tmp_path / "d" / "manifest.json").rename(tmp_path / "d" / "manifest.json.part")
    some.save(tmp_path / "d")
    assert open_digits(tmp_path / "d").hash == some.hash
    with pytest.raises(InputError, match="not empty"):
        some.save(tmp_path / "d")
