"""The network of a level, compiled, for the active nodes of a pyramid.

Most of what a node sees is empty, and nothing times a weight is nothing: the first layer goes
through what there is, where it lies, and what nodes see need not be written down. It is the same
function as :class:`~calovision.networks.splitter.Splitter`, which training uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from calovision.models.generators.splitting.compiled_mlp import (
    LOOSE,
    ROWS,
    TwoLayers,
    U,
    filled,
    padded,
    pass_on,
    silu,
)
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.hits import Floats
from calovision.models.generators.splitting.level import (
    COARSE,
    PLACE,
    SIDES,
    Cut,
    Nodes,
    neighbour_half,
)
from calovision.models.generators.splitting.sparse_pyramid import SparsePyramid
from calovision.networks.splitter import Splitter
from calovision.utils.compiled import compiled

HERE, AROUND = (2 * PAD + 1) ** 2, (2 * COARSE + 1) ** 2  #: nodes that are seen of two levels
ZERO, ONE, TWO = U(0), U(1), U(2)
TOGETHER = U(4)  #: pairs of numbers that are added at a time


@dataclass(frozen=True)
class NodeNetwork:
    """A network, told about some events.

    Attributes:
        cut: the stage that it is for.
        near: ``(inputs, W)`` weights of a node's surroundings; ``W`` is filled up to whole vectors.
        events: ``(n, W)`` what it makes of the events.
        inner: ``(W, W)`` and ``(W,)`` weights and bias of the layer after.
        count: per channel, the network of its hits.
        energy: per channel, the network of its energy.
    """

    cut: Cut
    near: Floats
    events: Floats
    inner: tuple[Floats, Floats]
    count: tuple[TwoLayers, ...]
    energy: tuple[TwoLayers, ...]

    @classmethod
    def of(cls, network: Splitter, cut: Cut, conditions: Tensor) -> NodeNetwork:
        """A network, told the ``conditions`` ``(n, k)`` of events."""
        width = network.inner.out_features
        wide = filled(width)
        with torch.no_grad():
            events = (network.event(conditions) + network.near.bias).numpy()
            inner = padded(network.inner.weight.numpy().T, wide, wide)
            bias = padded(network.inner.bias.numpy(), wide)
        return cls(
            cut,
            padded(network.near.weight.detach().numpy().T, cut.inputs, wide),
            padded(events, len(events), wide),
            (inner, bias),
            *(
                tuple(TwoLayers.of(head, width) for head in heads)  # type: ignore[arg-type]
                for heads in (network.count, network.energy)
            ),
        )

    def some(self, events: slice) -> NodeNetwork:
        """The same, told about some of the events."""
        mine = self.events[events]
        return NodeNetwork(self.cut, self.near, mine, self.inner, self.count, self.energy)

    def hidden(self, canvas: SparsePyramid, stage: int, nodes: Nodes) -> Floats:
        """``(m, W)`` features of nodes ``(m, 3)`` of a canvas."""
        out = np.empty((len(nodes), self.near.shape[1]), np.float32)
        levels = stage, stage + 1, canvas.partition.coarse(stage)
        seen = [x for level in levels for x in canvas.level(level)]
        _hidden(out, nodes, self.near, *self.inner, self.events, *seen, *self.cut.tables)
        return out


@compiled(fastmath=LOOSE, error_model="numpy")
def _hidden(  # type: ignore[no-untyped-def]
    out, nodes, weight, inner_weight, bias, events,
    here, here_seen, following, following_seen, around, around_seen, *tables
):  # fmt: skip
    """Write features of nodes; inputs are in the order of ``level.contexts``.

    Nodes go through the first layer one by one, and some together through the second. Places are
    unsigned, which need no check whether they count from the end.
    """
    coarse_row, coarse_col, axis, first, second, place, cut = tables
    rows, cols, wide = place.shape[0], place.shape[1], U(out.shape[1])
    size, size_around, size_halves = U(here_seen.shape[1]), U(around_seen.shape[1]), U(2 * cut)
    here_map, around_map = here.reshape(-1), around.reshape(-1)
    start_late, most = U(len(weight) - PLACE - 1), len(weight) + TOGETHER
    starts, values = np.empty(most, np.uint64), np.empty(2 * most, np.float32)
    lit, where = np.empty(HERE, np.uint64), np.empty(HERE, np.uint64)
    summed, flat = np.empty(wide, np.float32), weight.reshape(-1)
    entered, hidden = np.zeros(ROWS * wide, np.float32), np.empty(ROWS * wide, np.float32)
    power, part = np.empty(ROWS * wide, np.float32), np.empty(ROWS * wide, np.float32)
    bits, inner = power.view(np.int32), inner_weight.reshape(-1)
    places = np.arange(ROWS) * out.shape[1]
    for k in range(len(nodes)):
        b, i, j = np.int64(nodes[k, 0]), np.int64(nodes[k, 1]), np.int64(nodes[k, 2])
        n, late = ZERO, (i + j) % 2
        for x in range(0, PLACE, 2):
            starts[n] = start_late + U(1 + x)
            values[TWO * n], values[TWO * n + ONE] = place[i, j, x], place[i, j, x + 1]
            n += ONE
        start = (b * here.shape[1] + i) * here.shape[2] + j
        m = _window(lit, where, here_map, start, here.shape[2], 2 * PAD + 1, size, ZERO)
        n = _gather(starts, values, n, here_seen, size, lit, where, m)
        u, v = coarse_row[i] + PAD - COARSE, coarse_col[j] + PAD - COARSE
        start, row = (b * around.shape[1] + u) * around.shape[2] + v, U(HERE) * size
        line, reach = around.shape[2], 2 * COARSE + 1
        m = _window(lit, where, around_map, start, line, reach, size_around, row)
        n = _gather(starts, values, n, around_seen, size_around, lit, where, m)
        if late:
            starts[n], values[TWO * n], values[TWO * n + ONE] = start_late, 1.0, 0.0
            n, m, row = n + ONE, ZERO, row + U(AROUND) * size_around
            for side in range(SIDES):
                for half in range(2):
                    u, v = neighbour_half(i, j, side, half, rows, cols, axis, first, second)
                    lit[m], where[m] = following[b, u, v], row
                    m += U(lit[m] != ZERO)
                    row += size_halves
            n = _gather(starts, values, n, following_seen, size_halves, lit, where, m)
        while n % TOGETHER:
            starts[n], values[TWO * n], values[TWO * n + ONE] = ZERO, 0.0, 0.0
            n += ONE
        begin = U(k % ROWS) * wide
        for x in range(wide):  # element by element: assigning slices takes longer
            summed[x] = events[b, x]
        _add(summed, starts, values, n, flat, wide)
        for x in range(wide):
            entered[begin + x] = summed[x]
        if k % ROWS == ROWS - 1 or k == len(nodes) - 1:
            silu(entered, power, bits, part)
            for q in range(ROWS):
                for x in range(wide):
                    hidden[U(q) * wide + x] = bias[x]
            pass_on(hidden, wide, entered, places, wide, inner, 0)
            silu(hidden, power, bits, part)
            first_row = k - k % ROWS
            for q in range(k % ROWS + 1):
                for x in range(wide):
                    at = U(q) * wide + x
                    out[first_row + q, x] = hidden[at] + entered[at]


@compiled(forceinline=True)
def _window(lit, where, places, start, line, reach, size, row):  # type: ignore[no-untyped-def]
    """Write list rows of a square of nodes that are not empty, and of which inputs, from ``row``.

    Nothing is asked, which the processor would have to guess; what is empty is written over.
    """
    m = ZERO
    for di in range(reach):
        for dj in range(reach):
            lit[m], where[m] = places[U(start + di * line + dj)], row
            m += U(lit[m] != ZERO)
            row += size
    return m


@compiled(forceinline=True)
def _gather(starts, values, n, seen, size, lit, where, m):  # type: ignore[no-untyped-def]
    """Append hits and energies that are not 0 of ``m`` rows of a list, and of which input."""
    flat, row = seen.reshape(-1), U(seen.shape[1])
    for q in range(m):
        begin, to = lit[q] * row, where[q]
        for x in range(ZERO, size, TWO):
            hits = flat[begin + x]
            starts[n] = to + x
            values[TWO * n], values[TWO * n + ONE] = hits, flat[begin + x + ONE]
            n += U(hits != 0.0)
    return n


@compiled(fastmath=LOOSE, error_model="numpy", forceinline=True)
def _add(out, starts, values, n, weight, wide):  # type: ignore[no-untyped-def]
    """Add ``n`` pairs, a multiple of ``TOGETHER``, times two rows of weights each."""
    for t in range(ZERO, n, TOGETHER):
        v = TWO * t
        s0, s1 = starts[t] * wide, starts[t + ONE] * wide
        s2, s3 = starts[t + TWO] * wide, starts[t + ONE + TWO] * wide
        a0, b0, a1, b1 = values[v], values[v + ONE], values[v + TWO], values[v + TWO + ONE]
        v += TOGETHER
        a2, b2, a3, b3 = values[v], values[v + ONE], values[v + TWO], values[v + TWO + ONE]
        for x in range(wide):
            one = a0 * weight[s0 + x] + b0 * weight[s0 + wide + x]
            two = a1 * weight[s1 + x] + b1 * weight[s1 + wide + x]
            three = a2 * weight[s2 + x] + b2 * weight[s2 + wide + x]
            four = a3 * weight[s3 + x] + b3 * weight[s3 + wide + x]
            out[x] += (one + two) + (three + four)
