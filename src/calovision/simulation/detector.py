"""The detector: one description of a CMS-barrel-like tracker and calorimeter.

Lengths are in mm, energies in GeV, angles in rad, the field in T. Sources: CMS physics TDR
(CERN-LHCC-2006-001), CMS detector paper (JINST 3 S08004), GFLASH (hep-ex/0001020). Values
marked *effective* were tuned to the published image statistics (docs: simulation).
"""

from __future__ import annotations

import math
from itertools import pairwise
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
    track_turn_on: float = 0.2938  #: scale of the exponential turn-on above it, GeV
    track_efficiency: float = 0.9311  #: plateau efficiency for charged particles
    conversion_radius: float = 500.0  #: conversions further out leave no track, mm
    conversion_efficiency: float = 0.6848  #: plateau efficiency for electrons of conversions
    secondary_rate: float = 0.5785  #: tracks from nuclear interactions in the tracker, per hadron
    secondary_share: float = 0.1763  #: mean share of the hadron's momentum that such a track has
    secondary_kick: float = 0.2859  #: their r.m.s. momentum across the hadron, per axis, GeV
    secondary_growth: float = 0.08317  #: power of its momentum (GeV) that the rate grows with
    fake_rate: float = 0.009743  #: fake tracks per pixel with tracks, of even curvature; effective
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
    ecal_tilt: float = 0.0  #: angle of crystals to lines from the middle, in eta and in phi, rad
    ecal_noise: float = 0.042  #: r.m.s. noise per crystal, GeV
    ecal_seed: float = 0.402  #: crystals above it are read out with their neighbours, GeV
    ecal_neighbours: int = 4  #: how many crystals to each side of a seed are read out
    ecal_threshold: float = 0.03686  #: zero suppression of what is read out, GeV
    ecal_growth: float = 1.118  #: power of cosh(eta) that noise and thresholds grow with; effective
    ecal_scale: float = 0.8807  #: measured over deposited energy; effective
    em_threshold: float = 0.05  #: particles below it are not showered, GeV
    spot_fraction: float = 0.12  #: shower spots drawn, of the number GFLASH asks for

    # hadronic calorimeter (brass and scintillator towers)
    hcal_radius: float = 1800.0  #: front face, mm
    hcal_interaction: float = 170.0  #: nuclear interaction length, mm
    hcal_stochastic: float = 0.9  #: sampling term of sigma(E)/E, GeV**0.5
    hcal_growth: float = 0.945  #: power of cosh(eta) that noise and threshold grow with; effective
    hcal_scale: float = 0.7489  #: measured over deposited energy; effective
    hcal_turn_on: float = 1.312  #: energy of a shower of which 1 - 1/e is seen, GeV; effective
    hcal_mip: float = 2.0  #: energy loss of a muon, GeV
    hcal_noise: float = 0.3228  #: r.m.s. noise per tower, GeV
    hcal_threshold: float = 0.7917  #: tower threshold, GeV

    # hadronic response
    ecal_hadron_response: float = 0.3701  #: response to the non-em part of a shower in the ECAL
    hcal_e_over_h: float = 1.4  #: ratio of em to hadronic response of the HCAL
    ecal_hadron_spread: float = 14.74  #: median radius of hadronic deposits in the ECAL, mm
    hcal_hadron_spread: float = 75.82  #: median radius of hadronic deposits in the HCAL, mm
    ecal_hadron_spots: float = 10.0  #: hadronic spots per GeV in the ECAL

    # particle flow: the jet's momentum is the sum of what these see
    flow_track_resolution: float = 0.01  #: of a charged particle's momentum
    flow_photon_threshold: float = 0.2617  #: GeV
    flow_photon_stochastic: float = 0.03  #: GeV**0.5
    flow_photon_constant: float = 0.007
    flow_hadron_threshold: float = 0.9294  #: neutral or untracked hadrons, GeV
    flow_hadron_reach: float = 0.75  #: pt below which untracked charged hadrons curl up, GeV
    flow_hadron_stochastic: float = 1.433  #: GeV**0.5
    flow_hadron_constant: float = 0.09
    flow_hadron_response: float = 0.9
    flow_tail: float = 0.08305  #: part of charged particles' momenta in the tail; effective
    flow_tail_scale: float = 0.4072  #: mean excess of momentum in the tail; effective

    # jets and pile-up
    pileup: float = 17.27  #: mean number of additional collisions
    pileup_spread: float = 0.3799  #: relative r.m.s. of that mean from collision to collision
    jet_radius: float = 0.5  #: anti-kt radius
    jet_threshold: float = 70.0  #: lowest reconstructed jet pt, GeV
    jet_turn_on: float = 8.903  #: scale of the exponential turn-on above it, GeV; effective
    jet_scale: float = 1.045  #: jet energy correction
    pileup_offset: float = 0.547  #: jet pt removed per pile-up collision, GeV
    seed_distance: float = 0.4  #: largest distance of the window's centre from the jet axis


CMS_BARREL = Detector()

TOWER = JET_IMAGES.channels[2].block  #: crystals along each side of one HCAL tower
PHI_CELLS = round(2 * math.pi / CRYSTAL_PHI)  #: crystals around the full circle


def record(constants: Any) -> Any:
    """A named tuple of constants as a NumPy record, which compiled loops pass on as one pointer."""
    kinds = [(name, type(value)) for name, value in constants._field_defaults.items()]
    return np.array([tuple(constants)], kinds)[0]


#: Barrel cylinders: radius, mm; ends in abs(z), mm, and thickness, X0, of successive pieces.
_OUTER = (0.0, 180.0, 550.0, 1087.0)
_BARREL: tuple[tuple[float, tuple[float, ...], tuple[float, ...]], ...] = (
    (30.0, (0.0, 2500.0), (0.0024,)),  # beam pipe
    *((r, (0.0, 284.0), (0.0217,)) for r in (44.0, 73.0, 102.0)),  # pixels
    (176.0, (0.0, 275.0, 320.0, 650.0), (0.0135, 0.095, 0.05)),  # their walls and cables
    *((r, (0.0, 350.0, 652.0), (0.053, 0.0769)) for r in (258.0, 341.0)),  # inner barrel
    (420.0, (0.0, 350.0, 662.0), (0.035, 0.0508)),
    (499.0, (0.0, 350.0, 664.0), (0.04, 0.058)),
    (551.0, (0.0, 275.0, 305.0, 720.0, 1082.0), (0.009, 0.036, 0.009, 0.0495)),
    *((r, _OUTER, (0.021, 0.0478, 0.06)) for r in (609.0, 693.0)),  # outer barrel
    *((r, _OUTER, (0.0154, 0.0351, 0.044)) for r in (781.0, 869.0, 966.0, 1081.0)),
    (1200.0, (0.0, 1200.0, 2400.0), (0.042, 0.1596)),  # its walls and cables
)
#: Rings of discs: abs(z), inner and outer radius, mm, and thickness, X0.
_RINGS = (
    *((287.0, *ring) for ring in ((42.0, 51.0, 0.112), (71.0, 82.0, 0.12), (100.0, 110.0, 0.124))),
    (287.0, 112.0, 165.0, 0.046),  # ends of the pixel barrel
    *((355.0, r, r + 39.0, 0.058) for r in (51.0, 92.0, 131.0)),
    *((485.0, r, r + 39.0, 0.058) for r in (54.0, 95.0, 134.0)),
    (651.0, 65.0, 110.0, 0.19),
    (651.0, 110.0, 175.0, 0.24),
    *((740.0, r, r + 78.0, 0.13) for r in (226.0, 304.0, 382.0, 460.0)),  # of the inner barrel
    (1080.0, 240.0, 475.0, 0.074),
    (1080.0, 475.0, 549.0, 0.185),
    (1150.0, 620.0, 1110.0, 0.013),
)
#: Where many discs stand behind each other: abs(z) from and to, radii from and to, mm, and X0 a mm.
_DISCS = ((727.0, 1116.0, 225.0, 540.0, 4.6e-4), (1249.0, 2540.0, 440.0, 1114.0, 3.45e-4))
_DISC_STEP = 105.0  #: distance of the cylinders that stand for them, mm


def tracker_layers() -> NDArray[np.float64]:
    """Tracker material ``(layers, 4)``: radius mm, thickness X0, then abs(z) range in mm.

    0.42 X0 at eta 0, 0.62 at 0.5, 1.13 at 1.0 and 1.51 at 1.2: thicknesses and places are those of
    CMS's own fast simulation (CMSSW, FastSimulation, TrackerMaterial_cfi, Run 1), which was matched
    to the material of CMS's full simulation (JINST 3 S08004, figure 3.3). Discs become cylinders in
    which particles from the middle of the detector cross as much; good to 5 % below eta 1.4. Rows
    are in the order of their radius; the last one is the ECAL front face.
    """
    rows = [
        (radius, thickness, *piece)
        for radius, ends, pieces in _BARREL
        for thickness, piece in zip(pieces, pairwise(ends), strict=True)
    ]
    for z, inner, outer, thickness in _RINGS:
        middle = (inner + outer) / 2
        rows.append((middle, thickness * middle / z, z * middle / outer, z * middle / inner))
    for low, high, inner, outer, density in _DISCS:
        number = round((outer - inner) / _DISC_STEP)
        step = (outer - inner) / number
        rows += [(inner + (k + 0.5) * step, density * step, low, high) for k in range(number)]
    return np.array([*sorted(rows), (CMS_BARREL.ecal_radius, 0.0, 0.0, 1e9)])
