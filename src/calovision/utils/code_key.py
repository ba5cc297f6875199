"""Digests of functions with everything that their machine code depends on."""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import re
import sys
import types
from collections.abc import Iterable
from typing import Any

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

_PACKAGE = __name__.partition(".")[0]
_UNKNOWN = "compiled code cannot depend on {!r}, whose value cannot be told"
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range, slice, np.dtype)


def key(*values: object) -> str:
    """A digest of functions, compiled or not, with all that they use of this package.

    Raises:
        TypeError: they use something whose value cannot be told.
    """
    return _Key(values).digest()


class _Key:
    """A digest of values, and of functions with what they use."""

    def __init__(self, values: Iterable[object], homes: frozenset[str] = frozenset()) -> None:
        values = list(values)
        self._homes = homes | {_PACKAGE} | {_home(t) for t in values if hasattr(t, "py_func")}
        self._hash = hashlib.sha256()
        self._seen: dict[int, tuple[int, object]] = {}  # by identity, with what it is of
        for value in values:
            self._add(value)

    def digest(self) -> str:
        return self._hash.hexdigest()

    def _text(self, *parts: object) -> None:
        self._hash.update(repr(parts).encode())

    def _add(self, value: Any) -> None:
        """Take in one value."""
        if type(value) in _PLAIN or isinstance(value, np.dtype):
            self._text(type(value).__name__, value)
        elif isinstance(value, enum.Enum):
            self._text(type(value).__qualname__, value.name, value.value)
        elif isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
            array = np.asarray(value)
            self._text(value.dtype, array.shape, array.flags.c_contiguous, array.flags.f_contiguous)
            self._hash.update(array.tobytes())
        elif isinstance(value, (tuple, list)):
            self._text(type(value).__qualname__, getattr(value, "_fields", None), len(value))
            for item in value:
                self._add(item)
        elif isinstance(value, (set, frozenset)):
            items = sorted(_Key([item], self._homes).digest() for item in value)
            self._text(type(value).__name__, items)
        elif isinstance(value, dict):
            self._add(list(value.items()))
        elif id(value) in self._seen:
            self._text("seen", self._seen[id(value)][0])
        else:
            self._seen[id(value)] = len(self._seen), value
            self._object(value)

    def _object(self, value: Any) -> None:
        """Take in what may be part of itself."""
        if isinstance(value, Dispatcher):
            options = value.targetoptions
            self._text("kernel", sorted((k, _sorted(v)) for k, v in options.items()))
            self._function(value.py_func)
        elif isinstance(value, numba.types.Type):
            self._type(value)
        elif isinstance(value, type) and (self._ours(value) or hasattr(value, "_fields")):
            self._class(value)
        elif isinstance(value, types.ModuleType) or not self._ours(value):
            self._of_other_package(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif hasattr(value, "__wrapped__"):
            self._add(value.__wrapped__)
        else:
            raise TypeError(_UNKNOWN.format(value))

    def _function(self, function: types.FunctionType) -> None:
        self._add(getattr(function, "__wrapped__", None))
        self._add(function.__defaults__)
        self._add(function.__kwdefaults__)
        self._code(function.__code__)
        for cell in function.__closure__ or ():
            try:
                self._add(cell.cell_contents)
            except ValueError:  # it is still empty
                self._text("empty")
        names, used = _names(function.__code__)
        for name in sorted(names & function.__globals__.keys()):
            self._text(name)
            self._named(function.__globals__[name], used)

    def _named(self, value: Any, used: set[str]) -> None:
        """Take in a global variable; of a module of ours what has one of the ``used`` names."""
        if not (isinstance(value, types.ModuleType) and self._ours(value)):
            self._add(value)
            return
        for name in sorted(used & vars(value).keys()):
            self._text(value.__name__, name)
            self._named(vars(value)[name], used - {name})

    def _code(self, code: types.CodeType) -> None:
        arguments = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
        self._text(code.co_name, code.co_code, arguments, code.co_flags, code.co_exceptiontable)
        self._text(code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant)
            else:
                self._add(constant)

    def _class(self, kind: type) -> None:
        self._text(kind.__qualname__, getattr(kind, "_fields", None))
        for base in filter(self._ours, kind.__mro__):
            for name, member in sorted(vars(base).items()):
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if isinstance(function, types.FunctionType) and self._ours(function):
                    self._text(name)
                    self._add(function)
                elif not name.startswith("_") and isinstance(member, (*_PLAIN, tuple, enum.Enum)):
                    self._text(name)
                    self._add(member)

    def _type(self, kind: Any) -> None:
        """Take in one of Numba's types: its name, and the classes and functions in it."""
        self._text(re.sub(r" at 0x\w+", "", str(kind)))
        for name in ("dispatcher", "instance_class", "dtype", "types"):
            if (part := getattr(kind, name, None)) is not None:
                self._add(part)

    def _of_other_package(self, value: Any) -> None:
        """Take in something of another package: its name and the package's version."""
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if name is None:
            raise TypeError(_UNKNOWN.format(value))
        version = getattr(sys.modules.get(_home(value)), "__version__", None)
        self._text(_home(value), name, version)

    def _ours(self, value: Any) -> bool:
        """Whether something is of this package, or of that of the function to compile."""
        return _home(value) in self._homes


@functools.cache
def _names(code: types.CodeType) -> tuple[set[str], set[str]]:
    """Names of global variables that a function uses, and all names in it."""
    used = set(code.co_names)
    found = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner, more = _names(constant)
            found, used = found | inner, used | more
    return found, used


def _home(value: Any) -> str:
    """Name of the package of a module, function or class."""
    if isinstance(value, types.ModuleType):
        name: Any = value.__name__
    else:
        name = getattr(value, "__module__", None) or type(value).__module__
    return str(name).partition(".")[0]


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else value
