from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from calovision.events import Events, concatenate, save
from calovision.models.symmetry.data import read_images


def test_an_image_that_is_there_twice_is_held_out_or_trained_on(
    make_jets: Callable[[int, int], Events], tmp_path: Path
) -> None:
    jets = make_jets(60, 1)
    again = replace(jets, columns={"label": jets.label, "event_id": 1000 + np.arange(60)})
    jets.columns = {"label": jets.label, "event_id": np.arange(60)}
    data = read_images(save(concatenate([jets, again]), tmp_path / "set", provenance={}).path)
    trained, held_out = (
        {image.numpy().tobytes() for image in part[0]} for part in (data.train, data.test)
    )
    assert len(trained) + len(held_out) == 60
    assert 8 <= len(held_out) <= 16
