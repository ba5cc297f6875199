"""Training, fine-tuning and use of models from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.training.seen_events import training_events

Make = Callable[[int, int], Events]


@pytest.fixture(scope="module")
def crops(make_crops: Make) -> Events:
    return make_crops(240, 1)


@pytest.fixture(scope="module")
def tagger(crops: Events, tmp_path_factory: pytest.TempPathFactory) -> cv.Model:
    out = tmp_path_factory.mktemp("runs") / "tagger"
    return cv.train("egamma", crops, out=out, epochs=2, batch=32, device="cpu", quiet=True)


def test_events_in_memory_are_trained_on_and_kept(tagger: cv.Model, crops: Events) -> None:
    assert tagger.config["epochs"] == 2
    assert tagger.budget["device"] == "cpu"
    assert cv.load(f"{tagger.path}-events").hash == crops.hash
    scores = tagger.predict(crops)
    logit = scores.logit
    task = tagger.network
    odds = float(task.slope) * logit + float(task.offset)
    np.testing.assert_allclose(scores.probability, 1 / (1 + np.exp(-odds)), rtol=1e-6)
    figure = scores.plot_roc(crops.label)
    assert figure.axes[0].get_xlabel() == "signal efficiency"
    with pytest.raises(InputError, match=r"labels of shape \(3,\) for 240 scores"):
        scores.plot_roc(crops.label[:3])


def test_a_run_without_a_place_is_gone_with_its_model(crops: Events, tmp_path: Path) -> None:
    model = cv.train("egamma", crops, epochs=1, quiet=True)
    folder = model.path
    kept = model.save(tmp_path / "kept")
    assert folder.is_dir()
    del model
    assert not folder.exists()
    assert kept.predict(crops[:2]).probability.shape == (2,)
    with pytest.raises(InputError, match="is not empty"):
        kept.save(tmp_path / "kept")


def test_a_taken_folder_is_noticed_before_the_events(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(InputError, match="taken is not empty"):
        cv.train("egamma", tmp_path / "nothing", out=tmp_path / "taken")
    with pytest.raises(InputError, match="taken is not empty"):
        cv.fine_tune(tmp_path / "nowhere", tmp_path / "nothing", out=tmp_path / "taken")


def test_a_run_that_goes_on_knows_its_task_data_and_settings(crops: Events, tmp_path: Path) -> None:
    out = tmp_path / "run"
    cv.train("egamma", crops, out=out, epochs=1, batch=48, hidden=16, quiet=True)
    longer = cv.train(out=out, resume=True, epochs=2, quiet=True)
    assert (longer.config["batch"], longer.config["hidden"]) == (48, 16)
    assert longer.budget["passes"] > 1.5
    with pytest.raises(InputError, match="model is crop-net there, not baseline"):
        cv.train(out=out, resume=True, model="baseline")


def test_fine_tuning_begins_with_the_weights_and_knows_both_trainings(
    tagger: cv.Model, crops: Events, make_crops: Make, tmp_path: Path
) -> None:
    mine = make_crops(200, 7)
    tuned = cv.fine_tune(
        tagger, mine, out=tmp_path / "tuned", epochs=1, learning_rate=1e-12, quiet=True
    )
    new = make_crops(150, 9)
    # Nothing is learned at that rate, but the means and variances of a normalisation.
    first, later = tagger.predict(new).logit, tuned.predict(new).logit
    assert np.corrcoef(first, later)[0, 1] > 0.95
    for one, other in zip(tagger.network.parameters(), tuned.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    known = training_events(tuned._trained.run, cv.concatenate([crops, mine, new]))
    assert known[:240].mean() == pytest.approx(0.9, abs=0.02)
    assert known[240:440].mean() == pytest.approx(0.9, abs=0.02)
    assert not known[440:].any()
    (tmp_path / "own.yaml").write_text("epochs: 1")
    usual = cv.fine_tune(tagger, mine, config=tmp_path / "own.yaml", quiet=True)
    assert usual.config["epochs"] == 1
    assert (tagger.config["device"], usual.config["device"]) == ("cpu", "auto")
    assert usual.config["learning_rate"] == pytest.approx(0.2 * tagger.config["learning_rate"])
    assert usual.config["seed"] == tagger.config["seed"]


def test_the_shipped_model_is_fine_tuned_without_being_told_apart(
    make_crops: Make, tmp_path: Path
) -> None:
    shipped = cv.pretrained("egamma")
    tuned = cv.fine_tune(shipped, make_crops(200, 7), out=tmp_path / "t", epochs=1, quiet=True)
    assert (tuned.path / "training-events.npz").is_file()
    assert training_events(tuned._trained.run, make_crops(200, 7)).mean() > 0.85
    assert tuned.network.network is not shipped.network.network


def test_events_of_another_geometry_are_not_for_fine_tuning(
    tagger: cv.Model, toy_jets: Events, make_crops: Make
) -> None:
    with pytest.raises(InputError, match="trained on cms-egamma-32 images, these are"):
        cv.fine_tune(tagger, toy_jets, quiet=True)
    crops = make_crops(60, 3)
    unit = cv.Channel("energy", gev_per_unit=1000.0)
    other = cv.Geometry("cms-egamma-32", 32, 32, (unit, crops.geometry.channels[1]), "crops")
    changed = Events(other, crops.offsets, crops.cell, crops.code, crops.value, crops.columns)
    with pytest.raises(InputError, match="trained on"):
        cv.fine_tune(tagger, changed, quiet=True)
    with pytest.raises(InputError, match="symmetry model cannot be fine-tuned"):
        cv.fine_tune(cv.pretrained("symmetry"), toy_jets)
    with pytest.raises(InputError, match="do not fit a network with another hidden"):
        cv.fine_tune(tagger, crops, hidden=8, epochs=tagger.config["epochs"], quiet=True)


def test_models_refuse_what_they_do_not_do(tagger: cv.Model, crops: Events) -> None:
    with pytest.raises(InputError, match="is a egamma model, no generator; use a jet-generator"):
        tagger.generate(3)
    with pytest.raises(InputError, match="use a symmetry model"):
        tagger.discover(cv.simulate.digits((1, 2)))
    with pytest.raises(InputError, match="no tagger"):
        cv.pretrained("symmetry").predict(crops)
    with pytest.raises(InputError, match="there is no device 'gpu'"):
        cv.load_model(tagger.path, device="gpu")


def test_things_in_the_wrong_place_are_told(crops: Events, tagger: cv.Model) -> None:
    with pytest.raises(InputError, match=r"say what it is for: cv\.models\.Tagger\(Linear"):
        cv.train(nn.Linear(2, 1), crops)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Linear is a class; give an object"):
        cv.models.Tagger(nn.Linear)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Events in place of a task; give the task first"):
        cv.train(crops, "egamma")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a list is given"):
        tagger.predict([crops])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Events in place of a model; give the model first"):
        cv.fine_tune(crops, tagger)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Model in place of a folder"):
        cv.load_model(tagger)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give single settings as keywords"):
        cv.train("egamma", crops, config={"batch": 3})  # type: ignore[arg-type]
    again = tagger.predict(f"{tagger.path}-events").logit
    np.testing.assert_array_equal(again, tagger.predict(crops).logit)
    assert tagger.to(torch.device("cpu")) is tagger  # type: ignore[arg-type]
