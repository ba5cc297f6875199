from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.models.autoencoders.code_law import PARTS, CodeLaw

N, NUMBERS = 4000, 6


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    rng = np.random.default_rng(1)
    found = rng.normal(size=(N, NUMBERS)) * [1, 10, 0.1, 0, 3, 1] + [0, 5, 0, 2.5, 0, -7]
    found[:, 4] = rng.integers(-3, 4, N)
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def law(codes: np.ndarray) -> CodeLaw:
    return CodeLaw.fit(codes, np.full(NUMBERS, 0.25))


def test_what_is_written_is_read(law: CodeLaw, codes: np.ndarray) -> None:
    symbols = law.symbols(codes)
    assert np.array_equal(law.read(law.written(symbols), N), symbols)


def test_quantising_moves_a_number_by_half_a_step_at_most(law: CodeLaw, codes: np.ndarray) -> None:
    step = law.step.numpy()
    assert (np.abs(law.codes(law.symbols(codes)) - codes) <= step / 2 * 1.001).all()


def test_bits_written_are_those_that_the_law_says(law: CodeLaw, codes: np.ndarray) -> None:
    symbols = law.symbols(codes)
    expected = law.bits(symbols).sum()
    assert 8 * len(law.written(symbols)) == pytest.approx(expected, rel=2e-3)


def test_bits_are_the_entropy_of_known_distributions(codes: np.ndarray) -> None:
    # of a Gaussian in steps much narrower than itself, and of seven equally likely numbers
    for column, step, entropy in (
        (0, 0.25, 0.5 * np.log2(2 * np.pi * np.e) - np.log2(0.25)),
        (4, 1.0, np.log2(7)),
        (3, 0.25, 0.0),
    ):
        law = CodeLaw.fit(codes[:, [column]], np.array([step]))
        found = law.bits(law.symbols(codes[:, [column]])).mean()
        assert found == pytest.approx(entropy, abs=0.06)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=NUMBERS, max_size=NUMBERS))
def test_numbers_that_training_never_had_survive(law: CodeLaw, strange: list[float]) -> None:
    symbols = law.symbols(np.array([strange, [0.0] * NUMBERS], np.float32))
    assert np.array_equal(law.read(law.written(symbols), 2), symbols)


def test_fine_steps_are_alike_within_a_bin(codes: np.ndarray) -> None:
    law = CodeLaw.fit(codes, np.full(NUMBERS, 1e-3))
    assert np.diff(law.edges.numpy()).max() > 100
    symbols = law.symbols(codes)
    assert np.array_equal(law.read(law.written(symbols), N), symbols)
    assert 8 * len(law.written(symbols)) == pytest.approx(law.bits(symbols).sum(), rel=2e-3)
    gaussian = 0.5 * np.log2(2 * np.pi * np.e) - np.log2(1e-3)
    first = CodeLaw.fit(codes[:, :1], np.array([1e-3]))
    assert first.bits(first.symbols(codes[:, :1])).mean() == pytest.approx(gaussian, abs=0.05)


def test_no_codes_take_no_room(law: CodeLaw) -> None:
    nothing = np.zeros((0, NUMBERS), np.int64)
    assert law.read(law.written(nothing), 0).shape == (0, NUMBERS)
    assert len(law.written(nothing)) <= 4


def test_another_order_of_codes_costs_the_same(law: CodeLaw, codes: np.ndarray) -> None:
    symbols = law.symbols(codes[:100])
    assert np.allclose(law.bits(symbols[::-1]), law.bits(symbols)[::-1])


def test_it_travels_with_weights(law: CodeLaw, codes: np.ndarray) -> None:
    state = law.state_dict()
    other = CodeLaw(*(torch.zeros_like(state[k]) for k in PARTS))
    other.load_state_dict(state)
    symbols = law.symbols(codes[:50])
    assert other.written(symbols) == law.written(symbols)
