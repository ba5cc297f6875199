"""Which crystals are stored: selective read-out, strips, squares, connected and isolated ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from calovision.simulation.detector import record
from calovision.simulation.egamma.clustering import READ_OUT, ReadOut, store

TINY = 0.001  #: GeV, below every threshold


def stored(
    hits: dict[tuple[int, int], float], rest: float = TINY, row: int = 0, r: ReadOut = READ_OUT
) -> NDArray[np.bool_]:
    """What is stored of a crop with a few hits (GeV) and the same energy everywhere else."""
    energy = np.full((32, 32), rest)
    for cell, e in hits.items():
        energy[cell] = e
    kept = np.zeros((32, 32), np.int8)
    store(energy, kept, row, 0, record(r))
    return kept.astype(bool)


def block(rows: tuple[int, int], cols: tuple[int, int]) -> NDArray[np.bool_]:
    where = np.zeros((32, 32), bool)
    where[rows[0] : rows[1] + 1, cols[0] : cols[1] + 1] = True
    return where


def test_square_around_a_seed_has_every_crystal_with_energy() -> None:
    np.testing.assert_array_equal(stored({(16, 16): 40.0}), block((14, 18), (14, 18)))
    negative = stored({(16, 16): 40.0, (15, 17): -0.05})
    assert not negative[15, 17]
    assert negative.sum() == 24


def test_clusters_grow_along_phi_while_strips_are_above_the_threshold() -> None:
    tail = {(15, 16 + k): 0.11 for k in range(1, 8)}
    assert stored({(16, 16): 40.0, **tail})[14:19, 14:24].all()
    faint = dict.fromkeys(tail, 0.05)
    np.testing.assert_array_equal(stored({(16, 16): 40.0, **faint}), block((14, 18), (14, 18)))


def test_separate_clusters_need_a_peak() -> None:
    """A radiated photon some strips away; the strips between them are empty."""
    weak, strong = (stored({(16, 16): 40.0, (16, 21): e}) for e in (0.3, 0.4))
    assert weak[14:19, 21].sum() == 1
    np.testing.assert_array_equal(strong, block((14, 18), (14, 18)) | block((14, 18), (19, 23)))
    off = stored({(16, 16): 40.0, (17, 21): 0.4})  # the square lies around its hottest crystal
    assert off[15:20, 19:24].all()


def test_connected_and_isolated_crystals_have_thresholds_of_their_own() -> None:
    r = READ_OUT
    middle = (r.connected + r.isolated) / 2
    seed = {(16, 16): 40.0, (19, 16): middle, (18, 16): 0.1, (17, 16): 0.2}
    assert stored(seed)[19, 16]
    assert not stored({(16, 16): 40.0, (20, 16): middle})[20, 16]
    assert stored({(16, 16): 40.0, (20, 16): r.isolated + TINY})[20, 16]
    assert not stored(seed | {(19, 16): r.connected - TINY})[19, 16]


def test_little_is_read_out_far_from_energetic_towers() -> None:
    """The tower of (16, 16) and its neighbours cover 10 to 24 in both directions."""
    r = READ_OUT._replace(isolated=0.05)
    found = stored({(16, 16): 40.0}, rest=r.isolated + TINY, r=r)
    np.testing.assert_array_equal(found, block((10, 24), (10, 24)))
    assert stored({(16, 16): 40.0, (3, 3): r.suppression + TINY})[3, 3]
    shifted = stored({(16, 16): 40.0}, rest=r.isolated + TINY, row=3, r=r)
    np.testing.assert_array_equal(shifted, block((7, 21), (10, 24)))


def test_nothing_is_stored_of_empty_crops() -> None:
    assert not stored({}).any()
    assert not stored({}, rest=-0.01).any()


@pytest.mark.parametrize("eta_row", [0, 60])
def test_seeds_are_cut_in_transverse_energy(eta_row: int) -> None:
    """Of the same energy, a seed at larger eta has less transverse energy."""
    r = READ_OUT._replace(connected_seed=1e9, interest=0.0)
    found = stored({(16, 16): 1.5}, row=eta_row, r=r)
    assert found[14:19, 14:19].all() == (eta_row == 0)
