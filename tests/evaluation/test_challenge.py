from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.evaluation import challenge
from calovision.evaluation.challenge import judged, log_posterior, split
from calovision.evaluation.samples import Samples
from calovision.events.events import Events

Make = Callable[[int, int], Events]


def samples_of(a: Events, b: Events) -> Samples:
    return Samples((a, b, a), (np.zeros((len(a), 1)),) * 3, ("none",))


def bare(events: Events) -> Events:
    """The same jets with one track in ten."""
    return events.keep((events.channel != 0) | (np.arange(len(events.cell)) % 10 == 0))


def one_sided(events: Events) -> Events:
    """The same crops without the energies of their lower half."""
    return events.keep((events.channel != 0) | (events.cell < events.geometry.cells // 2 + 33))


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
