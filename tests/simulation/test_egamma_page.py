"""The comparison with Geant4 on the page is the measured one, and it still holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from calovision.features import shower_shapes as shapes
from calovision.metrics.two_sample import classifier_auc
from calovision.simulation.egamma.measure import measured

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def writer(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("write_egamma")


def test_tables_are_those_of_the_stored_measurement(writer: ModuleType) -> None:
    result = json.loads(writer.STORED.read_text())
    page = writer.PAGE.read_text()
    assert writer.fill(page, result) == page
    result["comparison"]["shapes"]["fast photon"]["R9"][0] += 0.1
    assert writer.fill(page, result) != page


def test_fast_showers_look_like_geant4(writer: ModuleType) -> None:
    """Smaller than what the page shows, so the trees know less; limits leave room for that."""
    stored = json.loads(writer.STORED.read_text())["comparison"]["auc"]
    made = {"fast": writer.fast_showers(900, 5), "geant4": writer.geant4_sample()}
    seen = {name: measured(*sample, 3) for name, sample in made.items()}
    for kind, label in writer.CLASSES.items():
        energy = {k: writer.energies(v[v.label == label]) for k, v in seen.items()}
        for function in (shapes.e1_e25, shapes.e9_e25, shapes.r9):
            fast, geant4 = (function(energy[name]).mean() for name in ("fast", "geant4"))
            assert fast == pytest.approx(geant4, abs=0.03)
        for function in (shapes.sigma_ieta_ieta, shapes.eta_width):
            fast, geant4 = (np.median(function(energy[name])) for name in ("fast", "geant4"))
            assert fast == pytest.approx(geant4, rel=0.04)
        matrices = [shapes.shape_matrix(energy[name])[0] for name in ("geant4", "fast")]
        auc = classifier_auc(*matrices, paired=False, seed=2)
        assert auc.value < stored[f"fast against Geant4, {kind}s"][0] + 0.04
