"""Networks of two layers at chosen rows, compiled: PyTorch would have to gather the rows first.

Where most of a table is asked for something, but for different things, copying rows together costs
as much as multiplying them. Here four rows at a time go through a network where they lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from calovision.utils.compiled import compiled

Floats = NDArray[np.float32]

U = np.uint64  #: places are unsigned, which need no check whether they count from the end
LANES = 16  #: widths are filled up to whole vectors of so many numbers
ROWS = 4  #: rows that go through a layer together
#: sums may be taken in any order, but what comes out is a number
LOOSE = {"contract", "nsz", "nnan", "ninf", "arcp", "reassoc"}
EXACT = LOOSE - {"reassoc"}  #: for sums that round on purpose
TURNS = np.float32(1 / math.log(2))
WHOLE = np.float32(1.5 * 2**23)  #: a number of single precision plus this has no fraction left
POWERS = tuple(np.float32(math.log(2) ** k / math.factorial(k)) for k in range(8))
_0, _1, _2, _3, _4, _5, _6, _7 = POWERS
FARTHEST = np.float32(126.0)  #: powers of two beyond are none of single precision
ONE, SHIFT = np.int32(0x3F800000), np.int32(23)  #: the number one in bits, and where exponents are


def padded(array: NDArray[Any], *shape: int) -> Floats:
    """The array as float32 with zeros after it, up to a shape."""
    if array.shape == shape:
        return np.ascontiguousarray(array, np.float32)
    found = np.zeros(shape, np.float32)
    found[tuple(slice(n) for n in array.shape)] = array
    return found


def filled(width: int) -> int:
    """The next whole number of vectors."""
    return -(-width // LANES) * LANES


@dataclass(frozen=True)
class TwoLayers:
    """A linear layer, SiLU, and another linear layer.

    Attributes:
        arrays: weights ``(inputs, H)`` and bias of the first layer, ``(H, outputs)`` and bias of
            the second; ``inputs`` are ``(rows first, then known)``.
    """

    arrays: tuple[Floats, Floats, Floats, Floats]

    @classmethod
    def of(cls, network: nn.Sequential, rows: int) -> TwoLayers:
        """A network whose first ``rows`` inputs are of a table that is filled up by zeros."""
        first, _, last = network
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        weight, end = (x.weight.detach().numpy().T for x in (first, last))
        inner, outputs = filled(weight.shape[1]), filled(end.shape[1])
        table, rest = padded(weight[:rows], filled(rows), inner), weight[rows:]
        more = -(-len(rest) // 4) * 4  # rows are taken four at a time
        return cls(
            (
                np.concatenate([table, padded(rest, more, inner)]),
                padded(first.bias.detach().numpy(), inner),
                padded(end, inner, outputs),
                padded(last.bias.detach().numpy(), outputs),
            )
        )

    def __call__(self, rows: NDArray[np.int64], table: Floats, known: Floats) -> Floats:
        """``(k, outputs)`` at some rows, outputs filled up to whole vectors.

        Args:
            rows: ``(k,)`` which.
            table: ``(m, W)``.
            known: ``(m, x)`` of which the first columns are used, ``x`` a multiple of four.
        """
        out = np.empty((len(rows), self.arrays[2].shape[1]), np.float32)
        _two_layers(out, rows, table, known, *self.arrays)
        return out


@compiled(fastmath=EXACT, error_model="numpy")
def silu(flat, power, bits, part):  # type: ignore[no-untyped-def]
    """Write ``x sigmoid(x)`` over the numbers ``x`` ``(k,)``.

    In loops that a compiler makes vectors of, which it does not of a library's exponential:
    ``exp(-x)`` is a whole power of two, ``power`` ``(k,)``, whose ``bits``, a view of it, are
    written as integers, times a small one, ``part`` ``(k,)``, by its series.
    """
    for x in range(len(flat)):
        exponent = min(max(-flat[x] * TURNS, -FARTHEST), FARTHEST)
        whole = exponent + WHOLE
        power[x] = whole
        rest = exponent - (whole - WHOLE)
        high = _4 + rest * (_5 + rest * (_6 + rest * _7))
        part[x] = _0 + rest * (_1 + rest * (_2 + rest * (_3 + rest * high)))
    for x in range(len(flat)):
        bits[x] = (bits[x] << SHIFT) + ONE
    for x in range(len(flat)):
        flat[x] = flat[x] / (np.float32(1.0) + part[x] * power[x])


@compiled(fastmath=LOOSE, error_model="numpy")
def _two_layers(out, rows, table, known, weight, bias, end, end_bias):  # type: ignore[no-untyped-def]
    width, inner, outputs = table.shape[1], len(bias), len(end_bias)
    beside, number = known.shape[1], len(rows)
    seen, told, flat = table.reshape(-1), known.reshape(-1), weight.reshape(-1)
    hidden, found = np.empty(ROWS * inner, np.float32), np.empty(ROWS * outputs, np.float32)
    power, part = np.empty(ROWS * inner, np.float32), np.empty(ROWS * inner, np.float32)
    four = np.empty(ROWS, np.int64)
    for r in range(0, number, ROWS):
        for q in range(ROWS):
            four[q] = rows[min(r + q, number - 1)]
            for x in range(inner):
                hidden[q * inner + x] = bias[x]
            for x in range(outputs):
                found[q * outputs + x] = end_bias[x]
        pass_on(hidden, inner, seen, four * width, width, flat, 0)
        pass_on(hidden, inner, told, four * beside, len(weight) - width, flat, width * inner)
        silu(hidden, power, power.view(np.int32), part)
        pass_on(found, outputs, hidden, np.arange(ROWS) * inner, inner, end.reshape(-1), 0)
        for q in range(min(ROWS, number - r)):
            for x in range(outputs):
                out[r + q, x] = found[q * outputs + x]


@compiled(fastmath=LOOSE, error_model="numpy", forceinline=True)
def pass_on(out, wide, values, starts, number, weight, begin):  # type: ignore[no-untyped-def]
    """Add ``number`` values, a multiple of four, of each of four rows times weights to ``out``.

    It is ``(4 wide,)``; the values of a row lie at ``starts`` ``(4,)``, the weights from ``begin``.
    """
    s0, s1, s2, s3 = U(starts[0]), U(starts[1]), U(starts[2]), U(starts[3])
    line, two, three = U(wide), U(2 * wide), U(3 * wide)
    for y in range(U(0), U(number), U(4)):
        first = U(begin) + y * line
        a0, a1, a2, a3 = values[s0 + y], values[s1 + y], values[s2 + y], values[s3 + y]
        z = y + U(1)
        b0, b1, b2, b3 = values[s0 + z], values[s1 + z], values[s2 + z], values[s3 + z]
        z += U(1)
        c0, c1, c2, c3 = values[s0 + z], values[s1 + z], values[s2 + z], values[s3 + z]
        z += U(1)
        d0, d1, d2, d3 = values[s0 + z], values[s1 + z], values[s2 + z], values[s3 + z]
        for x in range(line):
            k, m = weight[first + x], weight[first + line + x]
            p, q = weight[first + two + x], weight[first + three + x]
            out[x] += (a0 * k + b0 * m) + (c0 * p + d0 * q)
            out[line + x] += (a1 * k + b1 * m) + (c1 * p + d1 * q)
            out[two + x] += (a2 * k + b2 * m) + (c2 * p + d2 * q)
            out[three + x] += (a3 * k + b3 * m) + (c3 * p + d3 * q)
