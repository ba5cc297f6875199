"""Where networks compute."""

from __future__ import annotations

import torch


def chosen_device(name: str) -> torch.device:
    """The device of a name."""
    return torch.device("cpu" if name == "auto" else name)
