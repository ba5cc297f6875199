from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events import Events
from calovision.events.labels import both_classes


def relabelled(events: Events, label: Any) -> Events:
    return replace(events, columns=events.columns | {"label": np.asarray(label)})


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ([0, 1, 2, 2], r"the labels are 0 \(1 events\), 1 \(1 events\), 2 \(2 events\)"),
        (["quark", "gluon", "quark", "b"], r"the labels are 'b' \(1 events\), 'gluon'"),
        (np.array(["quark", "gluon", "quark", "b"], object), r"'quark' \(2 events\)"),
        ([0.5, 1, 0, 0], r"0.5 \(1 events\)"),
        ([np.nan, 1, 0, 0], r"nan \(1 events\)"),
        ([-1, 1, 1, 1], r"-1 \(1 events\), 1 \(3 events\)"),
        ([1, 1, 1, 1], r"all labels are 1 \(4 events\); give events of both"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], r"the labels have shape \(4, 2\)"),
    ],
)
def test_what_was_found_and_what_was_expected_is_said(
    toy_jets: Events, label: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words) as refused:
        both_classes(relabelled(toy_jets[:4], label))
    assert "a column 'label' of 0 (gluon) and 1 (quark)" in str(refused.value)


def test_a_set_without_labels_says_what_it_has(toy_crops: Events) -> None:
    bare = replace(toy_crops, columns={"energy": np.ones(64), "eta": np.ones(64)})
    with pytest.raises(InputError, match=r"no labels \(their columns: energy, eta\).*1 \(electron"):
        both_classes(bare)


def test_labels_of_any_number_type_are_read(toy_jets: Events) -> None:
    for kind in (np.bool_, np.float64, np.uint8, np.int64):
        found = both_classes(relabelled(toy_jets, toy_jets.label.astype(kind)))
        np.testing.assert_array_equal(found, toy_jets.label)
