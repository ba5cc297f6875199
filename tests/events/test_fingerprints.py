from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events import Events, StoreWriter, save
from calovision.events.fingerprints import (
    UNKNOWN,
    FingerprintIndex,
    Fingerprints,
    _mix,
    fingerprints,
)
from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import export
from calovision.events.training_fingerprints import TRAINING, read_index, write_index

Make = Callable[[int, int], Events]
REFERENCE = 0xE220A8397B1DCDAF  #: first number of splitmix64 with seed 0, as published


def without_columns(events: Events, *kept: str) -> Events:
    return replace(events, columns={k: events.columns[k] for k in kept})


def of(image: list[int], origin: list[int] | None = None) -> Fingerprints:
    none = [0] * len(image)
    return Fingerprints(np.array(image, np.uint64), np.array(origin or none, np.uint64))


def test_keys_are_scattered_as_published() -> None:
    assert _mix(np.zeros(1, np.uint64)).tolist() == [REFERENCE]


def test_the_image_alone_decides(toy_jets: Events) -> None:
    prints = fingerprints(toy_jets)
    order = np.random.default_rng(1).permutation(len(toy_jets))
    bare = without_columns(toy_jets, "label")[order]
    assert np.array_equal(fingerprints(bare).image, prints.image[order])
    assert len(np.unique(prints.image)) == len(toy_jets)
    assert not fingerprints(bare).origin.any()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", ["toy_jets", "toy_crops"])
def test_the_public_schema_and_back(
    kind: str, dtype: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    events: Events = request.getfixturevalue(kind)
    own = fingerprints(events)
    stripped = convert([toys.write_hdf5(tmp_path / "a.h5", events, dtype)], tmp_path / "a")
    assert np.array_equal(fingerprints(stripped).image, own.image)
    store = save(events, tmp_path / "b", provenance={})
    back = convert([export(store, tmp_path / "b.h5")], tmp_path / "c")
    assert np.array_equal(fingerprints(back).image, own.image)
    assert np.array_equal(fingerprints(back).origin, own.origin)
    assert own.origin.all() == (kind == "toy_jets")


def test_energies_that_went_through_other_units_are_nearly_always_known(make_jets: Make) -> None:
    jets = make_jets(300, 4)
    value = (jets.value * np.float32(94.0)) / np.float32(94.0)
    assert (value != jets.value).any()
    same = fingerprints(replace(jets, value=value)).isin(fingerprints(jets).index())
    assert same.all()  # by their origin, if not by their image
    bare = without_columns(replace(jets, value=value), "label")
    assert fingerprints(bare).isin(fingerprints(jets).index()).mean() > 0.98


def test_the_same_jet_in_another_detector_is_known_by_its_origin(make_jets: Make) -> None:
    jets = make_jets(50, 4)
    noisy = replace(jets, value=jets.value * np.float32(1.05))
    known = fingerprints(jets).index()
    assert fingerprints(noisy).isin(known).all()
    assert not fingerprints(without_columns(noisy, "label")).isin(known).any()
    assert not fingerprints(make_jets(50, 5)).isin(known).any()


def test_a_particle_gun_has_no_origins(make_jets: Make) -> None:
    names = ("gen_pt", "gen_m0", "eta", "phi")
    guns = []
    for seed in (1, 2):
        jets = make_jets(60, seed)
        fixed: dict[str, Any] = {k: np.full(60, 1.5, np.float32) for k in names}
        guns.append(replace(jets, columns=jets.columns | fixed))
    a, b = map(fingerprints, guns)
    assert not a.isin(b.index()).any()
    assert a.groups() is None


def test_images_without_hits_are_not_known(toy_jets: Events) -> None:
    empty = without_columns(toy_jets, "label").keep(np.zeros(len(toy_jets.cell), bool))
    prints = fingerprints(empty)
    assert (prints.image == UNKNOWN).all()
    assert not prints.isin(prints.index()).any()
    assert not prints.repeated().any()
    assert prints.groups() is None


def test_a_set_on_disk_has_the_prints_of_its_events(make_jets: Make, tmp_path: Path) -> None:
    jets = make_jets(130, 6)
    prints = fingerprints(save(jets, tmp_path / "set", provenance={}))
    assert np.array_equal(prints.image, fingerprints(jets).image)
    assert np.array_equal(prints.origin, fingerprints(jets).origin)


def test_groups_join_copies_origins_and_collisions() -> None:
    collisions = np.array([7, 7, 8, 9, 9, 5])
    assert of([1, 2, 3, 4, 5, 6]).groups(collisions) is collisions
    assert of([1, 2, 3, 4, 5, 6]).groups() is None
    # 2 is a copy of 0, whose collision has 1 too; 3 and 5 are of one origin
    found = of([1, 2, 1, 4, 5, 6], [0, 0, 0, 40, 0, 40]).groups(collisions)
    assert found is not None
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4] == found[5]
    assert found[0] != found[3]


def test_copies_are_counted_once() -> None:
    assert of([3, 0, 3, 0, 4, 3]).repeated().tolist() == [False, False, True, False, False, True]


def test_files_of_prints_are_checked(tmp_path: Path, toy_jets: Events) -> None:
    path, known = tmp_path / "p.npy", fingerprints(toy_jets).index().prints
    write_index(path, FingerprintIndex(known))
    assert np.array_equal(read_index(path, "mend it").prints, known)
    whole = path.read_bytes()
    for bad in (b"", whole[:-1], whole + b"0", whole[:200]):
        path.write_bytes(bad)
        with pytest.raises(InputError, match="damaged; mend it"):
            read_index(path, "mend it")
    for array in (known[::-1], known.astype(float), known.reshape(2, -1), np.array([None])):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(InputError, match="damaged"):
            read_index(path, "mend it")
    with pytest.raises(InputError, match="missing"):
        read_index(tmp_path / "none.npy", "mend it")


def test_an_overwritten_set_keeps_no_fingerprints(toy_jets: Events, tmp_path: Path) -> None:
    save(toy_jets, tmp_path / "set", provenance={})
    write_index(tmp_path / "set" / TRAINING, fingerprints(toy_jets).index())
    StoreWriter(tmp_path / "set", toy_jets.geometry, provenance={}, overwrite=True)
    assert not (tmp_path / "set" / TRAINING).exists()
