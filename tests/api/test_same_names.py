"""A setting of the command line exists in Python under the same name and default, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.models import ArgumentInfo, OptionInfo

import calovision as cv
from calovision.cli import app as command_line
from calovision.cli import data as cli_data

Model = cv.Model
#: verb of the command line to the Python functions that it calls
VERBS: dict[str, tuple[Callable[..., Any], ...]] = {
    "data simulate": (cv.simulate.jets, cv.simulate.egamma, cv.simulate.showers),
    "data calibrate": (cv.calibrate,),
    "data digits": (cv.simulate.digits,),
    "data image": (cv.from_particles,),
    "data convert": (cv.convert,),
    "data export": (cv.export,),
    "data fetch": (cv.fetch,),
    "data merge": (cv.merge,),
    "data split": (cv.split,),
    "data select": (cv.select,),
    "train": (cv.train, cv.fine_tune),
    "evaluate": (Model.evaluate, cv.load_model),
    "reconstruct": (Model.reconstruct, cv.load_model),
    "compress": (Model.compress, cv.load_model),
    "decompress": (Model.decompress, cv.load_model),
    "classify": (Model.predict, cv.load_model),
    "generate": (Model.generate, cv.load_model),
    "discover": (Model.discover, cv.load_model),
    "export": (Model.export, cv.load_model),
    "compare": (cv.compare,),
    "rank": (cv.rank,),
    "scoreboard": (cv.scoreboard,),
    "report": (cv.report,),
    "study": (cv.study,),
    "view": (cv.view,),
}
#: of the command line alone, and why
SHELL_ONLY = {
    "*": {
        "json": "Python has objects",
        "run": "the Model itself",
        "pretrained": "cv.pretrained",
        "skip_corrupt": "cv.open(skip_corrupt=)",
        "data": "the events of a call",
    },
    "data simulate": {"kind": "a function each"},
    "train": {"settings": "keywords", "start_from": "cv.fine_tune", "listed": "shows help"},
    "evaluate": {"out": "Model.save"},
    "discover": {"out": "Model.save", "ablate": "a study"},
    "compare": {"out": "Results.to_json"},
    "rank": {"out": "Results.to_json"},
    "scoreboard": {"out": "Scoreboard.to_json"},
}
#: of Python alone, and why
PYTHON_ONLY = {
    "*": {
        "self": "",
        "quiet": "a shell sends progress where it likes",
        "settings": "--set",
        "epochs": "--set epochs=",
        "budget_s": "--set budget_s=",
        "module": "a network of one's own",
        "path": "the run or file",
    },
    "train": {"model": "the run of --from, too"},
}
#: defaults that differ, and why
DIFFERENT = {("view", "browser"): "a notebook shows the display itself"}
#: names of what a call works on, which are positions on the command line
POSITIONS = {
    "data digits": {"digit": "classes"},
    "data image": {"files": "source"},
    "data export": {"data": "events"},
    "compress": {"data": "events"},
    "data merge": {"folders": "sets"},
    "data split": {"data": "events", "share": "shares"},
    "data select": {"data": "events", "where": "expression"},
    "reconstruct": {"data": "events"},
    "classify": {"data": "events"},
    "evaluate": {"data": "events"},
    "export": {"out": "path"},
    "report": {"folders": "of"},
    "view": {"folder": "what"},
}


def callbacks() -> dict[str, Callable[..., Any]]:
    """Function behind every verb."""
    found: dict[str, Callable[..., Any]] = {}
    for prefix, app in (("", command_line.app), ("data ", cli_data.app)):
        for command in app.registered_commands:
            assert command.callback is not None
            found[prefix + (command.name or command.callback.__name__)] = command.callback
    return found


def default_of(parameter: inspect.Parameter) -> Any:
    value = parameter.default
    if isinstance(value, OptionInfo | ArgumentInfo):
        value = value.default
    value = value.value if isinstance(value, Enum) else value
    return str(value) if isinstance(value, Path) else value


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_settings_have_one_name_and_one_default(verb: str) -> None:
    shell = dict(inspect.signature(callbacks()[verb]).parameters)
    names = POSITIONS.get(verb, {})
    shell = {names.get(k, k): p for k, p in shell.items()}
    python: dict[str, inspect.Parameter] = {}
    for function in reversed(VERBS[verb]):
        python |= inspect.signature(function).parameters
    only = SHELL_ONLY["*"].keys() | SHELL_ONLY.get(verb, {}).keys()
    assert shell.keys() - python.keys() - only == set()
    only = PYTHON_ONLY["*"].keys() | PYTHON_ONLY.get(verb, {}).keys()
    assert python.keys() - shell.keys() - only == set()
    empty = (inspect.Parameter.empty, None, ...)
    for name in shell.keys() & python.keys():
        if (verb, name) in DIFFERENT:
            continue
        one, other = default_of(shell[name]), default_of(python[name])
        assert one == other or one in empty or other in empty, (name, one, other)


def test_every_verb_is_looked_at() -> None:
    assert callbacks().keys() - VERBS.keys() == {"bench", "data info"}
    assert isinstance(command_line.app, typer.Typer)
