"""The law of quantised latent numbers, and codes as bits.

Every number has a histogram, fitted to the codes of training events. It holds whole numbers, so
that what one machine writes every other one reads. Numbers are written by a range coder (library
constriction, arXiv:2201.01741).
"""

from __future__ import annotations

from typing import Any, Self

import constriction
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Symbols = NDArray[np.int64]
_MOST = 2048  #: steps between the lowest and the highest training code, at most
_SEEN, _UNSEEN = 16, 1  #: weight of a training code, and of each number between them
_HALF = 16  #: numbers beyond the histogram are written as two of so many bits
_NAMES = ("step", "first", "sizes", "counts")


class CodeLaw(nn.Module):
    """Histograms of quantised latent numbers.

    Args:
        step: ``(L,)`` width of the bins of each number.
        first: ``(L,)`` number of its lowest bin.
        sizes: ``(L,)`` how many bins it has.
        counts: ``(sum of sizes,)`` training codes in them.
    """

    step: Tensor
    first: Tensor
    sizes: Tensor
    counts: Tensor

    def __init__(self, step: Tensor, first: Tensor, sizes: Tensor, counts: Tensor) -> None:
        super().__init__()
        for name, value in zip(_NAMES, (step, first, sizes, counts), strict=True):
            self.register_buffer(name, value)
        self._tables: list[NDArray[np.float64]] | None = None

    @classmethod
    def fit(cls, codes: NDArray[np.float32], step: NDArray[np.float64]) -> Self:
        """The law of codes ``(n, L)`` in steps ``(L,)``, or wider ones."""
        low, high = codes.min(0).astype(np.float64), codes.max(0).astype(np.float64)
        step = np.maximum(step, (high - low) / _MOST).astype(np.float32)
        symbols = np.rint(codes / step).astype(np.int64)
        first = symbols.min(0)
        counts = [np.bincount(column) for column in (symbols - first).T]
        sizes = np.array([len(c) for c in counts], np.int32)
        flat = np.concatenate(counts).astype(np.int32)
        parts = (step, first.astype(np.int32), sizes, flat)
        return cls(*(torch.from_numpy(x) for x in parts))

    def _host(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = getattr(self, name).cpu().numpy()
        return found

    def tables(self) -> list[NDArray[np.float64]]:
        """Probabilities of every number's bins; the last one is of what lies beyond."""
        if self._tables is None:
            parts = np.split(self._host("counts"), np.cumsum(self._host("sizes"))[:-1])
            weights = [np.append(_SEEN * p.astype(np.int64) + _UNSEEN, _UNSEEN) for p in parts]
            self._tables = [w / w.sum() for w in weights]
        return self._tables

    def symbols(self, codes: NDArray[np.float32]) -> Symbols:
        """Codes ``(n, L)`` in whole steps."""
        most = 2**31 - 1
        return np.rint(np.clip(codes / self._host("step"), -most, most)).astype(np.int64)

    def codes(self, symbols: Symbols) -> NDArray[np.float32]:
        """The inverse of :meth:`symbols`, up to half a step."""
        found: NDArray[np.float32] = (symbols * self._host("step")).astype(np.float32)
        return found

    def _bins(self, symbols: Symbols) -> NDArray[np.int32]:
        """``(n, L)`` bins; one past the last for numbers beyond the histogram."""
        sizes, bins = self._host("sizes"), symbols - self._host("first")
        return np.where((bins >= 0) & (bins < sizes), bins, sizes).astype(np.int32)

    def bits(self, symbols: Symbols) -> NDArray[np.float64]:
        """``(n,)`` information in codes, bits: minus the logarithm of their probability."""
        bins, found = self._bins(symbols), np.zeros(len(symbols))
        for column, table in zip(bins.T, self.tables(), strict=True):
            found += 2 * _HALF * (column == len(table) - 1) - np.log2(table)[column]
        return found

    def written(self, symbols: Symbols) -> bytes:
        """Codes ``(n, L)`` as bits."""
        coder, bins = constriction.stream.queue.RangeEncoder(), self._bins(symbols)
        half = constriction.stream.model.Uniform(1 << _HALF)
        for number, table in enumerate(self.tables()):
            column = np.ascontiguousarray(bins[:, number])
            coder.encode(column, _model(table))
            beyond = symbols[column == len(table) - 1, number] + (1 << 2 * _HALF - 1)
            for part in (beyond >> _HALF, beyond % (1 << _HALF)):
                coder.encode(part.astype(np.int32), half)
        words: NDArray[np.uint32] = coder.get_compressed()
        return words.astype("<u4").tobytes()

    def read(self, content: bytes, n: int) -> Symbols:
        """The ``n`` codes that :meth:`written` has made bits of.

        Raises:
            ValueError, AssertionError: the content is damaged.
        """
        coder = constriction.stream.queue.RangeDecoder(np.frombuffer(content, "<u4"))
        half = constriction.stream.model.Uniform(1 << _HALF)
        found, first = np.empty((n, len(self.step)), np.int64), self._host("first")
        for number, table in enumerate(self.tables()):
            column = coder.decode(_model(table), n)
            beyond = column == len(table) - 1
            found[:, number] = first[number] + column
            many = int(beyond.sum())
            high, low = (coder.decode(half, many).astype(np.int64) for _ in range(2))
            found[beyond, number] = (high << _HALF) + low - (1 << 2 * _HALF - 1)
        return found


def _model(table: NDArray[np.float64]) -> Any:
    return constriction.stream.model.Categorical(table.astype(np.float32), perfect=False)
