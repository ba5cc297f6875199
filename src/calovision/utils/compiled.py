"""Compilation of inner loops to machine code by Numba, kept on disk without ever going stale.

Numba's own cache looks at the file of a function only. It does not notice a change of a function
that is called, or of a constant, in another file. Here the key of what is kept covers everything
that machine code is made from: byte code, defaults, closures and compiler options of a function and
of all functions that it calls, the values of the constants that they use, the types of the
arguments, the processor, and the versions of the packages.
"""

from __future__ import annotations

import functools
import gc
import os
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, overload

import llvmlite
import numba
import numpy as np
from numba.core import sigutils
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

from calovision.utils import cache
from calovision.utils.code_key import key as key
from calovision.utils.waiting import waits_for

Function = TypeVar("Function", bound=Callable[..., Any])

#: entry points that are not compiled, as nobody uses them: of what Python calls, of inner functions
_FROM_PYTHON: dict[str, Any] = {"no_cfunc_wrapper": True}
_INSIDE: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True}
_MAX_AGE_S = 30 * 86400.0  #: seconds after which code of former versions is deleted
#: settings of Numba that change the code
_SETTINGS = ("OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "USING_SVML")


@overload
def compiled(function: Callable[..., Any]) -> Any: ...
@overload
def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]: ...
def compiled(function: Any = None, **options: Any) -> Any:
    """Compile a function to machine code on its first call (decorator).

    Args:
        function: of numbers, arrays and tuples of them.
        options: of ``numba.njit``, such as ``fastmath``.
    """
    if function is None:
        return lambda given: compiled(given, **options)
    kernel: Any = numba.njit(**options, **_FROM_PYTHON)(function)
    if hasattr(kernel, "py_func"):  # else Numba is switched off
        # Compiled code needs no way in from Python, which is a tenth of the compiler's work.
        inner: Any = numba.njit(**options, **_INSIDE)(function)
        for each in (kernel, inner):
            each._cache = _DiskCache(each)
            each.compile = functools.partial(_compile, each)
        kernel.get_call_template = functools.partial(_called, inner)
        kernel.get_overload = inner.get_overload
    return kernel


def fast(function: Function) -> Function:
    """As :func:`compiled`, with sums in any order and without checks for division by zero."""
    made: Function = compiled(fastmath=True, error_model="numpy")(function)
    return made


def inlined(function: Function) -> Function:
    """As :func:`fast`, for a small function that the innermost loops call."""
    made: Function = compiled(fastmath=True, error_model="numpy", forceinline=True)(function)
    return made


def _called(kernel: Any, args: Iterable[Any], kws: dict[str, Any]) -> Any:
    """What compiled code calls: for a constant the same as for any value of its type."""
    plain: Callable[[Any], Any] = numba.types.unliteral
    kws = {name: plain(kind) for name, kind in kws.items()}
    return Dispatcher.get_call_template(kernel, [plain(kind) for kind in args], kws)


def _compile(kernel: Any, signature: Any) -> Any:
    """Compile or load a function, without Python's search for cycles, a tenth of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        return Dispatcher.compile(kernel, signature)
    finally:
        if searching:
            gc.enable()


class _DiskCache:
    """Machine code of one function on disk, in the shape of Numba's own caches."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        function = kernel.py_func
        name = re.sub(r"[^\w.]", "", f"{function.__module__}.{function.__qualname__}")
        place = cache.digest(str(Path(function.__code__.co_filename).parent.absolute()))
        self._name = f"{name}-{place[:8]}"

    @property
    def cache_path(self) -> str:
        """Folder of the files."""
        given = not os.environ.get(cache.VARIABLE) and os.environ.get("NUMBA_CACHE_DIR")
        return given or str(cache.folder() / "compiled")

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The code for arguments of some types, or None."""
        context.refresh()
        path = self._path(signature, context.codegen())
        try:
            kept = pickle.loads(path.read_bytes())
        # It may name a module that has been renamed since: its key is made of values.
        except (OSError, EOFError, pickle.UnpicklingError, ImportError, AttributeError):
            cache.writable(path.parent)  # tells who has to wait for the compiler in every run
            waits_for("compiling, once per machine")
            return None
        return CompileResult._rebuild(context, *kept)  # type: ignore[no-untyped-call]

    def save_overload(self, signature: Any, made: Any) -> None:
        """Keep the code for arguments of some types."""
        path = self._path(signature, made.codegen)
        if made.library.has_dynamic_globals or not cache.writable(path.parent):
            return
        content = dumps(made._reduce())  # type: ignore[no-untyped-call]
        cache.keep(path, lambda file: file.write(content))
        for other in path.parent.glob(f"{path.name.rpartition('-')[0]}-*"):
            try:
                if time.time() - other.stat().st_mtime > _MAX_AGE_S:
                    other.unlink()
            except OSError:  # another process was faster
                continue

    def enable(self) -> None:
        """Do nothing: it is always on."""

    def disable(self) -> None:
        """Do nothing: it is always on."""

    def flush(self) -> None:
        """Do nothing: it cannot be stale."""

    def _path(self, signature: Any, codegen: Any) -> Path:
        arguments, _ = sigutils.normalize_signature(signature)  # type: ignore[no-untyped-call]
        about = cache.digest(re.sub(r" at 0x\w+", "", str(arguments)), codegen.magic_tuple())
        settings = [getattr(numba.config, name, None) for name in _SETTINGS]
        versions = numba.__version__, llvmlite.__version__, np.__version__, sys.version_info[:3]
        code = cache.digest(key(self._kernel, *arguments), settings, versions)
        return Path(self.cache_path) / f"{self._name}-{about[:8]}-{code}"
