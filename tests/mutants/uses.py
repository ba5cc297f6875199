"""Which names of a package use which: what a changed line reaches, compiled functions included."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Name = tuple[str, str]  #: module, and a name at its top level

#: decorators of functions that are compiled: no line of theirs is seen by coverage
COMPILED = re.compile(r"\b(njit|jit|vectorize|guvectorize|compiled|fast|inlined|kernel)\b")


@dataclass
class Uses:
    """The top-level names of all modules of a package.

    Attributes:
        root: folder that holds the package.
        package: its name.
    """

    root: Path
    package: str
    spans: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)
    compiled: set[Name] = field(default_factory=set)
    used: dict[Name, set[Name]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for path in sorted((self.root / self.package).rglob("*.py")):
            self._read(self.module(path), ast.parse(path.read_text()))

    def module(self, path: Path) -> str:
        """Dotted name of a file of the package."""
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def names(self, module: str, first: int, last: int) -> list[Name]:
        """Top-level names whose definition has one of these lines."""
        spans = self.spans[module]
        return [(module, name) for a, b, name in spans if a <= last and first <= b]

    @cached_property
    def users(self) -> dict[Name, set[Name]]:
        """The names that use a name."""
        found = defaultdict(set)
        for name, others in self.used.items():
            for other in others:
                found[other].add(name)
        return found

    def stale(self, names: Iterable[Name]) -> set[str]:
        """Modules whose compiled functions have changed with any of ``names``."""
        return {module for module, name in self._above(names) if (module, name) in self.compiled}

    def callers(self, names: Iterable[Name]) -> list[tuple[str, int, int]]:
        """Module, first and last line of what coverage sees when ``names`` are used."""
        found = set(names)
        for name in self._above(names):
            found |= self.users[name]
        return [
            (module, a, b)
            for module, name in sorted(found)
            for a, b, other in self.spans.get(module, ())
            if other == name and (module, name) not in self.compiled
        ]

    def _above(self, names: Iterable[Name]) -> set[Name]:
        """``names``, and the constants and compiled functions that are made of them."""
        found, new = set(names), list(names)
        while new:
            for user in self.users[new.pop()]:
                if user not in found and (user in self.compiled or user in self._constants):
                    found.add(user)
                    new.append(user)
        return found

    def _read(self, module: str, tree: ast.Module) -> None:
        known: dict[str, Name] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(self.package):
                for alias in node.names:
                    known[alias.asname or alias.name] = (str(node.module), alias.name)
        defined: list[tuple[str, ast.stmt]] = []
        for statement in _statements(tree.body):
            for name in _bound(statement):
                known[name] = (module, name)
                defined.append((name, statement))
        self.spans[module] = [
            (_first(statement), statement.end_lineno or 0, name) for name, statement in defined
        ]
        for name, statement in defined:
            if isinstance(statement, ast.FunctionDef):
                told = " ".join(ast.unparse(d) for d in statement.decorator_list)
                if COMPILED.search(told):
                    self.compiled.add((module, name))
            elif not isinstance(statement, ast.ClassDef):
                self._constants.add((module, name))
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id in known:
                    self.used[module, name].add(known[node.id])
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    parent = known.get(node.value.id)
                    if parent:  # an attribute of an imported module
                        self.used[module, name].add((".".join(parent), node.attr))

    @cached_property
    def _constants(self) -> set[Name]:
        return set()


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module, those under conditions too."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "handlers"):
            if isinstance(statement, ast.If | ast.Try):
                yield from _statements(getattr(statement, part, []))


def _bound(statement: ast.stmt) -> list[str]:
    """Names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With):
        stored = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
        return [n.id for n in stored if isinstance(n.ctx, ast.Store)]
    return []


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(d.lineno for d in decorators)])
