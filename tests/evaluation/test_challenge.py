from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.evaluation import challenge
from calovision.evaluation.challenge import INPUTS, features, judged, log_posterior, split
from calovision.evaluation.samples import Samples
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES

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


def samples_of(a: Events, b: Events) -> Samples:
    return Samples((a, b, a), (np.zeros((len(a), 1)),) * 3, ("none",))


def bare(events: Events) -> Events:
    """The same jets with one track in ten."""
    return events.keep((events.channel != 0) | (np.arange(len(events.cell)) % 10 == 0))


def one_sided(events: Events) -> Events:
    """The same crops without the energies of their lower half."""
    return events.keep((events.channel != 0) | (events.cell < events.geometry.cells // 2 + 33))


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


def test_parts_are_apart_and_sixty_to_twenty_to_twenty() -> None:
    parts = split(100, 1, 0)
    assert [len(p) for p in parts] == [60, 20, 20]
    assert sorted(np.concatenate(parts)) == list(range(100))
    assert split(100, 1, 0)[0].tolist() == parts[0].tolist() != split(100, 1, 1)[0].tolist()
    with pytest.raises(InputError, match="49 events are too few"):
        split(49, 1, 0)


def test_what_is_broken_is_found_and_what_is_equal_is_not(make_jets: Make) -> None:
    a, b, options = make_jets(300, 1), make_jets(300, 2), {"inputs": "challenge-high-level"}
    found = judged(samples_of(a, bare(b)), 1, 1, "cpu", epochs=12, **options)
    assert found.auc.value > 0.9
    same = judged(samples_of(a, b), 1, 1, "cpu", epochs=6, **options)
    assert abs(same.auc.value - 0.5) < 4 * same.auc.error
    assert [n for n, _ in found.curve] == [360]
    assert len(found.log_odds[0]) == len(found.log_odds[1]) == 60
    again = judged(samples_of(a, bare(b)), 1, 1, "cpu", epochs=12, **options)
    assert again.log_odds[0].tolist() == found.log_odds[0].tolist()


@pytest.mark.parametrize(("inputs", "size"), [("challenge-dense", 600), ("challenge-cnn", 150)])
def test_cells_and_images_are_told_apart(make_crops: Make, inputs: str, size: int) -> None:
    samples = samples_of(make_crops(size, 1), one_sided(make_crops(size, 2)))
    assert judged(samples, 1, 1, "cpu", inputs=inputs, epochs=6).auc.value > 0.9


def test_the_epoch_with_the_best_accuracy_counts(
    make_jets: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that would forget everything after its first epoch."""
    jets = make_jets(120, 1)
    samples, seen = samples_of(jets, bare(make_jets(120, 2))), []
    quality = challenge._quality

    def falling(*given: object) -> float:
        seen.append(quality(*given))  # type: ignore[arg-type]
        return -float(len(seen))

    monkeypatch.setattr(challenge, "_quality", falling)
    first = judged(samples, 1, 1, "cpu", inputs="challenge-high-level", epochs=1)
    several = judged(samples, 1, 1, "cpu", inputs="challenge-high-level", epochs=3)
    assert several.log_odds[1].tolist() == first.log_odds[1].tolist()
    assert len(seen) == 4


def test_posteriors_sum_to_one() -> None:
    out = np.array([[1000.0, 1000.0, 0.0], [0.0, 0.0, 0.0]])
    found = np.exp(log_posterior(out))
    assert found == pytest.approx(np.array([[0.5, 0.5, 0], [1 / 3] * 3]))
    assert np.exp(log_posterior(np.array([[np.log(3.0)]]))) == pytest.approx(
        np.array([[0.25, 0.75]])
    )
