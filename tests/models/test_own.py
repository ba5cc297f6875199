"""A stranger's network is trained, measured, reported on, exported and refused like ours."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events

Make = Callable[[int, int], Events]


class SmallCNN(nn.Module):
    """Images to one logit, with dropout and a normalisation, whose state must be kept."""

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, 4, 3, stride=2),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(4, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(torch.log1p(images.clamp(min=0)))


class HitSet(nn.Module):
    """Hits to two logits."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.out = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, hits: torch.Tensor) -> torch.Tensor:
        mask = (hits[..., 3:] > 0).float()
        return self.out((self.each(hits).relu() * mask).sum(1) / 100)


class Graphs(nn.Module):
    """A stranger's PyG network."""

    def __init__(self) -> None:
        super().__init__()
        from torch_geometric.nn import SAGEConv

        self.conv, self.out = SAGEConv(2, 8), nn.Linear(8, 1)

    def forward(self, data: object) -> torch.Tensor:
        from torch_geometric.nn import global_mean_pool

        x = self.conv(data.x, data.edge_index).relu()  # type: ignore[attr-defined]
        return self.out(global_mean_pool(x, data.batch))  # type: ignore[attr-defined]


class SmallVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(3 * 25 * 25, 12), nn.Linear(6, 3 * 25 * 25)

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        small = nn.functional.avg_pool2d(images, 5).flatten(1)
        mean, log_variance = self.down(small).chunk(2, 1)
        return mean, log_variance

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        small = self.up(code).view(-1, 3, 25, 25)
        return nn.functional.interpolate(small, scale_factor=5)


@pytest.fixture(scope="module")
def crops(make_crops: Make) -> Events:
    return make_crops(240, 1)


@pytest.mark.parametrize(
    ("module", "inputs"), [(SmallCNN(), "dense"), (HitSet(), "hits"), (Graphs(), "graph")]
)
def test_a_strangers_network_is_a_tagger_like_ours(
    module: nn.Module, inputs: str, crops: Events, make_crops: Make, tmp_path: Path
) -> None:
    before = {k: v.clone() for k, v in module.state_dict().items()}
    own = cv.models.Tagger(module, inputs=inputs)  # type: ignore[arg-type]
    out = tmp_path / "own"
    model = cv.train(own, crops, out=out, epochs=4, learning_rate=0.01, quiet=True)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    new = make_crops(200, 2)
    scores = model.predict(new)
    assert np.isfinite(scores.logit).all()
    found = model.evaluate(new)
    assert found.content["model"] == f"own:{type(module).__name__}"
    expected = roc_auc_score(new.label, scores.probability)  # ties count half
    assert found["auc"].value == pytest.approx(expected, abs=1e-6)
    assert cv.report(model, out=tmp_path / "own.html").stat().st_size > 10_000
    again = cv.load_model(out, module=type(module)())
    np.testing.assert_array_equal(again.predict(new).logit, scores.logit)
    with pytest.raises(InputError, match=f"a network of your own, {type(module).__name__}"):
        cv.load_model(out).predict(new)
    far = new[:]
    far.value = 100 * far.value
    assert model.predict(far).out_of_distribution.mean() > 0.9


def test_a_trained_module_gives_what_it_gives_alone(crops: Events) -> None:
    model = cv.train(
        cv.models.Tagger(SmallCNN(), inputs="dense"), crops, epochs=1, ema=0, quiet=True
    )
    module = model.network.network.module
    with torch.no_grad():
        alone = module(torch.from_numpy(crops.to_dense()).float())[:, 0]
    np.testing.assert_allclose(model.predict(crops).logit, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("module", "inputs"), [(SmallCNN(), "dense"), (HitSet(), "hits")])
def test_a_strangers_tagger_becomes_onnx(
    module: nn.Module, inputs: str, crops: Events, make_crops: Make, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    own = cv.models.Tagger(module, inputs=inputs, max_hits=60)  # type: ignore[arg-type]
    model = cv.train(own, crops, epochs=1, quiet=True)
    (file,) = model.export(tmp_path / "own.onnx", data=make_crops(20, 3))
    assert file.difference < 1e-4
    session = onnxruntime.InferenceSession(file.path)
    assert [o.name for o in session.get_outputs()] == [
        "probability",
        "logit",
        "out_of_distribution",
    ]


class Pooled(nn.Module):
    """A stranger's network of graphs, of some kind of layer and pool."""

    def __init__(self, layer: str, pool: str) -> None:
        super().__init__()
        from torch_geometric import nn as layers

        inner = (nn.Linear(4, 8),) if layer == "EdgeConv" else (2, 8)
        self.conv, self.out = getattr(layers, layer)(*inner), nn.Linear(8, 2)
        self.pool = getattr(layers, pool)

    def forward(self, data: object) -> torch.Tensor:
        x = self.conv(data.x, data.edge_index).relu()  # type: ignore[attr-defined]
        return self.out(self.pool(x, data.batch))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("layer", "pool"),
    [
        ("SAGEConv", "global_mean_pool"),
        ("GATConv", "global_add_pool"),
        ("EdgeConv", "global_max_pool"),
    ],
)
def test_a_strangers_network_of_graphs_becomes_onnx(
    layer: str, pool: str, crops: Events, make_crops: Make, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    own = cv.models.Tagger(Pooled(layer, pool), inputs="graph", neighbours=4)
    model = cv.train(own, crops, epochs=1, quiet=True)
    (file,) = model.export(tmp_path / "own.onnx")  # events without hits among those compared
    assert file.difference < 1e-4
    session = onnxruntime.InferenceSession(file.path)
    new = make_crops(3, 8)
    wanted = {one.name for one in session.get_inputs()}
    logits = []
    for i in range(3):
        graph = new[i : i + 1].to_pyg(k=4)[0]
        given = {k: graph[k].numpy() for k in ("x", "pos", "edge_index") if k in wanted}
        logits.append(session.run(["logit"], given)[0][0])
    np.testing.assert_allclose(logits, model.predict(new).logit, rtol=1e-3, atol=1e-4)


def test_a_strangers_autoencoder(crops: Events, make_jets: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not hold jets"):
        cv.train(cv.models.Autoencoder(SmallVAE()), crops, quiet=True)
    jets, new = make_jets(150, 1), make_jets(140, 2)
    own = cv.models.Autoencoder(SmallVAE(), beta=0.1)
    model = cv.train(own, jets, epochs=1, batch=25, learning_rate=0.001, quiet=True)
    made = model.reconstruct(new)
    module = model.network.network
    with torch.no_grad():
        mean, log_variance = module.encode(torch.from_numpy(new.to_dense()).float())
    np.testing.assert_allclose(made.latent, mean, rtol=1e-4, atol=1e-5)
    nats = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
    np.testing.assert_allclose(made.bits, nats / np.log(2), rtol=1e-3)
    assert len(made.events) == 140
    assert {"label", "pt"} <= made.events.columns.keys()
    if pytest.importorskip("onnxruntime"):
        files = model.export(tmp_path / "own.onnx")
        assert [f.path.name for f in files] == ["own-encoder.onnx", "own-decoder.onnx"]


def test_an_event_without_hits_is_scored_by_a_network_of_graphs(crops: Events) -> None:
    model = cv.train(cv.models.Tagger(Graphs(), inputs="graph"), crops, epochs=1, quiet=True)
    n = len(crops)
    empty = Events(
        crops.geometry,
        crops.offsets[[0, 0, 1, 1]],
        crops.cell[: crops.offsets[1]],
        crops.code[: crops.offsets[1]],
        crops.value[: crops.offsets[1]],
        {k: v[[0, 0, 0]] for k, v in crops.columns.items()},
    )
    scores = model.predict(empty)
    assert len(scores) == 3 < n
    assert scores.logit[1] == pytest.approx(model.predict(crops[:1]).logit[0], abs=1e-5)
    assert scores.logit[0] == scores.logit[2]


def test_networks_that_do_not_fit_are_told_before_the_training(crops: Events) -> None:
    with pytest.raises(InputError, match=r"does not take dense inputs, \(2, 2, 32, 32\)"):
        cv.train(cv.models.Tagger(SmallCNN(3), inputs="dense"), crops, quiet=True)
    with pytest.raises(InputError, match="no form 'images'"):
        cv.models.Tagger(SmallCNN(), inputs="images")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"is no torch\.nn\.Module"):
        cv.models.Tagger(print, inputs="dense")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="SmallCNN has no encode"):
        cv.models.Autoencoder(SmallCNN())
    wide = nn.Sequential(nn.Flatten(), nn.Linear(2048, 7))
    with pytest.raises(InputError, match="the network gives"):
        cv.train(cv.models.Tagger(wide, inputs="dense"), crops, quiet=True)
    with pytest.raises(InputError, match="start the script itself with torchrun"):
        cv.train(cv.models.Tagger(SmallCNN(), inputs="dense"), crops, processes=2, quiet=True)


class Tied(nn.Module):
    """One layer in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first = SmallCNN()
        self.second = self.first

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.first(images) + self.second(images.flip(2))


def test_weights_in_two_places_are_kept(crops: Events, tmp_path: Path) -> None:
    own = cv.models.Tagger(Tied(), inputs="dense")
    model = cv.train(own, crops, out=tmp_path / "tied", epochs=1, quiet=True)
    again = cv.load_model(tmp_path / "tied", module=Tied())
    np.testing.assert_array_equal(again.predict(crops).logit, model.predict(crops).logit)


def test_another_network_leaves_a_finished_run_as_it_is(crops: Events, tmp_path: Path) -> None:
    out = tmp_path / "run"
    model = cv.train(cv.models.Tagger(SmallCNN(), "dense"), crops, out=out, epochs=1, quiet=True)
    before = model.predict(crops).logit
    wide = SmallCNN()
    wide.net[6] = nn.Linear(4, 2)
    with pytest.raises(InputError, match=r"the weights in .*run are not of this network"):
        cv.train(cv.models.Tagger(wide, "dense"), crops, out=out, epochs=3, resume=True)
    with pytest.raises(InputError, match="are not of this network"):
        cv.load_model(out, module=wide)
    np.testing.assert_array_equal(
        cv.load_model(out, module=SmallCNN()).predict(crops).logit, before
    )
    longer = cv.train(
        cv.models.Tagger(SmallCNN(), "dense"), out=out, epochs=2, resume=True, quiet=True
    )
    assert longer.budget["passes"] > 1.5


def test_a_model_holds_what_it_was_made_of(crops: Events, tmp_path: Path) -> None:
    module = SmallCNN()
    model = cv.train(cv.models.Tagger(module, "dense"), crops, epochs=1, quiet=True)
    before = model.predict(crops).logit
    nn.init.zeros_(module.net[6].weight)
    module.net[0] = nn.Identity()
    np.testing.assert_array_equal(model.predict(crops).logit, before)
    twin = copy.deepcopy(model)
    with pytest.raises(InputError, match="cannot be pickled; keep it: save"):
        pickle.dumps(model)
    del model
    np.testing.assert_array_equal(twin.predict(crops).logit, before)
    kept = cv.pretrained("egamma").save(tmp_path / "kept")
    again = pickle.loads(pickle.dumps(kept))
    np.testing.assert_array_equal(again.predict(crops).logit, kept.predict(crops).logit)


class Broken(nn.Module):
    """A network with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.net = fault, SmallCNN()
        if fault == "lock":
            self.lock = threading.Lock()
        if fault == "lazy":
            self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(1))
        if fault == "frozen":
            self.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.net(images)
        faults = {"scalar": found.sum(), "whole": found.long(), "nan": found * torch.nan}
        return faults.get(self.fault, found)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("lock", "Broken cannot be copied: cannot pickle"),
        ("lazy", "does not know its sizes yet; call it once"),
        ("frozen", "has no weights to train"),
        ("scalar", r"the network gives torch.float32 \(\)"),
        ("whole", r"the network gives torch.int64 \(2, 1\)"),
        ("nan", "the loss is not a number at step"),
    ],
)
def test_networks_that_cannot_be_trained_are_told_in_a_line(
    fault: str, told: str, crops: Events
) -> None:
    with pytest.raises(InputError, match=told):
        cv.train(cv.models.Tagger(Broken(fault), inputs="dense"), crops, quiet=True)


def test_a_training_that_diverges_late_keeps_what_was_good(crops: Events) -> None:
    class Bomb(SmallCNN):
        calls = 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            found = super().forward(images)
            Bomb.calls += self.training
            return found * (torch.nan if Bomb.calls > 22 and self.training else 1)

    own = cv.models.Tagger(Bomb(), inputs="dense")
    with pytest.warns(UserWarning, match=r"its loss was not a number at step [23]"):
        model = cv.train(own, crops, epochs=40, batch=32, validate_every=5, ema=0, quiet=True)
    assert np.isfinite(model.predict(crops).logit).all()
