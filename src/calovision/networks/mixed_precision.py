"""Mixed precision: bfloat16 where that is safe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MixedPrecision(nn.Module):
    """A network whose matrix products and convolutions are done in bfloat16.

    Several times faster on processors with matrix units (AMX) and on accelerators, slower on
    others. Weights, statistics and the logits that come out stay in single precision.

    Args:
        network: tensors to logits; its last layer must run in single precision by itself.
        enabled: false leaves everything in single precision.
    """

    network: nn.Module

    def __init__(self, network: nn.Module, enabled: bool) -> None:
        super().__init__()
        self.network, self.enabled = network, enabled

    def forward(self, *inputs: Tensor) -> Tensor:
        """The network's output."""
        with torch.autocast(inputs[0].device.type, torch.bfloat16, enabled=self.enabled):
            out: Tensor = self.network(*inputs)
        return out


@contextmanager
def rounded_products(device: torch.device, enabled: bool) -> Iterator[None]:
    """Let a GPU round the factors of all other matrix products too, to ten binary places (TF32).

    Args:
        device: others than GPUs of NVIDIA's do as ever.
        enabled: false changes nothing.
    """
    before = torch.get_float32_matmul_precision()
    if enabled and device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
