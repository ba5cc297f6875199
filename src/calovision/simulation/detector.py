"""The detector: one description of a CMS-barrel-like tracker and calorimeter.

Lengths are in mm, energies in GeV, angles in rad, the field in T. Sources: CMS physics TDR
(CERN-LHCC-2006-001), CMS detector paper (JINST 3 S08004), GFLASH (hep-ex/0001020). Values
marked *effective* were tuned to the published image statistics (docs: simulation).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI, JET_IMAGES


class Detector(NamedTuple):
    """Constants of the detector."""

    # magnet and beam
    field: float = 3.8  #: solenoid field along +z, T
    beam_spot_length: float = 45.0  #: r.m.s. of the vertex position along z, mm

    # tracker
    track_eta: float = 2.5  #: coverage in abs(eta)
    track_threshold: float = 0.1  #: transverse momentum where tracking starts, GeV
    track_turn_on: float = 0.2666  #: scale of the exponential turn-on above it, GeV
    track_efficiency: float = 0.9332  #: plateau efficiency for charged particles
    conversion_radius: float = 500.0  #: conversions further out leave no track, mm
    conversion_efficiency: float = 0.6474  #: plateau efficiency for electrons of conversions
    secondary_rate: float = 0.5975  #: tracks from nuclear interactions in the tracker, per hadron
    secondary_share: float = 0.172  #: mean share of the hadron's momentum that such a track has
    secondary_kick: float = 0.2749  #: their r.m.s. momentum across the hadron, per axis, GeV
    secondary_growth: float = 0.1321  #: power of its momentum (GeV) that the rate grows with
    fake_rate: float = 0.009926  #: fake tracks per pixel with tracks, of even curvature; effective
    fake_threshold: float = 0.5  #: lowest transverse momentum of fake tracks, GeV; effective
    fake_limit: float = 1e4  #: transverse momentum that stiffer fake tracks are given, GeV
    fake_spread: int = 4  #: largest distance of a fake track from the pixel, crystals; effective
    track_resolution: float = 0.007  #: constant term of sigma(pt)/pt
    track_curvature: float = 1.5e-4  #: term of sigma(pt)/pt proportional to pt, 1/GeV
    track_resolution_eta: float = 0.004  #: growth of sigma(pt)/pt per unit of abs(eta)
    photon_cut: float = 0.02  #: lowest energy of a radiated photon or conversion electron, GeV

    # electromagnetic calorimeter (PbWO4)
    ecal_radius: float = 1290.0  #: front face, mm
    ecal_depth: float = 230.0  #: crystal length, mm
    ecal_x0: float = 8.903  #: radiation length, mm
    ecal_moliere: float = 21.9  #: Moliere radius, mm
    ecal_critical: float = 9.64e-3  #: critical energy, GeV
    ecal_z: float = 68.36  #: effective atomic number
    ecal_interaction: float = 207.0  #: nuclear interaction length, mm
    ecal_mip: float = 0.3  #: energy loss of a minimum-ionising particle, GeV
    crystal_eta: float = CRYSTAL_ETA  #: crystal width in eta
    crystal_phi: float = CRYSTAL_PHI  #: crystal width in phi, rad
    ecal_noise: float = 0.042  #: r.m.s. noise per crystal, GeV
    ecal_seed: float = 0.4111  #: crystals above it are read out with their neighbours, GeV
    ecal_neighbours: int = 4  #: how many crystals to each side of a seed are read out
    ecal_threshold: float = 0.03739  #: zero suppression of what is read out, GeV
    ecal_growth: float = 1.086  #: power of cosh(eta) that noise and thresholds grow with; effective
    ecal_scale: float = 0.8728  #: measured over deposited energy; effective
    em_threshold: float = 0.05  #: particles below it are not showered, GeV
    spot_fraction: float = 0.12  #: shower spots drawn, of the number GFLASH asks for

    # hadronic calorimeter (brass and scintillator towers)
    hcal_radius: float = 1800.0  #: front face, mm
    hcal_interaction: float = 170.0  #: nuclear interaction length, mm
    hcal_stochastic: float = 0.9  #: sampling term of sigma(E)/E, GeV**0.5
    hcal_growth: float = 0.9766  #: power of cosh(eta) that noise and threshold grow with; effective
    hcal_scale: float = 0.7489  #: measured over deposited energy; effective
    hcal_turn_on: float = 1.292  #: energy of a shower of which 1 - 1/e is seen, GeV; effective
    hcal_mip: float = 2.0  #: energy loss of a muon, GeV
    hcal_noise: float = 0.3348  #: r.m.s. noise per tower, GeV
    hcal_threshold: float = 0.8208  #: tower threshold, GeV

    # hadronic response
    ecal_hadron_response: float = 0.3465  #: response to the non-em part of a shower in the ECAL
    hcal_e_over_h: float = 1.4  #: ratio of em to hadronic response of the HCAL
    ecal_hadron_spread: float = 14.74  #: median radius of hadronic deposits in the ECAL, mm
    hcal_hadron_spread: float = 76.37  #: median radius of hadronic deposits in the HCAL, mm
    ecal_hadron_spots: float = 10.0  #: hadronic spots per GeV in the ECAL

    # particle flow: the jet's momentum is the sum of what these see
    flow_track_resolution: float = 0.01  #: of a charged particle's momentum
    flow_photon_threshold: float = 0.2491  #: GeV
    flow_photon_stochastic: float = 0.03  #: GeV**0.5
    flow_photon_constant: float = 0.007
    flow_hadron_threshold: float = 0.9495  #: neutral or untracked hadrons, GeV
    flow_hadron_reach: float = 0.75  #: pt below which untracked charged hadrons curl up, GeV
    flow_hadron_stochastic: float = 1.421  #: GeV**0.5
    flow_hadron_constant: float = 0.09
    flow_hadron_response: float = 0.9
    flow_tail: float = 0.08068  #: part of charged particles' momenta in the tail; effective
    flow_tail_scale: float = 0.4072  #: mean excess of momentum in the tail; effective

    # jets and pile-up
    pileup: float = 17.17  #: mean number of additional collisions
    pileup_spread: float = 0.3567  #: relative r.m.s. of that mean from collision to collision
    jet_radius: float = 0.5  #: anti-kt radius
    jet_threshold: float = 70.0  #: lowest reconstructed jet pt, GeV
    jet_turn_on: float = 8.877  #: scale of the exponential turn-on above it, GeV; effective
    jet_scale: float = 1.043  #: jet energy correction
    pileup_offset: float = 0.5459  #: jet pt removed per pile-up collision, GeV
    seed_distance: float = 0.4  #: largest distance of the window's centre from the jet axis


CMS_BARREL = Detector()

TOWER = JET_IMAGES.channels[2].block  #: crystals along each side of one HCAL tower
PHI_CELLS = round(2 * math.pi / CRYSTAL_PHI)  #: crystals around the full circle


def record(constants: Any) -> Any:
    """A named tuple of constants as a NumPy record, which compiled loops pass on as one pointer."""
    kinds = [(name, type(value)) for name, value in constants._field_defaults.items()]
    return np.array([tuple(constants)], kinds)[0]


def tracker_layers() -> NDArray[np.float64]:
    """Tracker material ``(layers, 4)``: radius mm, thickness X0, then abs(z) range in mm.

    0.40 X0 at eta 0, 0.73 at 1.0, 1.19 at 1.4, services and discs folded into cylinders; the
    last row is the ECAL front face.
    """
    full, rows = 2500.0, [(30.0, 0.003, 0.0, 2500.0)]
    for radius in (44.0, 73.0, 102.0):  # pixel barrel, then its discs
        rows += [(radius, 0.022, 0.0, 265.0), (radius + 1, 0.035, 270.0, 600.0)]
    rows.append((180.0, 0.015, 0.0, full))  # pixel support
    for radius in (255.0, 340.0, 430.0, 510.0):  # inner strips, then inner discs
        rows += [(radius, 0.032, 0.0, 700.0), (radius + 1, 0.062, 702.0, 1050.0)]
    rows.append((545.0, 0.02, 0.0, 1100.0))  # inner support
    for radius in (610.0, 700.0, 780.0, 870.0, 970.0, 1080.0):  # outer strips, then end caps
        rows += [(radius, 0.022, 0.0, 1090.0), (radius + 1, 0.055, 1100.0, 1800.0)]
    rows += [(1190.0, 0.04, 0.0, 2400.0), (CMS_BARREL.ecal_radius, 0.0, 0.0, 1e9)]
    return np.array(rows)
