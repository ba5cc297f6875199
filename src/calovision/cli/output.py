"""How a command reports: text for people, or JSON on stdout with the text on stderr."""

from __future__ import annotations

import json
from typing import Any

import typer


def emit(result: Any, text: str, as_json: bool) -> None:
    """Print ``text``, or with ``as_json`` the ``result`` on stdout and ``text`` on stderr."""
    if as_json:
        typer.echo(json.dumps(result))
    typer.echo(text, err=as_json)
