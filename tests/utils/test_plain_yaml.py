from __future__ import annotations

import pytest

from calovision.utils.plain_yaml import MOST_CHARACTERS, mapping_of, value_of


def test_settings_are_read() -> None:
    assert mapping_of("a: 1\nb: [1.5, x]\n") == {"a": 1, "b": [1.5, "x"]}
    assert value_of("[1, 2]") == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: [*x, *x]",  # references may multiply without end
        "a: " + "[" * 5000,
        "a: !!python/object/apply:os.getcwd []",
        "a: 2001-99-99",
        "a: [",
        "1: 2",
        "3",
        "a: " + "x" * MOST_CHARACTERS,
        "a: \x00",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"settings|YAML|keys|special characters|month"):
        mapping_of(text)
