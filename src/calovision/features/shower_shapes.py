"""Shapes of single electromagnetic showers in a grid of crystals.

All functions take energies ``(n, rows, cols)`` in any one unit (negative ones count as zero), rows
along eta and columns along phi, with the hottest crystal at ``[rows // 2, cols // 2]``, as in the
public electron/photon crops. Ratios are without unit, widths are in eta or rad. Where a denominator
is zero, the result is zero. Definitions follow CMS (JINST 10 P08010, arXiv:1502.02702).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.events.geometry import EGAMMA_CROPS

Floats = NDArray[np.float64]

Pitch = tuple[float, float]
PITCH: Pitch = EGAMMA_CROPS.pitch  #: widths of a crystal in eta and in phi (rad)
LOG_WEIGHT = 4.7  #: crystals below exp(-4.7) of the 5 x 5 energy do not count in sigma_ieta_ieta
HARD = 0.3  #: crystals above it are counted as hard, GeV
_ROWS = 2  #: rows to each side of the peak that make the strip along phi


def _checked(energy: ArrayLike) -> Floats:
    e = np.asarray(energy, np.float64)
    if e.ndim != 3 or min(e.shape[1:]) < 5:
        raise InputError(
            f"energies of shape {e.shape} are no crops", "give (n, rows, cols) of at least 5 x 5"
        )
    return np.maximum(e, 0.0)


def _share(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return share


def _window(e: Floats, half_rows: int, half_cols: int) -> Floats:
    i, j = e.shape[1] // 2, e.shape[2] // 2
    return e[:, i - half_rows : i + half_rows + 1, j - half_cols : j + half_cols + 1]


def _strip(e: Floats) -> Floats:
    """``(n, cols)``: five rows around the peak, summed, as CMS clusters along phi."""
    i = e.shape[1] // 2
    strip: Floats = e[:, i - _ROWS : i + _ROWS + 1].sum(axis=1)
    return strip


def window_energy(energy: ArrayLike, size: int) -> Floats:
    """``(n,)`` energy in the ``size`` x ``size`` crystals around the peak (E1, E9 = 3 x 3, ...).

    Raises:
        InputError: the energies are no crops.
        ValueError: ``size`` is even or does not fit.
    """
    e = _checked(energy)
    if size % 2 == 0 or not 0 < size <= min(e.shape[1:]):
        raise ValueError(f"no window of {size} x {size} crystals")
    total: Floats = _window(e, size // 2, size // 2).sum(axis=(1, 2))
    return total


def e1_e25(energy: ArrayLike) -> Floats:
    """``(n,)`` in 0..1: the hottest crystal's share of the 5 x 5 energy."""
    return _share(window_energy(energy, 1), window_energy(energy, 5))


def e9_e25(energy: ArrayLike) -> Floats:
    """``(n,)`` in 0..1: the share of the 3 x 3 energy in the 5 x 5 energy."""
    return _share(window_energy(energy, 3), window_energy(energy, 5))


def r9(energy: ArrayLike) -> Floats:
    """``(n,)`` in 0..1: the 3 x 3 energy over that of five rows along the whole of phi.

    The strip stands for the supercluster of CMS's R9, which collects bremsstrahlung along phi.
    """
    return _share(window_energy(energy, 3), _strip(_checked(energy)).sum(axis=1))


def _log_moments(energy: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Variances along rows and columns, and the covariance, in crystals."""
    e = _window(_checked(energy), 2, 2)
    share = _share(e, np.broadcast_to(e.sum(axis=(1, 2), keepdims=True), e.shape))
    logs = np.log(share, out=np.full_like(share, -np.inf), where=share > 0)
    weight = np.maximum(LOG_WEIGHT + logs, 0.0)
    total = weight.sum(axis=(1, 2))
    place = np.arange(-2.0, 3.0)
    rows, cols = weight.sum(axis=2), weight.sum(axis=1)
    mean_row, mean_col = _share(rows @ place, total), _share(cols @ place, total)
    both = _share(np.einsum("nij,i,j->n", weight, place, place), total)
    var_row = _share(rows @ place**2, total) - mean_row**2
    var_col = _share(cols @ place**2, total) - mean_col**2
    return np.maximum(var_row, 0.0), np.maximum(var_col, 0.0), both - mean_row * mean_col


def sigma_ieta_ieta(energy: ArrayLike, pitch: Pitch = PITCH) -> Floats:
    """``(n,)`` width along eta in the 5 x 5 crystals, in units of eta.

    Weights are max(0, 4.7 + ln(E/E25)); distances are counted in crystals, each 0.0174 wide.
    """
    width: Floats = pitch[0] * np.sqrt(_log_moments(energy)[0])
    return width


def sigma_iphi_iphi(energy: ArrayLike, pitch: Pitch = PITCH) -> Floats:
    """``(n,)`` width along phi, rad; as :func:`sigma_ieta_ieta`, with crystals of 2 pi/360."""
    width: Floats = pitch[1] * np.sqrt(_log_moments(energy)[1])
    return width


def _width(profile: Floats, pitch: float) -> tuple[Floats, Floats]:
    """Mean and r.m.s. of profiles ``(n, k)``, counted from the peak at ``k // 2``."""
    place = np.arange(profile.shape[1], dtype=np.float64) - profile.shape[1] // 2
    total = profile.sum(axis=1)
    mean = _share(profile @ place, total)
    variance = _share(profile @ place**2, total) - mean**2
    return pitch * mean, pitch * np.sqrt(np.maximum(variance, 0.0))


def eta_width(energy: ArrayLike, pitch: Pitch = PITCH) -> Floats:
    """``(n,)`` energy-weighted r.m.s. along eta over the whole crop, in units of eta."""
    return _width(_checked(energy).sum(axis=2), pitch[0])[1]


def phi_width(energy: ArrayLike, pitch: Pitch = PITCH) -> Floats:
    """``(n,)`` energy-weighted r.m.s. along phi over five rows around the peak, rad."""
    return _width(_strip(_checked(energy)), pitch[1])[1]


def shower_shapes(energy: ArrayLike, pitch: Pitch = PITCH) -> dict[str, Floats]:
    """All that boosted trees are given about a shower: ``(n,)`` each.

    Args:
        energy: ``(n, rows, cols)``, GeV, at least 25 x 25.
        pitch: widths of a crystal in eta and in phi (rad).

    Raises:
        InputError: the energies are no crops.
    """
    e = _checked(energy)
    i, j = e.shape[1] // 2, e.shape[2] // 2
    e9, e25, total = window_energy(e, 3), window_energy(e, 5), e.sum(axis=(1, 2))
    strip = _strip(e)
    var_row, var_col, covariance = _log_moments(e)
    shapes = {
        "E1/E25": e1_e25(e),
        "E9/E25": e9_e25(e),
        "R9": r9(e),
        "sigma_ieta_ieta": pitch[0] * np.sqrt(var_row),
        "sigma_iphi_iphi": pitch[1] * np.sqrt(var_col),
        "sigma_ieta_iphi": pitch[0] * pitch[1] * covariance,
        "eta width": eta_width(e, pitch),
        "phi width": phi_width(e, pitch),
        "E9": e9,
        "E25": e25,
        "E": total,
        "E25/E": _share(e25, total),
        "E3x5/E25": _share(_window(e, 1, 2).sum(axis=(1, 2)), e25),
        "E5x3/E25": _share(_window(e, 2, 1).sum(axis=(1, 2)), e25),
        "E2/E25": _share(_second(e), e25),
        "crystals": (e > 0).sum(axis=(1, 2)).astype(np.float64),
        "hard crystals": (e > HARD).sum(axis=(1, 2)).astype(np.float64),
    }
    for name, (a, b) in {"left": (i, j - 1), "right": (i, j + 1)}.items():
        shapes[f"{name}/E9"] = _share(e[:, a, b], e9)
    for name, (a, b) in {"below": (i - 1, j), "above": (i + 1, j)}.items():
        shapes[f"{name}/E9"] = _share(e[:, a, b], e9)
    for low, high in ((3, 5), (5, 8), (8, 12)):
        shapes[f"phi +{low}"] = _share(strip[:, j + low : j + high].sum(axis=1), e25)
        shapes[f"phi -{low}"] = _share(strip[:, j - high + 1 : j - low + 1].sum(axis=1), e25)
    shapes["phi mean"] = _width(strip, pitch[1])[0]
    return shapes


def _second(e: Floats) -> Floats:
    """Energy of the second hottest crystal."""
    second: Floats = np.partition(e.reshape(len(e), -1), -2, axis=1)[:, -2]
    return second


def shape_matrix(
    energy: ArrayLike, pitch: Pitch = PITCH
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """:func:`shower_shapes` as ``(n, k)``, and their names."""
    shapes = shower_shapes(energy, pitch)
    return np.column_stack(list(shapes.values())), tuple(shapes)
