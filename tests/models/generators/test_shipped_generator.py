"""The generator that comes with the package, from a request to jets: what physics demands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_shapes import shapes

from calovision.events.events import Events
from calovision.models.generators.base import Request, generated
from calovision.models.generators.splitting.postprocessing import fit_bias_offsets
from calovision.models.generators.splitting.sampling import sample_global_features
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import load_generator
from calovision.models.pretrained import pretrained_run
from calovision.training.run import RunDir

JETS, CHUNK, SEED = 150, 80, 11
COLUMNS = ("gen_pt", "gen_m0", "pt", "m0")
CORE = 4  #: of the six numbers of a shape: the share of energy within 0.1 rad
#: shares, and rad, that a shape may be off where it can be had
TOLERANCE = np.array([3e-3, 4e-3, 4e-3, 7e-4, 4e-3, 3e-3])


@dataclass
class Asked:
    """Totals of some jets, as the documentation of the table says.

    Attributes:
        columns: ``(n, 4)`` GeV.
        label: ``(n,)``.
        hits: ``(n, C)``.
        energy: ``(n, C)`` GeV.
        shapes: ``(n, C, 6)`` in the order of :func:`plain_shapes.shapes`.
        axes: ``(n, 2)``.
    """

    columns: NDArray[np.float64]
    label: NDArray[np.float32]
    hits: NDArray[np.int64]
    energy: NDArray[np.float64]
    shapes: NDArray[np.float64]
    axes: NDArray[np.float64]


@pytest.fixture(scope="module")
def task() -> CascadeTask:
    found = load_generator(RunDir(pretrained_run("jet-generator")))
    assert isinstance(found, CascadeTask)
    found.chunk = CHUNK  # type: ignore[misc]
    return found


def proposed(task: CascadeTask, n: int, request: Request | None = None) -> Events:
    return task.proposed(request or Request(), n, np.random.default_rng(SEED))


@pytest.fixture(scope="module")
def jets(task: CascadeTask) -> Events:
    """As the networks make them."""
    return proposed(task, JETS)


@pytest.fixture(scope="module")
def asked(task: CascadeTask) -> Asked:
    """What these jets were to become: the first that is drawn."""
    normal, label = sample_global_features(task, Request(), JETS, np.random.default_rng(SEED), None)
    table = task.quantiles.values(normal)
    shape = table[:, 4:25].reshape(JETS, 3, 7)[..., :6]
    hits = np.floor(table[:, 25:28]).astype(np.int64)
    energy = hits * (table[:, 28:] + task.threshold.numpy())
    weight = (energy * shape[..., 0])[:, 1:, None]  # of the calorimeters near the middle
    axes = (weight * shape[:, 1:, 1:3]).sum(1) / weight.sum(1)
    shape[..., 1:3] *= shape[..., :1]
    return Asked(table[:, :4], label, hits, energy, shape, axes)


def test_jets_have_the_hits_energies_and_columns_asked_for(jets: Events, asked: Asked) -> None:
    np.testing.assert_array_equal(jets.counts(), asked.hits)
    np.testing.assert_allclose(jets.sums(), asked.energy, rtol=1e-3)
    np.testing.assert_array_equal(jets.label, asked.label)
    found = np.stack([jets.columns[name] for name in COLUMNS], 1)
    np.testing.assert_allclose(found, asked.columns, rtol=1e-6)


def test_energies_lie_as_asked_for(jets: Events, asked: Asked) -> None:
    """Half of the channels with hits enough come that near; cuts alone leave them far away."""
    found, lit = shapes(jets, asked.axes), jets.counts() > 20
    off = np.median(np.abs(found - asked.shapes)[lit] / TOLERANCE, 0)
    assert (off < 5).all(), off


def test_what_is_asked_for_in_addition_arrives(
    task: CascadeTask, jets: Events, asked: Asked
) -> None:
    """Leads are there since energies go only part of the way; without them they go less far."""
    leads = task.leads.numpy().copy()
    try:
        task.leads.zero_()
        without = proposed(task, JETS)
    finally:
        task.leads.copy_(torch.from_numpy(leads))
    lit = (jets.counts() > 20)[..., None]
    more = shapes(jets, asked.axes) - shapes(without, asked.axes)
    moved = (more * lit).sum(0) / lit.sum(0)
    large = np.abs(leads) > 1.4 * TOLERANCE
    assert large.sum() >= 3
    assert (moved[large] / leads[large] > 0.2).all()
    assert (moved[large] / leads[large] < 1.2).all()


def test_what_to_ask_for_is_learned(task: CascadeTask, jets: Events, asked: Asked) -> None:
    """Leads that ask for far too much in the core of jets are taken back."""
    normal, label = sample_global_features(task, Request(), JETS, np.random.default_rng(SEED), None)

    def off(made: Events) -> NDArray[np.float64]:
        """``(2,)`` how much the cores of tracks and ECAL differ from those asked for."""
        return np.asarray((shapes(made, asked.axes) - asked.shapes)[:, :2, CORE].mean(0))

    leads = task.leads.clone()
    try:
        task.leads[:2, CORE] += 0.1
        spoiled = off(proposed(task, JETS))
        fit_bias_offsets(task, normal, label, np.random.default_rng(1))
        after = off(proposed(task, JETS))
    finally:
        task.leads.copy_(leads)
    assert (spoiled > off(jets) + 0.03).all()
    assert (np.abs(after) < 0.6 * spoiled).all()


def test_conditions_are_met_and_classes_differ(task: CascadeTask) -> None:
    """Of one pt, a gluon jet has more tracks, and is wider, than a quark jet."""
    ranges = {"pt": (100.0, 120.0)}
    gluons, quarks = (generated(task, CHUNK, Request(k, ranges), seed=3) for k in (0, 1))
    for jets, label in ((gluons, 0), (quarks, 1)):
        assert (jets.label == label).all()
        assert ((jets.columns["pt"] >= 100) & (jets.columns["pt"] <= 120)).all()
    tracks = [jets.counts()[:, 0].mean() for jets in (gluons, quarks)]
    cores = [shapes(jets)[:, 1, 4].mean() for jets in (gluons, quarks)]
    masses = [jets.columns["m0"].mean() for jets in (gluons, quarks)]
    assert tracks[0] > tracks[1] + 3
    assert cores[0] < cores[1] - 0.03
    assert masses[0] > masses[1]
