"""The folder of a study: whose it is, and the events in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.files import write_json, writing
from calovision.events.store import EventStore
from calovision.simulate.driver import simulate_jets

TEST_SEED = 1_000_000  #: added to the seed for the jets of the comparison


def claim(out: Path, what: dict[str, Any]) -> None:
    """Refuse a folder that another study, or another version of this one, has begun.

    Raises:
        InputError: the folder is another study's.
    """
    marker = out / "study.json"
    if marker.exists():
        if json.loads(marker.read_text()) != what:
            raise InputError(f"{out} holds another study", "choose another --out")
        return
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    write_json(marker, what)


def jets(
    path: Path, number: int, seed: int, workers: int, quiet: bool, **settings: Any
) -> EventStore:
    """The jets in ``path``, simulated if they are not there yet."""
    if (path / "manifest.json").exists():
        return EventStore.open(path)
    with tqdm(total=number, desc=f"simulate {path.name}", unit="jet", disable=quiet) as bar:
        return simulate_jets(
            path,
            number,
            seed,
            workers=workers,
            progress=lambda jets, found: bar.update(jets),
            **settings,
        )
