"""A GPU that is not there, for tests: tensors that say ``cuda``, with numbers on the CPU.

PyTorch's own FakeTensorMode neither goes backwards nor copies where PyTorch is built without CUDA,
and what depends on numbers (masks, ``nonzero``, ``item``) it cannot do at all.
Here operations are done on the CPU, after the check that a GPU would do: all tensors must lie on
one device, random numbers too. What comes out can thus be compared with what the CPU computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakValueDictionary

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU = torch.device("cuda", 0)
#: PyTorch with CUDA in it asks the system at places that cannot be answered here
needed = pytest.mark.skipif(
    torch.backends.cuda.is_built(), reason="this PyTorch knows GPUs: make test-gpu tries a real one"
)
MEMORY = 123_000_000  #: bytes that it says were in use at most
aten = torch.ops.aten
#: operations in which tensors may lie on two devices
BETWEEN = {aten.copy_.default, aten._to_copy.default}
#: those in which positions may lie on the CPU
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}

#: operations that put off what they do, and what does it at once
AT_ONCE = {
    aten._conj.default: aten._conj_physical.default,
    aten._neg_view.default: aten.neg.default,
}


class OnGPU(Tensor):
    """A tensor that says that it is on the GPU; its ``numbers`` are a tensor on the CPU."""

    numbers: Tensor
    device = property(lambda self: GPU)  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # type: ignore[assignment]
    is_cpu = property(lambda self: False)  # type: ignore[assignment]
    is_meta = property(lambda self: False)  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, numbers: Tensor) -> OnGPU:
        strided = numbers.layout == torch.strided
        # Autograd asks for a device that every build has: meta.
        made: OnGPU = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride() if strided else None,
            storage_offset=numbers.storage_offset() if strided else None,
            dtype=numbers.dtype,
            device="meta",
        )
        made.numbers = numbers
        return made

    def tolist(self) -> Any:
        """Its numbers."""
        return self.numbers.tolist()

    def __repr__(self, **_: Any) -> str:
        return f"OnGPU({self.numbers})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


#: generators by what they are to PyTorch, which knows nothing of their devices
OWN: WeakValueDictionary[int, OwnGenerator] = WeakValueDictionary()


class OwnGenerator(torch.Generator):
    """Random numbers of a device; those of the GPU are the CPU's."""

    def __new__(cls, device: torch.device | str = "cpu") -> OwnGenerator:
        made: OwnGenerator = super().__new__(cls)
        made.place = torch.device(device)  # type: ignore[attr-defined]
        OWN[made._cdata] = made
        return made

    def __init__(self, device: torch.device | str = "cpu") -> None:
        super().__init__()

    device = property(lambda self: self.place)


class PretendedGPU(TorchDispatchMode):
    """Inside, PyTorch takes ``device="cuda:0"``, in the thread that entered it."""

    def __init__(self) -> None:
        super().__init__()
        # As in FakeTensorMode: then PyTorch does not look for a GPU.
        self._mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __enter__(self) -> PretendedGPU:
        self._before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(self._before)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What an operation gives, on the device where it would be.

    Raises:
        RuntimeError: its tensors, or its random numbers, are on two devices.
    """
    given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
    here = [x for x in given if isinstance(x, OnGPU)]
    on_gpu = bool(here)
    if func is aten.copy_.default:
        on_gpu = isinstance(args[0], OnGPU)
    elif (wanted := kwargs.get("device")) is not None:
        on_gpu = torch.device(wanted).type in (GPU.type, "meta")
        kwargs = kwargs | {"device": torch.device("cpu")}
    if func not in BETWEEN:
        others = [x for x in given if not isinstance(x, OnGPU) and x.dim()]
        if func in INDEXING and here and here[0] is args[0]:
            others = [x for x in others if x.dtype not in (torch.int64, torch.bool)]
        if others and on_gpu:
            raise RuntimeError(f"{func} got tensors on the GPU and on the CPU")
    func = AT_ONCE.get(func, func)
    random = kwargs.get("generator")
    if random is not None and (OWN.get(random._cdata, random).device.type == GPU.type) != on_gpu:
        raise RuntimeError(f"{func} got random numbers of another device")
    known = {id(x.numbers): x for x in here}

    def numbers(x: Any) -> Any:
        return x.numbers if isinstance(x, OnGPU) else x

    def placed(x: Any) -> Any:
        if not isinstance(x, Tensor) or not on_gpu:
            return x
        return known[id(x)] if id(x) in known else OnGPU(x)

    return tree_map(placed, func(*tree_map(numbers, args), **tree_map(numbers, kwargs)))


def one_after_another(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """In place of threads, which know nothing of the pretence."""
    return map(work, items)


#: what PyTorch would say and do if the GPU were there
ANSWERS: dict[str, Any] = {
    "torch.Generator": OwnGenerator,
    "torch.Tensor.pin_memory": lambda self: self,
    "torch.version.cuda": "13.0",
    "torch.cuda.is_available": lambda: True,
    "torch.cuda.device_count": lambda: 1,
    "torch.cuda.get_device_name": lambda device: "a pretended one",
    "torch.cuda.max_memory_allocated": lambda device: MEMORY,
    "torch.cuda.reset_peak_memory_stats": lambda device: None,
    "torch.cuda.set_device": lambda device: None,
    "torch.cuda.get_rng_state": lambda device: torch.empty(0),
    "torch.cuda.set_rng_state": lambda state, device: None,
    "calovision.models.classify.side_by_side": one_after_another,
    "calovision.models.generators.base.side_by_side": one_after_another,
}


def with_gpus(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A machine with so many GPUs; below 0, a PyTorch that knows nothing of them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: max(number, 0))
    monkeypatch.setattr(torch.version, "cuda", "13.0" if number >= 0 else None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
