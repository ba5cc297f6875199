"""The generator of hits from training to jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.base import Request, generated
from calovision.models.generators.hits.task import HitsTask
from calovision.models.generators.hits.tokens import objects_of
from calovision.models.load import build

from .conftest import SMALL


@pytest.fixture(scope="module")
def plain(task: HitsTask) -> Events:
    return generated(task, 100, Request(), seed=3)


def test_loss_falls(jets: Events, task: HitsTask) -> None:
    torch.manual_seed(2)
    made = HitsTask.from_state(task.config, jets.geometry, task.state_dict())
    data, chosen = made.dataset(jets), np.arange(60)
    optimiser = torch.optim.Adam(made.parameters(), 1e-2)

    def loss() -> float:
        random = torch.Generator().manual_seed(1)
        return float(made.loss(made.batch(data, chosen), random)["loss"].detach())

    before = loss()
    for step in range(15):
        optimiser.zero_grad()
        batch = made.training_batch(data, chosen, step)
        made.loss(batch, torch.Generator().manual_seed(step))["loss"].backward()
        optimiser.step()
    assert loss() < before - 2


def test_groups_and_padding_do_not_matter(jets: Events, task: HitsTask) -> None:
    data, chosen = task.dataset(jets), np.arange(32)
    exact = task.config
    losses = []
    for groups in (1, 4):
        settings = {"groups": groups, "bfloat16": False, "pixels": 100_000}
        task.config = exact.model_copy(update=settings)
        found = task.loss(task.batch(data, chosen), torch.Generator())
        losses.append({k: float(v.detach()) for k, v in found.items()})
    task.config = exact
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_turned_over_jets_are_other_pixels_of_the_same(jets: Events, task: HitsTask) -> None:
    data, chosen = task.dataset(jets), np.arange(40)
    plain, turned = (
        {int(n[3]): g for g in groups for n in [g[1][0]]}
        for (groups,) in (task.batch(data, chosen), task.training_batch(data, chosen, 1))
    )
    assert plain.keys() == turned.keys()
    for one, other in zip(plain.values(), turned.values(), strict=True):
        for i in (0, 1, 3, 4, 7):
            torch.testing.assert_close(one[i], other[i])
        assert not torch.equal(one[5], other[5])


def test_jets_keep_the_rules(plain: Events, task: HitsTask) -> None:
    """Read as any other set, they fall into the same objects: no rule is broken."""
    assert len(plain) == 100
    assert np.all(np.diff(plain.offsets) > 0)
    rules = task.read_out
    found = objects_of(plain, rules)
    assert found.weak.max() < rules.seed
    assert plain.energy.min() > 0.02
    key = plain.owner * 10**6 + plain.code.astype(np.int64) * 10**5 + plain.cell
    assert np.all(np.diff(key) > 0)


def test_columns(plain: Events, jets: Events) -> None:
    assert set(plain.columns) == {"label", "gen_pt", "gen_m0", "eta", "pt", "m0"}
    assert 0.2 < plain["label"].mean() < 0.8
    assert 0.2 < (plain["eta"] > 0).mean() < 0.8
    assert plain.geometry == jets.geometry


def test_fewer_are_the_first_of_more(task: HitsTask, plain: Events) -> None:
    assert generated(task, 70, Request(), seed=3) == plain[:70]
    assert generated(task, 70, Request(), seed=4) != plain[:70]


def test_requests_are_met(task: HitsTask) -> None:
    request = Request(label=1, ranges={"pt": (80, 160), "gen_m0": (5, 60)})
    found = generated(task, 20, request, seed=1)
    assert np.all(found["label"] == 1)
    assert np.all((found["pt"] >= 80) & (found["pt"] <= 160))


def test_ranges_that_hardly_a_jet_comes_into(task: HitsTask) -> None:
    low = task.known()["gen_pt"][0]
    with pytest.raises(InputError, match="next to no jet"):
        generated(task, 10, Request(ranges={"gen_pt": (low, low + 1e-6)}), seed=1)


def test_it_takes_no_steps(task: HitsTask) -> None:
    with pytest.raises(InputError, match="takes no steps"):
        generated(task, 1, Request(), seed=1, steps=3)


def test_sets_with_few_columns(toy_jets: Events) -> None:
    bare = toy_jets[:40]
    bare.columns = {"label": bare["label"], "weight": np.linspace(0.5, 1.5, 40)}
    made = build(load_config("jet-generator", "hits-small", None, SMALL), bare.geometry, bare)
    assert isinstance(made, HitsTask)
    assert made.known() == {}
    loss = made.loss(made.batch(made.dataset(bare), np.arange(10)), torch.Generator())
    assert np.isfinite(float(loss["loss"].detach()))
    again = HitsTask.from_state(made.config, bare.geometry, made.state_dict())
    assert again.jets.columns == ()


def test_from_the_front_door(jets: Events, tmp_path: Path) -> None:
    out = tmp_path / "run"
    model = cv.train("jet-generator", jets, "hits", epochs=0.2, out=out, quiet=True, **SMALL)
    made = model.generate(12, label="gluon", seed=2)
    assert made.load() == cv.load_model(out).generate(12, label="gluon", seed=2).load()


def test_graphs_compute_what_the_package_does(jets: Events, task: HitsTask) -> None:
    """Without the memory and the turns that the package uses, the same comes out."""
    parts = task.graphs()
    assert [graph.part for graph in parts] == ["jet", "object", "companions"]
    for graph in parts:
        given, wanted = graph.prepared(jets[:4]), graph.expected(jets[:4])
        assert given.keys() == graph.inputs.keys()
        with torch.no_grad():
            found = graph.module(*(torch.from_numpy(x) for x in given.values()))
        found = found if isinstance(found, tuple) else (found,)
        for one, other in zip(found, wanted.values(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_other_images_are_refused(toy_crops: Events) -> None:
    with pytest.raises(InputError):
        cv.train("jet-generator", toy_crops, "hits", quiet=True)
