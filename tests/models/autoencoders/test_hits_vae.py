"""The autoencoder of hits: what is told is kept, what is drawn obeys the read-out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.autoencoders.hits_code import KEPT, RANKS, HitsCode
from calovision.models.autoencoders.hits_decoder import jets_of
from calovision.models.autoencoders.hits_vae import HitsVAETask
from calovision.models.compression import compress, decompress
from calovision.models.config import load_config
from calovision.models.generators.base import Request
from calovision.models.generators.hits.tokens import KINDS, SEEDS, objects_of
from calovision.models.load import build
from calovision.models.reconstruct import decoded, encoded

N = 60
SMALL = {
    "width": 16,
    "layers": 1,
    "heads": 2,
    "components": 2,
    "companion_width": 8,
    "jet_width": 16,
    "jet_components": 2,
}


@pytest.fixture(scope="module")
def jets(make_jets: Callable[[int, int], Events]) -> Events:
    found, rng = make_jets(150, 78), np.random.default_rng(1)
    for name in ("pt", "m0"):
        noise = rng.normal(1, 0.1, len(found)).astype(np.float32)
        found.columns[f"gen_{name}"] = found.columns[name] * noise
    return found


@pytest.fixture(scope="module")
def task(jets: Events) -> HitsVAETask:
    """Untrained."""
    torch.manual_seed(1)
    made = build(load_config("jet-vae", "hits", overrides=SMALL), jets.geometry, jets).eval()
    assert isinstance(made, HitsVAETask)
    return made


def sized(task: HitsVAETask, latent: int) -> HitsVAETask:
    config = task.config.model_copy(update={"latent": latent})
    made = HitsVAETask(task.geometry, config, task.jets.columns)
    made.load_state_dict(task.state_dict())
    return made.eval()


def rebuilt(task: HitsVAETask, events: Events, seed: int = 1) -> Events:
    return decoded(task, encoded(task, events, True), seed, True)


def test_a_long_code_tells_all(task: HitsVAETask, jets: Events) -> None:
    made = rebuilt(sized(task, 2500), jets[:N])
    assert np.array_equal(made.cell, jets[:N].cell)
    assert np.array_equal(made.code, jets[:N].code)
    assert np.abs(np.log(made.energy / jets[:N].energy)).max() < 1e-3
    for name in ("pt", "m0"):
        assert np.allclose(made[name], jets[:N][name], rtol=1e-4)
    assert not {"gen_pt", "gen_m0", "label"} & made.columns.keys()


@pytest.mark.parametrize("latent", [64, 240, 1024])
def test_reconstructions_obey_the_read_out(task: HitsVAETask, jets: Events, latent: int) -> None:
    small, law = sized(task, latent), task.read_out
    made = rebuilt(small, jets[:N])
    true, found = objects_of(jets[:N], law), objects_of(made, law)
    assert np.array_equal(true.counts[:, :SEEDS], found.counts[:, :SEEDS])
    low = law.log_threshold(made.channel, made.cell // 125, law.windows(made)[made.owner])
    assert (np.log(made.energy) - low).min() > -1e-3
    keys = made.owner * 10**6 + made.code.astype(np.int64) * 10**5 + made.cell
    assert len(np.unique(keys)) == len(keys)


def test_what_is_told_is_kept(task: HitsVAETask, jets: Events) -> None:
    small = sized(task, 240)
    code, data = small.code, small.dataset(jets)
    chosen = np.arange(N)
    codes, used = code.of(data, chosen)
    told = code.read(codes)
    assert codes.shape == used.shape == (N, 240)
    assert (told.kept.sum(1) == np.minimum(told.counts().sum(1), code.points)).all()
    assert np.array_equal(told.counts()[:, :KINDS], data.objects.counts[chosen])
    made, keys = rebuilt(small, jets[:N]), ("owner", "code", "cell")
    there = set(zip(*(getattr(made, k).tolist() for k in keys), strict=True))
    kinds = told.kinds()
    jet, at = (kinds < KEPT).nonzero()
    layers = [*code.layers, code.layers.seeds]
    side = told.side[jet]
    rows = np.where(side > 0, told.row[jet, at], 124 - told.row[jet, at])
    cells = rows * 125 + told.col[jet, at]
    codes_of = [layers[k] for k in kinds[jet, at]]
    assert set(zip(jet.tolist(), codes_of, cells.tolist(), strict=True)) <= there


def test_strengths_are_exact_at_ranks_and_between_them_elsewhere(
    task: HitsVAETask, jets: Events
) -> None:
    code = sized(task, 240).code
    data, chosen = task.dataset(jets), np.arange(N)
    whole = HitsCode(code.law, code.known, 4000)
    near, exact = (c.read(c.of(data, chosen)[0]) for c in (code, whole))
    for k in range(KINDS):
        for jet in range(10):
            one, other = (t.strength[jet][t.kinds()[jet] == k] for t in (near, exact))
            ranks = [r for r in RANKS if r < len(one)]
            assert np.allclose(one[ranks], other[ranks], atol=1e-5)
            for low, high in pairwise(ranks):
                assert np.all(np.diff(one[low:high]) <= 1e-6) or low == 0


def test_the_weakest_companion_told_is_the_limit(task: HitsVAETask, jets: Events) -> None:
    small = sized(task, 600)
    told = small.code.read(small.code.of(small.dataset(jets), np.arange(9))[0])
    weakest = [told.strength[i][told.kinds()[i] == KINDS].min(initial=99) for i in range(9)]
    made = jets_of(small, told, torch.Generator().manual_seed(1))
    assert (made.companions > told.kept[:, KINDS]).any()
    strengths = np.split(made.weak, np.cumsum(made.companions)[:-1])
    for limit, found, kept in zip(weakest, strengths, told.kept[:, KINDS], strict=True):
        assert (found > limit + 1e-3).sum() <= kept


def test_hidden_columns_are_drawn_as_the_others_tell(task: HitsVAETask, jets: Events) -> None:
    numbers = torch.from_numpy(task.dataset(jets).numbers)
    blind = numbers.clone()
    blind[:, :2] = 0
    _, drawn = task.completed(blind, torch.Generator().manual_seed(3))
    assert torch.equal(drawn[:, 2:], numbers[:, 2:])
    assert float(drawn[:, 0].mean() / numbers[:, 0].mean()) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(drawn[:, 0], numbers[:, 0])[0, 1] > 0.6


def test_classes_are_as_likely_as_their_law_says(task: HitsVAETask, jets: Events) -> None:
    numbers = torch.from_numpy(task.dataset(jets).numbers)
    share = task.of_classes(numbers).softmax(0)[1]
    drawn = [task.completed(numbers, torch.Generator().manual_seed(s))[0] for s in range(40)]
    assert float(torch.stack(drawn).mean()) == pytest.approx(float(share.mean()), abs=0.05)


def test_events_need_no_classes_but_visible_columns(task: HitsVAETask, jets: Events) -> None:
    bare = jets[:5]
    bare.columns = {k: bare.columns[k] for k in ("pt", "m0", "eta")}
    assert len(rebuilt(task, bare)) == 5
    bare.columns.pop("m0")
    with pytest.raises(InputError, match="m0"):
        rebuilt(task, bare)


def test_any_code_is_a_jet(task: HitsVAETask) -> None:
    codes = torch.randn(20, task.latent_numbers, generator=torch.Generator().manual_seed(4))
    made = task.decode(codes, torch.Generator().manual_seed(1))
    assert len(made) == 20
    assert np.isfinite(made.value).all()


def test_codes_are_exact_in_a_file(task: HitsVAETask, jets: Events, tmp_path: object) -> None:
    made = sized(task, 300)
    made.fit_codes(made.dataset(jets))
    law, file = made.code_law, tmp_path / "jets.cv"  # type: ignore[operator]
    assert law is not None
    spent = compress(file, made, jets[:20], quiet=True)
    assert spent.information == pytest.approx(spent.expected, rel=1e-6)
    codes = law.codes(law.symbols(encoded(made, jets[:20], True)))
    told, exact = (made.code.read(x.astype(np.float64)) for x in (codes, codes))
    assert np.array_equal(told.row, exact.row)
    back = decompress(file, made, quiet=True)
    assert np.array_equal(back.cell, decoded(made, codes, 1, True).cell)
    places = made.code.read(made.code.of(made.dataset(jets), np.arange(20))[0])
    assert np.array_equal(told.row[places.kinds() < KEPT], places.row[places.kinds() < KEPT])


def test_it_is_a_prior(task: HitsVAETask) -> None:
    made = sized(task, 64)
    made.chunk = 20  # type: ignore[misc]
    jets = made.sample(Request(label=1), 0, 3, None)
    assert len(jets) == 20
    assert (jets.label == 1).all()


def test_empty_images_survive(task: HitsVAETask, jets: Events) -> None:
    none = slice(0, 0)
    hits = jets.cell[none], jets.code[none], jets.value[none]
    columns = {k: v[:3] for k, v in jets.columns.items()}
    blank = Events(jets.geometry, np.zeros(4, np.int64), *hits, columns)
    assert len(rebuilt(task, blank).cell) == 0
