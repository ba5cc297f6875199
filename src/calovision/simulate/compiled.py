"""Compilation of the inner loops, with an on-disk cache that cannot go stale.

Numba's own cache does not notice a change in a *called* function of another file, so the name of
the cache folder carries a digest of all the files with compiled functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from calovision.simulate import cache

_ROOM = __name__.rpartition(".")[0]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile ``function`` to machine code on its first call (decorator)."""
    return _compiled(function, forceinline=False)


def inlined(function: Function) -> Function:
    """As :func:`compiled`, for a small function that the innermost loops call."""
    return _compiled(function, forceinline=True)


@functools.cache
def _folder(package: str) -> str:
    """Where numba keeps the functions of a package."""
    inside = package.removeprefix(_ROOM).lstrip(".")
    return str(cache.folder() / f"compiled-{cache.source_digest(inside)}")


def _compiled(function: Function, *, forceinline: bool) -> Function:
    settings: Any = numba.config  # the cache folder is read when a function is decorated
    before = settings.CACHE_DIR
    settings.CACHE_DIR = _folder(function.__module__.rpartition(".")[0])
    try:
        compile_ = numba.njit(
            cache=True, fastmath=True, error_model="numpy", forceinline=forceinline
        )
        return cast(Function, compile_(function))
    finally:
        settings.CACHE_DIR = before
