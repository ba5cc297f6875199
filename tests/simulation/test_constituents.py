from __future__ import annotations

import numpy as np
import pytest

from calovision.simulation.constituents import Constituents


def jets(*parts: list[tuple[int, float, float, float]]) -> Constituents:
    """Jets from lists of (pdg, pt GeV, eta, phi rad)."""
    rows = np.array([p for part in parts for p in part])
    columns = {"pdg": rows[:, 0].astype(np.int32)}
    columns |= {
        name: rows[:, i + 1].astype(np.float32) for i, name in enumerate(("pt", "eta", "phi"))
    }
    return Constituents(np.cumsum([0, *map(len, parts)]), columns)


def test_shapes_of_simple_jets() -> None:
    pair = [(211, 5.0, 0.3, 3.1), (22, 5.0, 0.3, -3.1)]  # phi wraps round between them
    alone = [(-11, 7.0, -1.0, 0.0)]
    found = jets(pair, alone).shapes()
    assert found["gen_n"].tolist() == [2, 1]
    assert found["gen_n_charged"].tolist() == [1, 1]
    assert found["gen_girth"] == pytest.approx([np.pi - 3.1, 0.0], abs=1e-5)
    assert found["gen_ptd"] == pytest.approx([2**-0.5, 1.0])


def test_chosen_jets_keep_their_constituents() -> None:
    three = jets([(22, 1.0, 0.0, 0.0)], [(22, 2.0, 0.0, 0.0)] * 2, [(22, 3.0, 0.0, 0.0)] * 3)
    picked = three[np.array([2, 0])]
    assert picked.shapes()["gen_n"].tolist() == [3, 1]
    assert picked.columns["pt"].tolist() == [3.0, 3.0, 3.0, 1.0]
