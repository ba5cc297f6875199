from __future__ import annotations

import numpy as np
import torch

from calovision.events.events import Events
from calovision.models.autoencoders.components import Components
from calovision.models.reconstruct import encoded


def test_components_are_projections(toy_jets: Events) -> None:
    # more components than events: every training image is in their span
    task = Components(toy_jets[:20], 19)
    codes = encoded(task, toy_jets[:20], True)
    cells = task.cells(torch.from_numpy(codes))
    for found, channel in zip(cells, task.geometry.channels, strict=True):
        middle, i = channel.block // 2, task.geometry.channels.index(channel)
        true = toy_jets[:20].to_dense("image")[
            :, i, middle :: channel.block, middle :: channel.block
        ]
        error = np.abs(found.numpy() - true).sum() / true.sum()
        assert error < 0.3
    assert task.code_law is not None
