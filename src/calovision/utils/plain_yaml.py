"""YAML restricted to what settings need: names, numbers, texts and lists, and no code."""

from __future__ import annotations

from typing import Any

import yaml

MOST_CHARACTERS = 1 << 20  #: of a file of settings
MOST_DEPTH = 20  #: of values within values


class _Loader(yaml.SafeLoader):
    """Without references, by which a few lines can stand for any number of values, and not deep."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node of the document."""
        if self.check_event(yaml.AliasEvent):
            raise ValueError("references are not for settings")
        if self.depth == MOST_DEPTH:
            raise ValueError("too deep for settings")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def value_of(text: str) -> Any:
    """The value that a text stands for.

    Raises:
        ValueError: not YAML, too long, too deep, or with references.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError("too long for settings")
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, ArithmeticError, LookupError, TypeError) as error:
        raise ValueError("not YAML") from error


def mapping_of(text: str) -> dict[str, Any]:
    """The names and values that a text holds.

    Raises:
        ValueError: as :func:`value_of`, or it is something else.
    """
    found = value_of(text)
    if not isinstance(found, dict) or not all(isinstance(k, str) for k in found):
        raise ValueError("it holds no keys")
    return found
