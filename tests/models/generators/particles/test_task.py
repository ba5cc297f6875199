"""The generator of particles from training to jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generate import tell_of_oversampling
from calovision.models.generators.base import Request, generated
from calovision.models.generators.particles.network import normal, physical
from calovision.models.generators.particles.sampling import jets_of
from calovision.models.generators.particles.task import ParticlesTask
from calovision.models.load import build
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.jets import acceptance, detect

SMALL = {
    "width": 16,
    "layers": 1,
    "heads": 2,
    "components": 2,
    "jet_width": 16,
    "jet_components": 2,
}


@pytest.fixture(scope="module")
def task(jets: Events) -> ParticlesTask:
    torch.manual_seed(1)
    made = build(load_config("jet-generator", "particles", None, SMALL), jets.geometry, jets)
    assert isinstance(made, ParticlesTask)
    made.chunk = 60  # type: ignore[misc]
    return made.eval()


@pytest.fixture(scope="module")
def plain(task: ParticlesTask) -> Events:
    return generated(task, 100, Request(), seed=3)


def test_numbers_of_jets_there_and_back(jets: Events, task: ParticlesTask) -> None:
    numbers = torch.from_numpy(task.dataset(jets).numbers)
    back = physical(normal(numbers))
    expected = numbers.clone()
    expected[:, 2] = expected[:, 2].abs()
    torch.testing.assert_close(back, expected, rtol=1e-4, atol=1e-3)


def test_loss_falls(jets: Events, task: ParticlesTask) -> None:
    torch.manual_seed(2)
    made = build(task.config, jets.geometry, jets)
    data, random = made.dataset(jets), torch.Generator()
    chosen = np.arange(100)
    optimiser = torch.optim.Adam(made.parameters(), 1e-2)
    before = float(made.loss(made.batch(data, chosen), random)["loss"].detach())
    for step in range(25):
        optimiser.zero_grad()
        made.loss(made.training_batch(data, chosen, step), random)["loss"].backward()
        optimiser.step()
    assert float(made.loss(made.batch(data, chosen), random)["loss"].detach()) < before - 2


def test_groups_and_padding_do_not_matter(jets: Events, task: ParticlesTask) -> None:
    data, random, chosen = task.dataset(jets), torch.Generator(), np.arange(64)
    exact = task.config.model_copy(update={"bfloat16": False})
    losses = []
    for groups in (1, 8):
        task.config = exact.model_copy(update={"groups": groups})
        losses.append(float(task.loss(task.batch(data, chosen), random)["loss"].detach()))
    task.config = exact
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_detector_draws_accepted_jets_as_the_simulation_does(jets: Events) -> None:
    """Particles of simulated jets, shown to the detector until accepted, look as simulated."""
    assert jets.particles is not None
    axis = np.stack([jets["eta"], jets["phi"]], 1).astype(float)
    task = build(load_config("jet-generator", "particles", None, SMALL), jets.geometry, jets)
    truth = jets_of(jets.particles, jets.label, axis)
    np.testing.assert_allclose(truth.pt, jets.gen_pt, rtol=1e-4)
    seen = detect(truth, 5, task.detector)
    taken = np.random.default_rng(1).random(len(seen)) < acceptance(seen.pt, task.detector)
    assert taken.mean() > 0.7
    for name in ("pt", "m0"):
        ratio = seen[name][taken] / jets[name][taken]
        assert np.median(ratio) == pytest.approx(1, abs=0.03)


def test_jets_are_whole_events(plain: Events, jets: Events) -> None:
    assert len(plain) == 100
    assert set(plain.columns) == {
        *("label", "pt", "m0", "gen_pt", "gen_m0", "eta", "phi", "n_pileup")
    }
    assert plain.geometry == jets.geometry
    assert 0.2 < plain.label.mean() < 0.8
    assert plain.pt.min() > CMS_BARREL.jet_threshold  # below, no simulated jet is accepted
    low, high = jets.gen_pt.min(), jets.gen_pt.max()
    assert np.all((plain.gen_pt > 0.99 * low) & (plain.gen_pt < 1.01 * high))


def test_fewer_are_the_first_of_more(task: ParticlesTask, plain: Events) -> None:
    assert generated(task, 70, Request(), seed=3) == plain[:70]
    assert generated(task, 70, Request(), seed=4) != plain[:70]


def test_requests_are_met(task: ParticlesTask) -> None:
    request = Request(label=1, ranges={"pt": (100, 130), "gen_m0": (5, 40)})
    found = generated(task, 20, request, seed=1)
    assert np.all(found.label == 1)
    assert np.all((found.pt >= 100) & (found.pt <= 130))
    assert np.all((found.gen_m0 >= 5) & (found.gen_m0 <= 40))


def test_ranges_that_hardly_a_jet_comes_into(task: ParticlesTask) -> None:
    low = task.known()["gen_pt"][0]
    with pytest.raises(InputError, match="next to no jet"):
        generated(task, 10, Request(ranges={"gen_pt": (low, low + 1e-6)}), seed=1)


def test_a_detector_that_accepts_nothing_is_told(jets: Events) -> None:
    """No hit changes with the threshold on jets, so that only generation can notice."""
    settings = {**SMALL, "tries": 1, "detector": {"jet_threshold": 1e4}}
    made = build(load_config("jet-generator", "particles", None, settings), jets.geometry, jets)
    made.chunk = 8  # type: ignore[misc]
    with pytest.raises(InputError, match="accepts none"):
        generated(made, 3, Request(), seed=1)


def test_collisions_of_two_groups_have_numbers_of_their_own(task: ParticlesTask) -> None:
    found = [set(task.sample(Request(oversample=2), k, 1, None)["event_id"]) for k in (0, 1)]
    assert not found[0] & found[1]


def test_it_takes_no_steps(task: ParticlesTask) -> None:
    with pytest.raises(InputError, match="takes no steps"):
        generated(task, 1, Request(), seed=1, steps=3)


def test_images_of_another_detector_are_noticed(jets: Events) -> None:
    settings = {**SMALL, "detector": {"pileup": 40.0}}
    with pytest.raises(InputError, match="another detector"):
        build(load_config("jet-generator", "particles", None, settings), jets.geometry, jets)
    with pytest.raises(InputError, match="no constant 'colour'"):
        build(
            load_config("jet-generator", "particles", None, SMALL | {"detector": {"colour": 1.0}}),
            jets.geometry,
            jets,
        )


def test_from_the_front_door(jets: Events, tmp_path: Path) -> None:
    out = tmp_path / "run"
    model = cv.train("jet-generator", jets, "particles", epochs=0.2, out=out, quiet=True, **SMALL)
    made = model.generate(12, label="gluon", seed=2)
    assert made.load() == cv.load_model(out).generate(12, label="gluon", seed=2).load()
    written = model.export(tmp_path / "generator.onnx")
    assert [one.path.name for one in written] == ["generator-jet.onnx", "generator-particle.onnx"]


def test_other_sets_are_refused(toy_jets: Events) -> None:
    with pytest.raises(InputError, match="do not keep their particles"):
        build(load_config("jet-generator", "particles", None, SMALL), toy_jets.geometry, toy_jets)


def test_collisions_drawn_several_times(task: ParticlesTask) -> None:
    events = generated(task, 60, Request(oversample=4), seed=2)
    with pytest.warns(UserWarning, match="of 15 collisions are worth"):
        tell_of_oversampling(events, 60, Request(oversample=4))
    collisions, sizes = np.unique(events["event_id"], return_counts=True)
    assert 15 <= len(collisions) <= 17
    assert sizes.max() == 4
    # one collision: the same jet before the detector, another image of it
    same = events[events["event_id"] == collisions[np.argmax(sizes)]]
    assert len(set(same.gen_pt.tolist())) == 1
    assert len(set(same.pt.tolist())) == 4
