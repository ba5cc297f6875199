"""What several draws of one collision are worth."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.generators.base import Request
from calovision.models.generators.oversampling import effective_events, shared_variance


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_shared_variance_is_found(share: float) -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(4000), 4)
    own, common = rng.normal(size=len(group)), np.repeat(rng.normal(size=4000), 4)
    values = np.sqrt(share) * common + np.sqrt(1 - share) * own
    assert shared_variance(values, group) == pytest.approx(share, abs=0.02)
    # the error of the mean is that of so many independent events
    errors = np.std(values.reshape(40, 400).mean(1))
    worth = len(group) / (1 + 3 * share)
    assert errors == pytest.approx(np.sqrt(40 / worth), rel=0.35)


def test_copies_are_worth_what_they_are_copied_from(toy_jets: Events) -> None:
    copies = toy_jets[np.repeat(np.arange(32), 2)]
    copies.columns["event_id"] = np.repeat(np.arange(32), 2)
    worth, _ = effective_events(copies, 2)
    assert worth == pytest.approx(32)


@pytest.mark.parametrize("draws", [0, -1, 1.5, "two"])
def test_draws_are_whole_numbers(draws: object) -> None:
    with pytest.raises(InputError, match="oversample"):
        Request(oversample=draws)  # type: ignore[arg-type]
