"""The cascade: what it conserves, on what it depends, and that it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.base import Request, check_request, generated
from calovision.models.generators.splitting.global_features import hits_and_excess
from calovision.models.generators.splitting.sampling import (
    random_numbers,
    sample_global_features,
    sample_hits,
)
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import build
from calovision.utils import streams

SMALL = {"width": 16, "head": 8, "flow": 16, "steps": 2, "select": 0}


def fresh(events: Events, **more: int) -> CascadeTask:
    config = load_config("jet-generator", "cascade", overrides=SMALL | more)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        task = build(config, events.geometry, events)
    assert isinstance(task, CascadeTask)
    task.chunk = 20  # type: ignore[misc]
    return task.eval()


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> CascadeTask:
    return fresh(toy_jets)


def same(a: Events, b: Events) -> bool:
    names = a.columns.keys() == b.columns.keys()
    return names and all(
        np.array_equal(x, y)
        for x, y in [
            (a.offsets, b.offsets),
            (a.cell, b.cell),
            (a.code, b.code),
            (a.value, b.value),
            *((a.columns[k], b.columns[k]) for k in a.columns),
        ]
    )


def test_hits_and_energies_are_those_of_the_totals(task: CascadeTask) -> None:
    rng = np.random.default_rng(3)
    normal, label = sample_global_features(task, Request(), 30, rng, None)
    events = sample_hits(task, normal, label, random_numbers(rng))
    hits, excess = hits_and_excess(task.quantiles.values(normal), 3)
    assert np.array_equal(events.counts(), hits)
    energy = excess + hits * task.threshold.numpy()
    np.testing.assert_allclose(events.sums(), energy, rtol=2e-4)
    threshold = task.threshold.numpy()[events.channel]
    assert (events.energy >= threshold * (1 - 1e-5)).all()


def test_generated_events_are_whole_images(task: CascadeTask) -> None:
    events = generated(task, 45, Request(), seed=2)
    assert len(events) == 45
    key = (events.owner * 8 + events.code) * events.geometry.cells + events.cell
    assert (np.diff(key) > 0).all()  # sorted, and no cell twice
    towers = events.cell[events.channel == 2].astype(int)
    assert ((towers // 125) % 5 == 2).all()
    assert ((towers % 125) % 5 == 2).all()
    assert set(events.columns) == {"label", "gen_pt", "gen_m0", "pt", "m0"}


def test_the_same_seed_makes_the_same_events_in_any_number(task: CascadeTask) -> None:
    many = generated(task, 50, Request(), seed=5)
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))
    few = generated(task, 33, Request(), seed=5)
    torch.set_num_threads(threads)
    assert same(many[:33], few)
    assert not same(generated(task, 33, Request(), seed=6), few)


def test_most_steps_teach_the_totals_alone(task: CascadeTask, toy_jets: Events) -> None:
    dataset, chosen = task.dataset(toy_jets), np.arange(16)
    stages = [len(task.training_batch(dataset, chosen, step)[2]) for step in range(10)]
    assert [n > 0 for n in stages] == 2 * [True, *4 * [False]]
    few = task.training_batch(dataset, chosen, 1)
    again = task.training_batch(dataset, chosen, 1)
    other = task.training_batch(dataset, chosen, 2)
    assert torch.equal(few[0], again[0])
    assert not torch.equal(few[0], other[0])


def test_hits_are_mirrored_as_their_totals_are(task: CascadeTask, toy_jets: Events) -> None:
    """Every jet lies in a quarter of its window: what networks are told of it says in which."""
    quarter = np.random.default_rng(2).integers(4, size=len(toy_jets))[toy_jets.owner]
    low = toy_jets.geometry.eta(toy_jets.cell) < 0, toy_jets.geometry.phi(toy_jets.cell) < 0
    jets = toy_jets.keep((low[0] == quarter % 2) & (low[1] == quarter // 2))
    dataset = task.dataset(jets)
    seen = set()
    for step in range(12):  # mirrored at random: a few steps show all four ways
        _, _, stages, _ = task.batch(dataset, np.arange(step, len(jets)))
        for stage, column in ((0, 1), (1, 2)):  # cuts along eta and phi, the first 50 pixels off
            conditions, owner, _, whole, first = (x.numpy() for x in stages[stage][:5])
            place = conditions[owner, len(task.columns) + 7 + column]  # mean of the ECAL
            hits, part = (x[:, 1, 0] for x in (whole, first))
            some = hits > 20
            assert some.sum() > 10
            np.testing.assert_array_equal(part[some] > 0, place[some] < 0)
            seen |= {(stage, bool(x)) for x in place[some] < 0}
    assert len(seen) == 4


def test_requests_are_met(task: CascadeTask, toy_jets: Events) -> None:
    low, high = (float(np.quantile(toy_jets.columns["pt"], q)) for q in (0.3, 0.7))
    events = generated(task, 30, Request(1, {"pt": (low, high)}), seed=1)
    assert (events.label == 1).all()
    assert (events.columns["pt"] >= low).all()
    assert (events.columns["pt"] <= high).all()


def test_requests_beyond_the_training_events(task: CascadeTask, toy_jets: Events) -> None:
    least, most = task.known()["pt"]
    pt = toy_jets.columns["pt"]
    assert (least, most) == pytest.approx((pt.min(), pt.max()), rel=1e-6)
    assert check_request(task, Request(ranges={"pt": (least, most)})) == []
    (doubt,) = check_request(task, Request(ranges={"pt": (most - 10, most + 100)}))
    assert "none beyond" in doubt
    for ranges in ({"pt": (most + 1, most + 2)}, {"eta": (0, 1)}, {"pt": (0, least)}):
        with pytest.raises(InputError):
            check_request(task, Request(ranges=ranges))
    lightest = task.known()["m0"][0]
    rare = {"pt": (most - 1e-6, most), "m0": (lightest, lightest + 1e-6)}
    with pytest.raises(InputError, match="fewer than one event"):
        generated(task, 1, Request(ranges=rare), seed=1)


def test_sets_with_an_empty_channel_and_without_labels(toy_jets: Events) -> None:
    events = toy_jets.keep(toy_jets.channel != 2)
    events.columns = {}
    task = fresh(events)
    loss = task.loss(
        task.batch(task.dataset(events), np.arange(16)), torch.Generator().manual_seed(1)
    )
    assert torch.isfinite(loss["loss"])
    made = generated(task, 20, Request(), seed=1)
    assert (made.counts()[:, 2] == 0).all()
    assert set(made.columns) == {"label"}


def test_it_learns_and_every_parameter_has_a_gradient(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    dataset, rng = task.dataset(toy_jets), np.random.default_rng(1)
    optimiser = torch.optim.Adam(task.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(25):
        chosen = np.sort(rng.choice(len(dataset), 32, replace=False))
        parts = task.loss(task.batch(dataset, chosen), generator)
        optimiser.zero_grad()
        parts["loss"].backward()
        optimiser.step()
        losses.append(float(parts["cascade"].detach()))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1
    missing = [n for n, p in task.named_parameters() if p.grad is None or not p.grad.any()]
    missing = [n for n in missing if not n.startswith("totals_selection")]  # which comes later
    # Two towers at the edge of the window, close to each other: no toy jet may have them.
    assert [n for n in missing if ".energy." not in n] == []
    assert len(missing) <= 20  # of 192 of energies, four a channel and a cut


def test_weights_bring_back_the_same_generator(
    task: CascadeTask, toy_jets: Events, tmp_path: Path
) -> None:
    again = CascadeTask.from_state(task.config, task.geometry, task.state_dict())
    again.chunk = 20  # type: ignore[misc]
    a, b = (generated(t, 20, Request(0), seed=1) for t in (task, again.eval()))
    assert same(a, b)
    assert again.known() == task.known()


def test_it_learns_to_select_and_keeps_that(toy_jets: Events) -> None:
    plain, task = fresh(toy_jets), fresh(toy_jets, select=60)
    task.load_state_dict(plain.state_dict(), strict=False)
    assert task.postprocessing_events == 80_000
    task.fit_postprocessing(toy_jets, quiet=True)
    assert 0 < float(task.selection.efficiency) < 1  # type: ignore[union-attr]
    made = generated(task, 25, Request(), seed=4)
    assert len(made) == 25
    again = CascadeTask.from_state(task.config, task.geometry, task.state_dict())
    again.chunk = 20  # type: ignore[misc]
    assert same(generated(again.eval(), 25, Request(), seed=4), made)
    proposed = task.proposed(Request(), 20, streams.rng(streams.Stream.SAMPLE, 4, 0))
    assert not same(made[:20], proposed)
    assert same(generated(task, 20, Request(reject=False), seed=4), proposed)


def test_totals_are_selected_too(make_jets: Callable[..., Events]) -> None:
    """A flow that draws everything too large is put right."""
    jets = make_jets(1000, 3)
    task = fresh(jets)
    with torch.no_grad():
        task.flow.leave.bias.fill_(0.4)
    task.fit_postprocessing(jets, quiet=True)
    selection, far = task.totals_selection, {}
    for told in (True, False):
        task.totals_selection = selection if told else None
        normal, _ = sample_global_features(task, Request(), 2000, np.random.default_rng(1), None)
        assert len(normal) == 2000
        far[told] = normal.mean()
    assert far[False] == pytest.approx(0.4, abs=0.05)
    assert far[True] < 0.28
    task.totals_selection = selection
    again = CascadeTask.from_state(task.config, task.geometry, task.state_dict())
    normal, _ = sample_global_features(again, Request(), 50, np.random.default_rng(1), None)
    wanted, _ = sample_global_features(task, Request(), 50, np.random.default_rng(1), None)
    assert np.array_equal(normal, wanted)
