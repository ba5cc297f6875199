from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import benchmarks
import calovision as cv
from calovision.errors import InputError
from calovision.evaluation.challenge_inputs import INPUTS, features, inputs_of
from calovision.evaluation.judges import asked
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.features.showers import challenge_table

Make = Callable[[int, int], Events]
#: of the challenge's HighLevelFeatures (repository CaloChallenge/homepage): log10 of the energy;
#: centres in eta, phi and radius and widths, each over 0.1; sparsity
CHALLENGE = (
    1.7092314176904166,
    -0.28439794204328595,
    0.18575571925826226,
    0.8806648529968405,
    0.8185052063269244,
    0.31016072201246103,
    0.3255260967038375,
    0.999232,
)


def test_features_are_those_of_the_challenge() -> None:
    rng = np.random.default_rng(3)
    cell = rng.choice(15 * 15, 12, replace=False)
    place = (cell // 15 + 55) * 125 + cell % 15 + 55
    energy = rng.exponential(5, 12).astype(np.float32)
    order = np.argsort(place)
    value = energy[order] / np.float32(JET_IMAGES.channels[1].gev_per_unit)
    one = Events(
        JET_IMAGES,
        np.array([0, 12, 12]),
        place[order].astype(np.uint16),
        np.ones(12, np.uint8),
        value,
    )
    found = features(one)
    assert found.shape == (2, 25)
    assert found[0, 0] == pytest.approx(CHALLENGE[0], rel=1e-5)
    assert found[0, 2::3] == pytest.approx(CHALLENGE, rel=1e-5)
    assert found[0, 1] == found[0, 3] == -8  # no energy in tracks and HCAL
    assert found[0, 22] == found[0, 24] == 1
    assert found[1].tolist() == [-8.0] * 4 + [0.0] * 18 + [1.0] * 3


def test_all_inputs_hold_what_the_event_holds(make_jets: Make) -> None:
    jets = make_jets(6, 1)
    dense = jets.to_dense()
    total = dense.sum((1, 2, 3), dtype=float)
    images, logarithm = INPUTS["challenge-cnn"](jets).batch(np.array([4, 2]))
    assert np.allclose(images.numpy(), 100 * dense[[4, 2]] / total[[4, 2], None, None, None], 1e-4)
    assert np.allclose(logarithm.numpy()[:, 0], np.log10(total[[4, 2]]), 1e-5)
    whole, cell, value, first = INPUTS["challenge-dense"](jets).batch(np.array([4, 2]))
    assert torch.equal(whole, logarithm)
    assert first.tolist() == [0, jets.n_hits[4]]
    assert value.sum().item() == pytest.approx(200, rel=1e-4)
    assert len(cell) == jets.n_hits[[4, 2]].sum()


def showers(path: Path, voxels: int = benchmarks.BINNING_VOXELS) -> Events:
    """A few showers, of a cylinder of alike layers by default."""
    file = benchmarks.showers(path / "a.hdf5", 6, 4, voxels=voxels)
    (path / "own.xml").write_text(benchmarks.BINNING)
    own = {"geometry": path / "own.xml"} if voxels == benchmarks.BINNING_VOXELS else {}
    return cv.convert(file, out=path / f"set-{voxels}", quiet=True, **own).load()


def test_of_showers_judges_see_what_those_of_the_challenge_saw(tmp_path: Path) -> None:
    events, rows = showers(tmp_path), np.array([3, 1])
    incident = events.column("energy") * 1000  # MeV
    solid = events.to_dense("image")  # MeV, (n, layers, sectors, rings)
    images, logarithm = inputs_of("challenge-cnn", [events]).batch(rows)
    expected = 100 * solid[rows] / incident[rows, None, None, None]
    np.testing.assert_allclose(images.numpy(), expected[:, None], rtol=1e-5)
    np.testing.assert_allclose(logarithm.numpy()[:, 0], np.log10(incident[rows]), rtol=1e-6)
    _, _, value, first = inputs_of("challenge-dense", [events]).batch(rows)
    sums = [part.sum().item() for part in np.split(value.numpy(), first.numpy()[1:])]
    np.testing.assert_allclose(sums, expected.sum((1, 2, 3)), rtol=1e-5)
    table = inputs_of("challenge-high-level", [events[:2], events[2:]]).batch(rows)[0]
    np.testing.assert_allclose(table.numpy(), challenge_table(events)[rows], rtol=1e-5)
    network = inputs_of("challenge-cnn", [events]).network(1).eval()
    assert network(images, logarithm).shape == (2, 1)
    assert network.stem[0].weight.shape == (32, 1, 7, 7, 7)


def test_layers_that_differ_are_no_image_of_three_dimensions(tmp_path: Path) -> None:
    events = showers(tmp_path, 368)
    with pytest.raises(InputError, match="divided differently"):
        inputs_of("challenge-cnn", [events])
    assert asked(None, events.geometry) == ("trees", "challenge-high-level", "challenge-dense")
    with pytest.raises(InputError, match="energy"):
        inputs_of("challenge-dense", [replace(events, columns={})])
