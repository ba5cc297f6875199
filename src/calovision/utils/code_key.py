"""A digest of functions with all that they use: what their machine code is made from."""

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


def key(*things: object) -> str:
    """A digest of functions, compiled or not, with all that they use of this package.

    Raises:
        TypeError: they use something whose value cannot be told.
    """
    return _Key(things).digest()


class _Key:
    """A digest of values, and of functions with what they use."""

    def __init__(self, things: Iterable[object], homes: frozenset[str] = frozenset()) -> None:
        things = list(things)
        self._homes = homes | {_PACKAGE} | {_home(t) for t in things if hasattr(t, "py_func")}
        self._hash = hashlib.sha256()
        self._seen: dict[int, tuple[int, object]] = {}  # by identity, with what it is of
        for thing in things:
            self._add(thing)

    def digest(self) -> str:
        return self._hash.hexdigest()

    def _text(self, *parts: object) -> None:
        self._hash.update(repr(parts).encode())

    def _add(self, thing: Any) -> None:
        """Take in one value."""
        if type(thing) in _PLAIN or isinstance(thing, np.dtype):
            self._text(type(thing).__name__, thing)
        elif isinstance(thing, enum.Enum):
            self._text(type(thing).__qualname__, thing.name, thing.value)
        elif isinstance(thing, (np.ndarray, np.generic)) and not thing.dtype.hasobject:
            array = np.asarray(thing)
            self._text(thing.dtype, array.shape, array.flags.c_contiguous, array.flags.f_contiguous)
            self._hash.update(array.tobytes())
        elif isinstance(thing, (tuple, list)):
            self._text(type(thing).__qualname__, getattr(thing, "_fields", None), len(thing))
            for item in thing:
                self._add(item)
        elif isinstance(thing, (set, frozenset)):
            items = sorted(_Key([item], self._homes).digest() for item in thing)
            self._text(type(thing).__name__, items)
        elif isinstance(thing, dict):
            self._add(list(thing.items()))
        elif id(thing) in self._seen:
            self._text("seen", self._seen[id(thing)][0])
        else:
            self._seen[id(thing)] = len(self._seen), thing
            self._object(thing)

    def _object(self, thing: Any) -> None:
        """Take in what may be part of itself."""
        if isinstance(thing, Dispatcher):
            options = thing.targetoptions
            self._text("kernel", sorted((k, _sorted(v)) for k, v in options.items()))
            self._function(thing.py_func)
        elif isinstance(thing, numba.types.Type):
            self._type(thing)
        elif isinstance(thing, type) and (self._ours(thing) or hasattr(thing, "_fields")):
            self._class(thing)
        elif isinstance(thing, types.ModuleType) or not self._ours(thing):
            self._foreign(thing)
        elif isinstance(thing, types.FunctionType):
            self._function(thing)
        elif hasattr(thing, "__wrapped__"):
            self._add(thing.__wrapped__)
        else:
            raise TypeError(_UNKNOWN.format(thing))

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

    def _named(self, thing: Any, used: set[str]) -> None:
        """Take in a global variable; of a module of ours what has one of the ``used`` names."""
        if not (isinstance(thing, types.ModuleType) and self._ours(thing)):
            self._add(thing)
            return
        for name in sorted(used & vars(thing).keys()):
            self._text(thing.__name__, name)
            self._named(vars(thing)[name], used - {name})

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

    def _foreign(self, thing: Any) -> None:
        """Take in something of another package: its name and the package's version."""
        name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
        if name is None:
            raise TypeError(_UNKNOWN.format(thing))
        version = getattr(sys.modules.get(_home(thing)), "__version__", None)
        self._text(_home(thing), name, version)

    def _ours(self, thing: Any) -> bool:
        """Whether something is of this package, or of that of the function to compile."""
        return _home(thing) in self._homes


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


def _home(thing: Any) -> str:
    """Name of the package of a module, function or class."""
    if isinstance(thing, types.ModuleType):
        name: Any = thing.__name__
    else:
        name = getattr(thing, "__module__", None) or type(thing).__module__
    return str(name).partition(".")[0]


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset)) else value
