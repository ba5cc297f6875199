"""Tensors are made where they are used, and brought to the CPU before NumPy sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import calovision

SOURCE = Path(calovision.__file__).parent
FACTORIES = {
    "zeros",
    "ones",
    "tensor",
    "arange",
    "empty",
    "full",
    "eye",
    "as_tensor",
    "triu_indices",
}
FACTORIES |= {"rand", "randn", "randint", "randperm", "linspace", "logspace"}
#: functions in which a network or a task is built: it is moved afterwards
BUILDING = {"__init__", "_head", "from_events", "fit", "of"}
#: rooms with networks at work; models are exported on the CPU, where ONNX Runtime runs them
AT_WORK = ("networks", "features", "training", "models")
#: files in which tensors are on the CPU without being brought there, and why
ON_CPU = {}


def calls(file: Path) -> Iterator[tuple[ast.Call, str]]:
    """Calls of methods and of functions of modules, with the function that they stand in."""

    def visit(node: ast.AST, inside: str) -> Iterator[tuple[ast.Call, str]]:
        if isinstance(node, ast.FunctionDef):
            inside = node.name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, inside
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(ast.parse(file.read_text()), "")


def brought(node: ast.expr) -> bool:
    """Whether a chain of methods goes over ``cpu()`` or over ``on_host(...)``."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("cpu", "on_host"):
                return True
            node = node.func.value
        elif isinstance(node, ast.Call):
            return False
        else:
            node = node.value
    return False


def lines(rooms: tuple[str, ...]) -> Iterator[tuple[str, ast.Call, str]]:
    for room in rooms:
        for file in sorted((SOURCE / room).rglob("*.py")):
            name = file.relative_to(SOURCE).as_posix()
            yield from ((name, call, inside) for call, inside in calls(file))


def test_numpy_sees_what_is_on_the_cpu() -> None:
    others = set()
    for name, call, _ in lines((*AT_WORK, "studies", "metrics", "events")):
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr == "numpy" and not brought(call.func.value):
            others.add(name)
    assert others == ON_CPU.keys()


def test_tensors_are_made_on_a_device_that_is_named() -> None:
    others = []
    for name, call, inside in lines(AT_WORK):
        function = call.func
        assert isinstance(function, ast.Attribute)
        of_torch = isinstance(function.value, ast.Name) and function.value.id == "torch"
        if not of_torch or function.attr not in FACTORIES or inside in BUILDING:
            continue
        if not any(keyword.arg == "device" for keyword in call.keywords):
            others.append(f"{name}:{call.lineno} {inside}: torch.{function.attr}")
    assert others == []
