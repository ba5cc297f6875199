"""Where networks run: on the CPU, on a GPU of NVIDIA's, or on that of a Mac."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from calovision.errors import InputError
from calovision.training.settings import DEVICES
from calovision.utils import streams

_ELSE = "or give --device cpu"


def chosen_device(name: str = "auto") -> torch.device:
    """The device of a name.

    Args:
        name: ``"auto"`` is the first GPU of NVIDIA's if there is one, else the CPU; ``"cpu"``,
            ``"cuda"``, ``"cuda:N"`` and ``"mps"``, the GPU of a Mac, are what they say.

    Raises:
        InputError: there is no device of this name, or it is not there.
    """
    if not isinstance(name, str) or not re.fullmatch(DEVICES, name):
        raise InputError(f"there is no device {name!r}", "give auto, cpu, cuda, cuda:N or mps")
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", 0) if gpus else torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise InputError("PyTorch finds no GPU of a Mac for device mps", "give --device cpu")
        return torch.device("mps")
    if name == "cpu":
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise InputError(
            f"this PyTorch is built without CUDA, which device {name} needs",
            f"install its CUDA build, {_ELSE}",
        )
    if not gpus:
        raise InputError(
            f"PyTorch finds no GPU for device {name}", f"see what nvidia-smi says, {_ELSE}"
        )
    number = int(name.partition(":")[2] or 0)
    if number >= gpus:
        raise InputError(
            f"there is no GPU {number}: PyTorch finds {gpus}, counted from 0",
            f"give one of them, {_ELSE}",
        )
    return torch.device("cuda", number)


def described(device: torch.device) -> str:
    """The device in words for a record, such as ``"cuda:0 (NVIDIA A100)"``."""
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_name(device)})"


def peak_memory_mb(device: torch.device) -> float:
    """Most memory that was in use, in 10^6 bytes: of the GPU by tensors, else of the process."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    if (status := Path("/proc/self/status")).exists():
        # Of a new process, getrusage tells the peak of the one that it was forked from.
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return round(int(line.split()[1]) * 1024 / 1e6, 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def to_device(batch: Any, device: torch.device) -> Any:
    """Tensors, in tuples, lists and mappings however nested, on a device; what else there is stays.

    The processor does not wait for what it sends, but for what it gets.
    """
    if isinstance(batch, Tensor):
        sent = device.type != "cpu"
        return batch if batch.device == device else batch.to(device, non_blocking=sent)
    if callable(move := getattr(batch, "to", None)):  # such as graphs of torch_geometric
        return move(device)
    return _in(batch, lambda item: to_device(item, device))


def pinned(batch: Any) -> Any:
    """Tensors, however nested, in memory that a GPU reads while the processor goes on."""
    if isinstance(batch, Tensor):
        return batch.pin_memory() if batch.layout == torch.strided else batch
    return _in(batch, pinned)


def _in(batch: Any, change: Any) -> Any:
    """A tuple, a named tuple, a list or a mapping of what its items are changed to."""
    if isinstance(batch, dict):
        return type(batch)((key, change(item)) for key, item in batch.items())
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*map(change, batch))
    if isinstance(batch, tuple | list):
        return type(batch)(map(change, batch))
    return batch


@contextmanager
def seeded(stream: streams.Stream, seed: int, *place: int, device: torch.device) -> Iterator[None]:
    """PyTorch's global random numbers, from which dropout draws, are a stream's inside.

    Outside they go on as if nothing had been drawn.
    """
    mine = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=mine):
        torch.manual_seed(streams.torch_seed(stream, seed, *place))
        yield


@contextmanager
def enough_memory(
    device: torch.device, remedy: str = "take a larger GPU, or give --device cpu"
) -> Iterator[None]:
    """Turn a lack of a GPU's memory inside into one line.

    Raises:
        InputError: there was too little, with the ``remedy``.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(f"the memory of {described(device)} is full", remedy) from error
