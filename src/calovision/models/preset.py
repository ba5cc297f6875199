"""A model that the package offers: its task, its settings and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calovision.training.settings import Training
from calovision.training.task import Task


@dataclass(frozen=True)
class Preset:
    """One model of one task.

    Attributes:
        task: what is trained.
        config: its settings, with defaults.
        about: what it is and how it is trained, in a sentence or two.
        values: settings that differ from those defaults.
    """

    task: type[Task]
    config: type[Training]
    about: str
    values: Mapping[str, Any]
