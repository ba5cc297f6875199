from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.evaluation.c2st import c2st
from calovision.events.events import Events
from calovision.events.perturbations import scaled


def test_changed_jets_are_told_and_others_are_not(
    tmp_path: Path, make_jets: Callable[..., Events]
) -> None:
    truth, other = make_jets(600, 1), make_jets(600, 2)
    told = c2st(truth, scaled(other, 1.5), tmp_path / "a", seed=1)
    alike = c2st(truth, other, tmp_path / "b", seed=1)
    assert told["value"] > 0.9
    assert abs(alike["value"] - 0.5) < 5 * alike["error"] + 0.02
    assert (tmp_path / "a" / "likeness.json").exists()


def test_a_handful_of_jets_is_refused(tmp_path: Path, make_jets: Callable[..., Events]) -> None:
    few = make_jets(50, 1)
    with pytest.raises(InputError, match="too few"):
        c2st(few, few, tmp_path, seed=1)
