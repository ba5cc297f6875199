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
_BINS = 64  #: of a histogram, about
_MOST = 1 << 15  #: steps between the lowest and the highest training code, at most
_SEEN, _UNSEEN = 16, 1  #: weight of a training code, and of each bin
_HALF = 16  #: numbers beyond the histogram are written as two of so many bits
_BEYOND = -(1 << 31)  #: lowest number beyond a histogram
_EVENLY = constriction.stream.model.Uniform()
PARTS = ("step", "sizes", "edges", "counts")


class CodeLaw(nn.Module):
    """Histograms of quantised latent numbers; their bins hold about as many training codes each.

    Args:
        step: ``(L,)`` what a number is rounded to multiples of.
        sizes: ``(L,)`` number of edges of bins.
        edges: ``(sum of sizes,)`` where bins begin, in steps, and where the last one ends; all
            numbers in a bin are as likely.
        counts: ``(sum of sizes,)`` training codes in the bins; one beyond the last edge.
    """

    step: Tensor
    sizes: Tensor
    edges: Tensor
    counts: Tensor

    def __init__(self, step: Tensor, sizes: Tensor, edges: Tensor, counts: Tensor) -> None:
        super().__init__()
        for name, value in zip(PARTS, (step, sizes, edges, counts), strict=True):
            self.register_buffer(name, value)
        self._histograms: list[_Histogram] | None = None

    @classmethod
    def fit(cls, codes: NDArray[np.float32], step: NDArray[np.float64]) -> Self:
        """The law of codes ``(n, L)`` in steps ``(L,)``, or wider ones."""
        low, high = codes.min(0).astype(np.float64), codes.max(0).astype(np.float64)
        step = np.maximum(step, (high - low) / _MOST).astype(np.float32)
        edges, counts = [], []
        for column in np.sort(np.rint(codes / step).astype(np.int64), axis=0).T:
            at = column[np.linspace(0, len(column) - 1, _BINS + 1).astype(np.int64)]
            often = at[1:][at[1:] == at[:-1]]  # numbers that deserve a bin of their own
            edges.append(np.unique(np.concatenate([at, often + 1, at[-1:] + 1])))
            found = np.diff(np.searchsorted(column, edges[-1]))
            counts.append(np.append(found, 1))
        whole = np.minimum(np.concatenate(counts), np.iinfo(np.int16).max).astype(np.int16)
        sizes = np.array([len(e) for e in edges], np.int32)
        parts = (step, sizes, np.concatenate(edges).astype(np.int32), whole)
        return cls(*(torch.from_numpy(x) for x in parts))

    def _host(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = getattr(self, name).cpu().numpy()
        return found

    def histograms(self) -> list[_Histogram]:
        """The histogram of every number."""
        if self._histograms is None:
            ends = np.cumsum(self._host("sizes"))[:-1]
            parts = (np.split(self._host(k).astype(np.int64), ends) for k in ("edges", "counts"))
            self._histograms = [_Histogram(*pair) for pair in zip(*parts, strict=True)]
        return self._histograms

    def symbols(self, codes: NDArray[np.float32]) -> Symbols:
        """Codes ``(n, L)`` in whole steps."""
        most = 2**30
        found: Symbols = np.rint(np.clip(codes / self._host("step"), -most, most)).astype(np.int64)
        return found

    def codes(self, symbols: Symbols) -> NDArray[np.float32]:
        """The inverse of :meth:`symbols`, up to half a step."""
        found: NDArray[np.float32] = (symbols * self._host("step")).astype(np.float32)
        return found

    def bits(self, symbols: Symbols) -> NDArray[np.float64]:
        """``(n,)`` information in codes, bits: minus the logarithm of their probability."""
        found = np.zeros(len(symbols))
        for column, law in zip(symbols.T, self.histograms(), strict=True):
            bins = law.bins(column)
            found += (np.log2(law.widths) - np.log2(law.table))[bins]
        return found

    def written(self, symbols: Symbols) -> bytes:
        """Codes ``(n, L)`` as bits."""
        coder = constriction.stream.queue.RangeEncoder()
        for column, law in zip(symbols.T, self.histograms(), strict=True):
            bins = law.bins(column)
            coder.encode(bins.astype(np.int32), law.model())
            wide, beyond, sizes = law.kinds(bins)
            inside = column - law.starts[bins]
            halves = np.concatenate(np.divmod(inside[beyond], 1 << _HALF))
            whole = np.concatenate([inside[wide], halves])
            coder.encode(whole.astype(np.int32), _EVENLY, sizes)
        words: NDArray[np.uint32] = coder.get_compressed()
        return words.astype("<u4").tobytes()

    def read(self, content: bytes, n: int) -> Symbols:
        """The ``n`` codes that :meth:`written` has made bits of.

        Raises:
            ValueError, AssertionError: the content is damaged.
        """
        coder = constriction.stream.queue.RangeDecoder(np.frombuffer(content, "<u4"))
        found = np.empty((n, len(self.step)), np.int64)
        for number, law in enumerate(self.histograms()):
            bins = np.asarray(coder.decode(law.model(), n), np.int64)
            wide, beyond, sizes = law.kinds(bins)
            whole = np.asarray(coder.decode(_EVENLY, sizes), np.int64)
            found[:, number] = law.starts[bins]
            high, low = np.split(whole[wide.sum() :], 2)
            found[wide, number] += whole[: wide.sum()]
            found[beyond, number] += (high << _HALF) + low
        return found


class _Histogram:
    """Bins of one number; the last one is of all beyond the others.

    Args:
        edges: ``(k,)`` of ``k - 1`` bins.
        counts: ``(k,)`` training codes in them, and beyond.
    """

    def __init__(self, edges: Symbols, counts: Symbols) -> None:
        weights = _SEEN * counts + _UNSEEN
        weights[-1] = _UNSEEN
        self.edges, self.table = edges, weights / weights.sum()
        self.starts = np.append(edges[:-1], _BEYOND)
        self.widths = np.append(np.diff(edges), -2 * _BEYOND)

    def bins(self, symbols: Symbols) -> Symbols:
        """In which bins they are."""
        last = len(self.edges) - 1
        found = np.searchsorted(self.edges, symbols, side="right") - 1
        return np.where((found < 0) | (found >= last), last, found)

    def kinds(
        self, bins: Symbols
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int32]]:
        """Which lie in bins of several steps, which beyond all bins, and how many steps there are.

        Steps are those of the former, then twice those of half a number for the latter.
        """
        beyond = bins == len(self.edges) - 1
        wide = ~beyond & (self.widths[bins] > 1)
        halves = np.full(2 * int(beyond.sum()), 1 << _HALF)
        return wide, beyond, np.concatenate([self.widths[bins[wide]], halves]).astype(np.int32)

    def model(self) -> Any:
        """For the range coder."""
        return constriction.stream.model.Categorical(self.table.astype(np.float32), perfect=False)
