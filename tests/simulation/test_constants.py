from __future__ import annotations

from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.simulation.constants import read_detector
from calovision.simulation.detector import CMS_BARREL


def test_what_is_not_given_is_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text("source: mine\ndetector: {hcal_threshold: 1, ecal_neighbours: 3}\n")
    found = read_detector(file)
    assert found == CMS_BARREL._replace(hcal_threshold=1.0, ecal_neighbours=3)
    assert isinstance(found.hcal_threshold, float)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hcal_threshold: 1", "no detector"),
        ("detector: 3", "no detector"),
        ("detector: {}\nmore: 1", "no detector"),
        ("detector: [", "no detector"),
        ("detector: {hcal_treshold: 1}", "hcal_threshold"),
        ("detector: {_asdict: 1}", "_asdict"),
        ("detector: {hcal_threshold: high}", "hcal_threshold"),
        ("detector: {hcal_threshold: .nan}", "hcal_threshold"),
        ("detector: {hcal_threshold: true}", "hcal_threshold"),
        ("detector: {hcal_threshold: -1}", "hcal_threshold"),
        ("detector: {ecal_neighbours: 2.5}", "ecal_neighbours"),
        ("detector: {jet_radius: 0.8}", "fixed"),
        ("detector: {jet_turn_on: 0}", "jet_turn_on"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=word) as error:
        read_detector(file)
    assert "\n" not in str(error.value)
