from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.set_flow import SetFlowConfig, SetFlowTask

SMALL = {"width": 16, "layers": 1, "heads": 2, "induced": 4, "steps": 2, "bfloat16": False}


def fresh(jets: Events) -> SetFlowTask:
    torch.manual_seed(0)
    config = load_config("jet-generator", "set-flow", overrides=SMALL)
    assert isinstance(config, SetFlowConfig)
    return SetFlowTask.from_events(config, jets.geometry, jets)


def random() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_points_of_hits_become_the_same_hits(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    (groups,) = task.batch(toy_jets, np.arange(len(toy_jets)))
    back = [task._events(points, channel, label) for points, channel, _, label, _ in groups]
    made = cv.concatenate(back)
    order = np.argsort(toy_jets.n_hits, kind="stable")
    assert np.array_equal(made.cell, toy_jets[order].cell)
    assert np.array_equal(made.code, toy_jets[order].code)
    np.testing.assert_allclose(made.value, toy_jets[order].value, rtol=1e-5)
    assert np.array_equal(made.label, toy_jets[order].label)


def test_a_place_anywhere_in_a_cell_is_that_cell_and_energies_add_up(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    hcal, ecal = 2, 1
    place = torch.tensor([[60.0, 64.4], [64.4, 59.6], [60.6, 60.4], [60.4, 60.6], [-3.0, 5.0]])
    points = torch.cat([place, torch.full((5, 1), 2.0)], 1)[None]
    channel = torch.tensor([[hcal, hcal, ecal, ecal, ecal]])
    made = task._events(points, channel, torch.zeros(1))
    assert made.cell.tolist() == [60 * 125 + 61, 61 * 125 + 60, 62 * 125 + 62]
    assert made.code.tolist() == [ecal, ecal, hcal]
    np.testing.assert_allclose(made.energy, np.exp(2) * np.array([1, 1, 2]), rtol=1e-5)


def test_an_untrained_field_is_wrong_by_the_spread_of_noise_and_data(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    loss = task.loss(task.batch(toy_jets, np.arange(len(toy_jets))), random())["loss"]
    # Standardised data and noise have a variance of one each; events count alike, not hits.
    assert loss.item() == pytest.approx(2, rel=0.15)


def test_the_batch_has_no_say(toy_jets: Events) -> None:
    """Padding, and events beside, change nothing of an event."""
    task = fresh(toy_jets)
    torch.nn.init.normal_(task.velocity.network.fall.weight)
    (groups,) = task.batch(toy_jets, np.arange(8))
    points, channel, _, label, _ = groups[-1]
    time = torch.full_like(label, 0.3)
    both = task._velocity(points, channel, label, time)
    hits = int((channel[0] >= 0).sum())
    one = task._velocity(points[:1, :hits], channel[:1, :hits], label[:1], time[:1])
    torch.testing.assert_close(both[:1, :hits], one, rtol=1e-4, atol=1e-5)


def test_numbers_of_hits_are_those_of_training_events(toy_jets: Events) -> None:
    task = fresh(toy_jets).eval()
    made = generated(task, 60, Request(label=1), seed=3)
    assert made.label.tolist() == [1] * 60
    quarks = {tuple(c) for c in toy_jets[toy_jets.label == 1].counts().tolist()}
    most = np.array(sorted(quarks)).max(0)
    assert (made.counts() <= most).all()
    assert (made.energy > 0).all()
    assert made[:7] == generated(task, 7, Request(label=1), seed=3)
    assert made != generated(task, 60, Request(label=1), seed=3, steps=1)


def test_a_known_field_leads_to_the_data(toy_jets: Events) -> None:
    """The field of straight paths to one point takes any noise there, in any number of steps."""
    task = fresh(toy_jets).eval()
    goal = torch.tensor([0.1, -0.2, 0.3])
    task._velocity = lambda x, c, label, t: (goal - x) / (1.001 - t)[:, None, None]  # type: ignore[method-assign]
    made = task.sample(Request(), 0, 1, 64)
    for c in range(3):
        row, col, log_energy = (task.mean[c] + goal * task.spread[c]).tolist()
        mine = made.channel == c
        block = made.geometry.channels[c].block
        assert np.abs(made.cell[mine] // 125 - row).max() <= block
        assert np.abs(made.cell[mine] % 125 - col).max() <= block
        least = np.exp(log_energy - 0.05)
        assert made.energy[mine].min() > least


def test_from_the_front_door(toy_jets: Events, tmp_path: Path) -> None:
    model = cv.train(
        "jet-generator", toy_jets, "set-flow", epochs=1, batch=16, out=tmp_path, quiet=True, **SMALL
    )
    made = model.generate(5, seed=1, steps=1)
    assert len(made) == 5
    with pytest.raises(InputError, match="has not learned 'pt'"):
        model.generate(5, pt=(100, 140))


def test_times_are_refused() -> None:
    with pytest.raises(InputError, match="may be negative"):
        SetFlowTask.check_supported(EGAMMA_CROPS)
