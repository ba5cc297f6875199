"""Spoiling files: bytes, texts and JSON values, each spoiled input from a number of its own."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import numpy as np

Random = np.random.Generator
#: little-endian integers that sizes and offsets of files may claim
SIZES = [
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    10**12,
    2**63 - 1,
    2**64 - 1,
]
#: values that a text file may hold in place of any other
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    10**12,
    10**30,
    1e308,
    -0.5,
    float("inf"),
    float("nan"),
    "",
    "../../../etc/passwd",
    "/etc/passwd",
    "a\x00b",
    "x" * 10_000,
    [],
    {},
    [[[[[[]]]]]],
    [0] * 1000,
    {"a": {"b": 1}},
]
#: pieces of text that may appear anywhere in a YAML or JSON file
TEXTS = [
    "!!python/object/apply:os.system ['true']",
    "!!binary ////",
    "&a [*a, *a]",
    "*a",
    "[" * 5000,
    "{" * 200,
    "- " * 3000,
    "2001-99-99",
    "1" * 5000,
    "\x00",
    "\ufeff",
    "? ",
    "<<: *x",
    "~",
    ".inf",
    "'",
    '"',
    ": ",
    "\n---\n",
    "%YAML 9.9\n",
]


def spoil(content: bytes, rng: Random) -> bytes:
    """Bytes with one to four changes, or nothing of the original at all."""
    if rng.random() < 0.03:
        return rng.bytes(int(rng.integers(0, 4096)))
    out = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not out:
            break
        out = _changed(out, rng)
    return bytes(out)


def _changed(out: bytearray, rng: Random) -> bytearray:
    place = _place(len(out), rng)
    kind = int(rng.integers(8))
    if kind <= 1:
        out[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        out[place : place + 8] = rng.bytes(min(8, len(out) - place))
    elif kind <= 4:
        width = int(rng.choice([1, 2, 4, 8]))
        claim = SIZES[int(rng.integers(len(SIZES)))] % (1 << 8 * width)
        out[place : place + width] = claim.to_bytes(width, "little")[: len(out) - place]
    elif kind == 5:
        return out[:place]
    elif kind == 6:
        size = int(rng.integers(1, 64))
        out[place:place] = out[place : place + size]
    else:
        del out[place : place + int(rng.integers(1, 64))]
    return out


def _place(size: int, rng: Random) -> int:
    """Anywhere, or near the beginning or the end, where files say what they are."""
    near = min(size, 600)
    where = rng.random()
    if where < 0.35:
        return int(rng.integers(near))
    return size - 1 - int(rng.integers(near)) if where < 0.7 else int(rng.integers(size))


def spoil_text(text: str, rng: Random) -> bytes:
    """A text with strange pieces, or spoiled as bytes."""
    if rng.random() < 0.3:
        return spoil(text.encode(), rng)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(text) + 1))
        piece = TEXTS[int(rng.integers(len(TEXTS)))]
        if rng.random() < 0.5:  # in place of what stands behind a colon
            start = text.find(": ", place)
            stop = text.find("\n", start)
            if 0 <= start < stop:
                text = text[: start + 2] + piece + text[stop:]
                continue
        text = text[:place] + piece + text[place:]
    return text.encode(errors="replace")


def spoil_json(content: Any, rng: Random) -> bytes:
    """JSON with values replaced, removed or doubled; sometimes spoiled as text."""
    whole = json.loads(json.dumps(content))
    for _ in range(int(rng.integers(1, 4))):
        whole = _replaced(whole, rng)
    text = json.dumps(whole)
    return spoil_text(text, rng) if rng.random() < 0.2 else text.encode()


def _replaced(value: Any, rng: Random) -> Any:
    """``value`` with something else at a random place inside."""
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[int(rng.integers(len(keys)))]
        chance = rng.random()
        if chance < 0.1:
            del value[key]
        elif chance < 0.15 and isinstance(value, list):
            value.append(deepcopy(value[key]))
        else:
            value[key] = _replaced(value[key], rng)
        return value
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.5:
        return int(rng.choice([value + 1, value - 1, -value, value * 1000, 2**31, 2**62]))
    return deepcopy(VALUES[int(rng.integers(len(VALUES)))])
