"""The tracker's material against the published budget."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.simulation.detector import CMS_BARREL, tracker_layers

#: Radiation lengths by eta of CMS's fast simulation (CMSSW, TrackerMaterial_cfi, Run 1), its discs
#: taken as discs, averaged over vertices of 45 mm r.m.s. along the beam.
PUBLISHED = {
    0.0: 0.417,
    0.2: 0.498,
    0.4: 0.608,
    0.6: 0.677,
    0.8: 0.833,
    0.9: 1.027,
    1.0: 1.128,
    1.1: 1.293,
    1.2: 1.513,
    1.3: 1.599,
    1.4: 1.688,
}


def crossed(eta: float) -> float:
    """Radiation lengths of straight lines from the beam spot, on average."""
    radius, thickness, low, high = tracker_layers().T
    vertices = np.random.default_rng(1).normal(0, CMS_BARREL.beam_spot_length, 500)
    z = np.abs(vertices[:, None] + radius * np.sinh(eta))
    return float((thickness * ((low <= z) & (z < high))).sum(axis=1).mean() * np.cosh(eta))


@pytest.mark.parametrize("eta", PUBLISHED)
def test_material_is_the_published_one(eta: float) -> None:
    assert crossed(eta) == pytest.approx(PUBLISHED[eta], rel=0.05)


def test_layers_are_ordered_and_end_at_the_calorimeter() -> None:
    layers = tracker_layers()
    assert (np.diff(layers[:, 0]) >= 0).all()
    assert (layers[:, 2] < layers[:, 3]).all()
    assert layers[-1].tolist() == [CMS_BARREL.ecal_radius, 0.0, 0.0, 1e9]
