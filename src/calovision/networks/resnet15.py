"""ResNet-15 of the published electron/photon classification, also a peer on jet images.

Rebuilt after the student notebook "ResNet15" (layers, widths and order as there); see also the
residual networks of the CMS end-to-end papers (arXiv:1807.11916, arXiv:1902.08276).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: convolution and normalisation by the dimensions of an image
LAYERS: dict[int, tuple[type[nn.Module], type[nn.Module]]] = {
    2: (nn.Conv2d, nn.BatchNorm2d),
    3: (nn.Conv3d, nn.BatchNorm3d),
}


class ResNet15(nn.Module):
    """Logit of an image.

    5 x 5 convolution to 32 channels, batch normalisation, ReLU, 2 x 2 maximum; residual blocks
    32-32, 32-32, 32-64 (stride 2), 64-64, 64-64; dropout, global mean, one linear output.

    Args:
        channels: of an image.
        dropout: before the mean.
    """

    def __init__(self, *, channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 32, 5, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.blocks = nn.Sequential(
            Residual(32, 32),
            Residual(32, 32),
            Residual(32, 64, stride=2),
            Residual(64, 64),
            Residual(64, 64),
        )
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(64, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(n,)`` of ``(n, channels, rows, cols)``, raw contents in image units."""
        x = self.dropout(self.blocks(self.stem(images)))
        # Rounded to half precision, many images would have the same logit.
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = self.out(x.float().mean(dim=(2, 3)))[:, 0]
        return out


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to their input (arXiv:1512.03385).

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: of the first convolution; with other than 1, or other channels, the input goes
            through a 1 x 1 convolution with batch normalisation.
        dimensions: of an image, 2 or 3.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dimensions: int = 2) -> None:
        super().__init__()
        convolution, normal = LAYERS[dimensions]
        self.branch = nn.Sequential(
            convolution(inputs, outputs, 3, stride, padding=1, bias=False),
            normal(outputs),
            nn.ReLU(inplace=True),
            convolution(outputs, outputs, 3, padding=1, bias=False),
            normal(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                convolution(inputs, outputs, 1, stride, bias=False), normal(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(n, inputs, r, c)`` to ``(n, outputs, r / stride, c / stride)``."""
        return torch.relu(self.branch(x) + self.shortcut(x))
