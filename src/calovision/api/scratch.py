"""Temporary folders for runs without a place."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from calovision.errors import InputError


class Scratch:
    """A folder that is gone when nothing refers to it any more, and when Python ends.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="calovision-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> Scratch:
        return self  # copies of a model lie in the same folder

    def __reduce__(self) -> Any:
        raise InputError("a model in a temporary folder cannot be pickled", "keep it: save(folder)")
