"""The examples in the help of the front door run as they stand."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module", ["api.compare", "api.results", "events.dense", "events.selection"]
)
def test_examples_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"calovision.{module}"))
    assert (found.failed, found.attempted > 0) == (0, True)
