from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events import Events, save, weighting
from calovision.events.formats.convert import convert
from calovision.events.info import info
from calovision.events.weighting import effective, quantiles, scaled


def weighted(events: Events, weights: np.ndarray) -> Events:
    return replace(events, columns=events.columns | {"weight": weights})


def test_weights_have_a_mean_of_1_and_equal_ones_are_none() -> None:
    assert scaled([1.0, 3.0], 2) == pytest.approx([0.5, 1.5])
    assert scaled(None, 3) is None
    assert scaled(np.full(7, 0.1), 7) is None


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0, -2.0, -3.0], "2 event weights are negative, the first is -2 of event 1"),
        ([1.0, 2.0, np.nan], "1 event weights are not finite, the first is nan of event 2"),
        ([0.0, 0.0, 0.0], "sum to 0"),
        ([1.0, 2.0], "for 3 events"),
        (["a", "b", "c"], "for 3 events"),
        ([[1.0], [2.0], [3.0]], "for 3 events"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        scaled(weights, 3)


def test_negative_weights_count_where_they_may() -> None:
    assert scaled([3.0, -1.0], 2, signed=True) == pytest.approx([3.0, -1.0])
    with pytest.raises(InputError, match="sum to -1"):
        scaled([1.0, -2.0], 2, signed=True)


def test_quantiles_are_those_of_repeated_values() -> None:
    rng = np.random.default_rng(1)
    value, count = rng.normal(size=40), rng.integers(0, 5, 40)
    shares = np.linspace(0, 1, 21)
    repeated = np.quantile(np.repeat(value, count), shares, method="inverted_cdf")
    assert quantiles(value, shares, 0.3 * count) == pytest.approx(repeated)
    assert quantiles(value, [0.5]) == np.sort(value)[19]


def test_the_effective_number_of_events() -> None:
    assert effective(np.full(8, 2.5)) == pytest.approx(8)
    assert effective(np.array([1.0, 1.0, 0.0])) == pytest.approx(2)


def test_info_is_that_of_repeated_events(toy_jets: Events, tmp_path: Path) -> None:
    count = np.random.default_rng(3).integers(0, 4, len(toy_jets))
    repeated = toy_jets[np.repeat(np.arange(len(toy_jets)), count)]
    plain = info(save(repeated, tmp_path / "repeated", provenance={}))["classes"]
    found = info(save(weighted(toy_jets, 0.5 * count), tmp_path / "w", provenance={}))["classes"]
    assert found["all"]["effective_events"] == pytest.approx(count.sum() ** 2 / (count**2).sum())
    assert found["quark"]["fraction"] == pytest.approx(plain["quark"]["fraction"])
    for part in ("all", "gluon"):
        for quantity in ("pixels", "hits", "energy"):
            for statistic in ("mean", "std"):
                assert found[part][quantity]["hcal"][statistic] == pytest.approx(
                    plain[part][quantity]["hcal"][statistic]
                )
        assert found[part]["pt"]["mean"] == pytest.approx(plain[part]["pt"]["mean"])
        assert abs(found[part]["pt"]["p50"] - plain[part]["pt"]["p50"]) < 5


def test_a_converted_file_keeps_its_weights(toy_crops: Events, tmp_path: Path) -> None:
    import h5py

    file = toys.write_hdf5(tmp_path / "crops.h5", toy_crops)
    weights = np.random.default_rng(4).normal(size=len(toy_crops))
    with h5py.File(file, "a") as opened:
        opened["weight"] = weights[:, None]
    store = convert([file], tmp_path / "crops")
    np.testing.assert_array_equal(store.column("weight"), weights)
    with h5py.File(file, "a") as opened:
        opened["weight"][5] = np.inf
    with pytest.raises(InputError, match="weight is inf for event 5"):
        convert([file], tmp_path / "bad")


def test_any_scale_of_weights_is_counted() -> None:
    assert weighting.effective(np.full(7, 1e300)) == pytest.approx(7)
    assert weighting.effective(np.array([1e300, 1e-300])) == pytest.approx(1)
    assert weighting.effective(np.zeros(3)) == 0


def test_weights_that_are_all_zero_are_told(toy_crops: Events) -> None:
    nothing = replace(toy_crops, columns={**toy_crops.columns, "weight": np.zeros(len(toy_crops))})
    with pytest.raises(InputError, match="event weights are all 0"):
        weighting.counting(nothing)
