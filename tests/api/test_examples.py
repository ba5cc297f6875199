"""Every name of the front door has a page of help, whose examples run as they stand."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import calovision as cv


def pages() -> dict[str, Any]:
    """What a user can call: names of the package, and of its modules of verbs."""
    found = {}
    for name in cv.__all__:
        thing = getattr(cv, name)
        if isinstance(thing, ModuleType):
            found |= {f"{name}.{inner}": getattr(thing, inner) for inner in thing.__all__}
        elif callable(thing):
            found[name] = thing
    return found


@pytest.mark.parametrize("name", sorted(pages()))
def test_help_has_an_example_that_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    thing = pages()[name]
    tests = doctest.DocTestFinder().find(thing, name, globs={})
    module = inspect.getmodule(thing)
    assert module is not None
    for test in tests:
        test.globs = {**vars(module), "__name__": "example"}
    assert any(t.examples for t in tests), "no example"
    runner = doctest.DocTestRunner()
    assert [runner.run(t).failed for t in tests] == [0] * len(tests)


@pytest.mark.parametrize("name", sorted(pages()))
def test_help_says_what_goes_in_and_what_can_go_wrong(name: str) -> None:
    thing = pages()[name]
    if inspect.isclass(thing):
        return
    text = inspect.getdoc(thing) or ""
    arguments = [p for p in inspect.signature(thing).parameters if p != "settings"]
    assert [a for a in arguments if f"{a}:" not in text and f"{a}," not in text] == []
    assert "Raises:" in text
