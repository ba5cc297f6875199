"""Selections of events written as text, such as ``"pt > 100 and label == quark"``."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: np.isin(a, b),
    ast.NotIn: lambda a, b: ~np.isin(a, b),
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name) for name in ("abs", "sqrt", "log", "exp", "isfinite", "hypot")
}
_MAX_CHARACTERS = 1000  # characters: a selection is a line, not a program


def selected(
    expression: str, columns: Mapping[str, Any], n: int, classes: tuple[str, ...] = ()
) -> NDArray[np.bool_]:
    """Which events satisfy an expression in their columns.

    Args:
        expression: comparisons of columns and numbers, joined by ``and``, ``or``, ``not`` (or, in
            brackets, ``&``, ``|``, ``~``); with
            ``+ - * / % **``, ``in (...)``, ``abs``, ``sqrt``, ``log``, ``exp``, ``isfinite``,
            ``hypot``. Names of classes stand for their labels. Only the columns named in it are
            read.
        columns: per-event arrays ``(n,)`` by name.
        n: number of events.
        classes: names of the labels 0, 1, ...

    Returns:
        ``(n,)`` true for the events that satisfy it.

    Raises:
        InputError: not such an expression, or a column that is not there.

    Example:
        >>> import numpy as np
        >>> columns = {"pt": np.array([90.0, 120.0]), "label": np.array([1, 1])}
        >>> selected("80 < pt < 100 and label == quark", columns, 2, ("gluon", "quark"))
        array([ True, False])
    """
    remedy = "write for example 'pt > 100 and abs(eta) < 1'"
    if not isinstance(expression, str):
        raise InputError(f"a selection is no {type(expression).__name__}", remedy)
    if len(expression) > _MAX_CHARACTERS:
        raise InputError(f"a selection of {len(expression)} characters", remedy)
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        found = _Evaluation(columns, classes).value(tree)
    except (SyntaxError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(f"{expression!r} is not a selection ({error})", remedy) from None
    mask = np.asarray(found)
    if mask.dtype != np.bool_ or mask.shape not in ((), (n,)):
        raise InputError(f"{expression!r} is not true or false of every event", remedy)
    return np.broadcast_to(mask, (n,)).copy()


def checked_index(index: Any, n: int) -> Any:
    """Numbers, a slice or a mask of ``n`` events.

    Raises:
        InputError: a mask of another length.
        TypeError: it is something else.
        IndexError: there is no such event.
    """
    if isinstance(index, slice):
        return index
    chosen = np.asarray(index)
    if chosen.dtype == np.bool_ and chosen.shape != (n,):
        raise InputError(
            f"a mask of shape {chosen.shape} for {n} events",
            f"give one true or false an event, ({n},)",
        )
    if not chosen.size and chosen.ndim == 1:
        return chosen.astype(np.int64)
    if chosen.dtype.kind not in "biu" or chosen.ndim > 1:
        kind = type(index).__name__ if chosen.dtype.kind == "O" else f"{chosen.dtype} numbers"
        raise TypeError(
            f"events are chosen by whole numbers, a slice, a mask or a column's name, not by {kind}"
        )
    if chosen.dtype.kind in "iu" and ((chosen < -n) | (chosen >= n)).any():
        raise IndexError(f"there is no event {chosen.max()} of {n} ({chosen.min()} is the least)")
    return chosen


class _Evaluation:
    """Values of the parts of an expression; no part can call or reach anything else."""

    def __init__(self, columns: Mapping[str, Any], classes: tuple[str, ...]) -> None:
        self.columns, self.classes = columns, classes

    def value(self, node: ast.expr) -> Any:
        """The value of one part."""
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.Constant(value=str() as name) | ast.Name(id=name):
                return self.named(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return np.array([self.value(p) for p in parts])
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return ~self.truth(part)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return -self.value(part)
            case ast.BoolOp(op=joined, values=parts):
                combine = np.logical_and if isinstance(joined, ast.And) else np.logical_or
                return combine.reduce([self.truth(p) for p in parts])
            case ast.UnaryOp(op=ast.Invert(), operand=part):
                return ~self.joined(part)
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as sign, right=right):
                return _ARITHMETIC[type(sign)](self.joined(left), self.joined(right))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                return _ARITHMETIC[type(sign)](self.value(left), self.value(right))
            case ast.Compare():
                return self.comparison(node)
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _FUNCTIONS:
                return _FUNCTIONS[name](*(self.value(p) for p in parts))
        raise ValueError(f"{ast.unparse(node)!r} is not allowed")

    def named(self, name: str) -> Any:
        """A column, or the label of a class."""
        if name in self.classes:
            return self.classes.index(name)
        if name in self.columns:
            return np.asarray(self.columns[name])
        raise InputError(f"there is no column {name!r}", f"choose from {', '.join(self.columns)}")

    def truth(self, node: ast.expr) -> NDArray[np.bool_]:
        """A part that is true or false."""
        found = np.asarray(self.value(node))
        if found.dtype != np.bool_:
            raise ValueError(f"{ast.unparse(node)!r} is neither true nor false")
        return found

    def joined(self, node: ast.expr) -> NDArray[np.bool_]:
        """What stands beside ``&``, ``|`` or ``~``, which bind tighter than comparisons."""
        found = np.asarray(self.value(node))
        if found.dtype != np.bool_:
            raise InputError(
                f"'&', '|' or '~' beside {ast.unparse(node)!r}, which is neither true nor false",
                "write 'and', 'or', 'not', or put comparisons in brackets",
            )
        return found

    def comparison(self, node: ast.Compare) -> Any:
        """A chain such as ``80 < pt < 100``."""
        values = [self.value(node.left), *(self.value(c) for c in node.comparators)]
        links = [
            _COMPARISONS[type(sign)](a, b)
            for a, sign, b in zip(values[:-1], node.ops, values[1:], strict=True)
            if type(sign) in _COMPARISONS
        ]
        if len(links) != len(node.ops):
            raise ValueError(f"{ast.unparse(node)!r} is not allowed")
        return np.logical_and.reduce(links)
