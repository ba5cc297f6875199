"""Compiled functions that fill a level of the pyramid of one image, from hits or a finer level.

Levels are arrays ``(R + 2 PAD, P + 2 PAD, 2 C)``, see ``pyramid``. Nodes with
hits are the last two columns, row and column, of ``(m, 3)`` arrays; functions that fill return how
many there are. Arrays are gone through flat, by unsigned places, which need no check whether they
count from the end.
"""

from __future__ import annotations

import numpy as np

from calovision.utils.compiled import compiled

PAD = 2  #: nodes that a node sees in every direction
LOG_2 = np.log1p(np.float32(1))  #: what networks see of a single hit, which is the rule


@compiled
def fill(  # type: ignore[no-untyped-def]
    content, nodes, found, least, image, offsets, channel, row, col, number, excess, turned, *places
):
    """Add the hits of one image, in channels from ``least``, to a level of its pyramid.

    ``content`` is the level's and ``nodes`` its nodes with hits, of which the first ``found`` are
    known already. ``image`` is one of those of ``Hits``, which
    explains ``offsets`` to ``turned``; ``places`` are the level's
    :func:`~calovision.models.generators.splitting.hits.intervals`.
    """
    flat, size, (rows, cols) = content.reshape(-1), content.shape[2], places
    line = content.shape[1] * size
    # A mirrored image counts its pixels from the other side.
    up, top = (-1, len(rows) - 1) if turned[0, image] else (1, 0)
    along, left = (-1, len(cols) - 1) if turned[1, image] else (1, 0)
    for h in range(offsets[image], offsets[image + 1]):
        c = np.int64(channel[h])
        if c < least or 2 * c >= size:
            continue
        i, j = rows[top + up * row[h]], cols[left + along * col[h]]
        start = (i + PAD) * line + (j + PAD) * size
        if flat[np.uint64(start + 2 * c)] == 0.0:
            found = _found(flat, start, size, nodes, found, i, j)
        flat[np.uint64(start + 2 * c)] += np.float32(number[h])
        flat[np.uint64(start + 2 * c + 1)] += excess[h]
    return found


@compiled
def climb(  # type: ignore[no-untyped-def]
    content, nodes, fine, below, number, parent_row, parent_col
):
    """Fill an empty level of one image with what its pyramid holds further down.

    That is ``fine``, with ``number`` nodes ``below``; ``parent_row`` and ``parent_col`` say in
    which row and column its rows and columns lie. Channels that end above it are missing.
    """
    flat, deep = content.reshape(-1), fine.reshape(-1)
    size, less, found = content.shape[2], fine.shape[2], 0
    line, short = content.shape[1] * size, fine.shape[1] * less
    for k in range(number):
        u, v = np.int64(below[k, 1]), np.int64(below[k, 2])
        i, j = parent_row[u], parent_col[v]
        start = (i + PAD) * line + (j + PAD) * size
        found = _found(flat, start, size, nodes, found, i, j)
        source = (u + PAD) * short + (v + PAD) * less
        for x in range(less):
            flat[np.uint64(start + x)] += deep[np.uint64(source + x)]
    return found


@compiled
def _found(flat, start, size, nodes, found, i, j):  # type: ignore[no-untyped-def]
    """Write down the node if it is empty so far."""
    for k in range(0, size, 2):
        if flat[np.uint64(start + k)] != 0.0:
            return found
    nodes[found, 1], nodes[found, 2] = i, j
    return found + 1


@compiled
def logarithms(content, seen, nodes, number, unit):  # type: ignore[no-untyped-def]
    """Write to ``seen`` what networks see of ``number`` nodes; both are ``(n, ...)`` images."""
    flat, logs, size = content.reshape(-1), seen.reshape(-1), content.shape[3]
    for k in range(number):
        row = nodes[k, 0] * content.shape[1] + nodes[k, 1] + PAD
        start = (row * content.shape[2] + nodes[k, 2] + PAD) * size
        for c in range(size // 2):
            hits = np.uint64(start + 2 * c)
            energy = hits + np.uint64(1)
            if flat[hits] != 0.0:
                logs[hits] = LOG_2 if flat[hits] == 1.0 else np.log1p(flat[hits])
                logs[energy] = np.log1p(flat[energy] / unit[c])


@compiled
def wipe(level, nodes, number):  # type: ignore[no-untyped-def]
    """Empty the first ``number`` nodes of one image's level, ``(R + 2 PAD, P + 2 PAD, 2 C)``."""
    flat, size = level.reshape(-1), level.shape[2]
    for k in range(number):
        start = ((nodes[k, 1] + PAD) * level.shape[1] + nodes[k, 2] + PAD) * size
        for x in range(start, start + size):
            flat[np.uint64(x)] = 0.0
