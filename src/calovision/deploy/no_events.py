"""ONNX files that accept batches without events, on which runtimes stumble otherwise."""

from __future__ import annotations

from typing import Any

ROOM = "with_room"  #: what names inside the file get, where there is an empty event if none came in


def taking_none(model: Any, events: list[str]) -> None:
    """Let a model that needs at least one event take none, and give none back.

    An empty event takes the place of none, and what is made of it is cut off again.

    Args:
        model: ONNX model, which is changed.
        events: inputs whose first axis counts the events; so does that of all outputs but those
            with a fixed number of rows.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    kinds = {x.name: x.type.tensor_type.elem_type for x in graph.input}
    made = [x.name for x in graph.output if not x.type.tensor_type.shape.dim[0].dim_value]
    renamed = {name: f"{name}_{ROOM}" for name in (*events, *made)}
    for node in graph.node:
        _rename(node, renamed)
    zero, one = f"zero_{ROOM}", f"one_{ROOM}"
    for name, value in ((zero, 0), (one, 1)):
        graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    number, missing = f"number_{ROOM}", f"missing_{ROOM}"
    before = [
        helper.make_node("Shape", [events[0]], [number], start=0, end=1),
        helper.make_node("Sub", [one, number], [f"{missing}_or_less"]),
        helper.make_node("Max", [f"{missing}_or_less", zero], [missing]),
    ]
    for name in events:
        rest, size, empty = (f"{name}_{x}_{ROOM}" for x in ("rest", "size", "empty"))
        nothing = helper.make_tensor("value", kinds[name], [1], [0])
        before += [
            helper.make_node("Shape", [name], [rest], start=1),
            helper.make_node("Concat", [missing, rest], [size], axis=0),
            helper.make_node("ConstantOfShape", [size], [empty], value=nothing),
            helper.make_node("Concat", [name, empty], [renamed[name]], axis=0),
        ]
    after = [
        helper.make_node("Slice", [renamed[name], zero, number, zero], [name]) for name in made
    ]
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.value_info[:]  # what was known of sizes inside holds no longer
    graph.node.extend(nodes)


def _rename(node: Any, names: dict[str, str]) -> None:
    """Give what a node takes and makes, and what graphs inside it do, other names."""
    for part in (node.input, node.output):
        for i, name in enumerate(part):
            part[i] = names.get(name, name)
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            for other in inner.node:
                _rename(other, names)
            for value in inner.output:
                value.name = names.get(value.name, value.name)
