"""The published GraphSAGE tagger as torch-geometric's users write it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import SAGEConv, global_mean_pool


class PeerGraphSAGE(nn.Module):
    """Three SAGEConv layers, mean over the pixels, three linear layers (see docs: jet-tagging)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = SAGEConv(3, 32), SAGEConv(32, 64)
        self.conv3 = SAGEConv(64, 128)
        self.lin1, self.lin2, self.lin3 = nn.Linear(128, 64), nn.Linear(64, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
        """``(graphs, 2)`` of ``x`` ``(nodes, 3)`` and ``edges`` ``(2, edges)``."""
        for layer in (self.conv1, self.conv2, self.conv3):
            x = layer(x, edges).relu()
        x = global_mean_pool(x, batch)
        x = F.dropout(F.relu(self.lin1(x)), 0.3, self.training)
        out: Tensor = self.lin3(F.relu(self.lin2(x)))
        return out


class PeerTraining:
    """Its training: graphs made before, batches collated at every step, Adam 1e-3.

    Args:
        graphs: one ``torch_geometric.data.Data`` an event, with label ``y``.
    """

    def __init__(self, graphs: list[Any]) -> None:
        self.graphs, self.network = graphs, PeerGraphSAGE()
        self.optimiser = torch.optim.Adam(self.network.parameters(), 1e-3)

    def step(self, chosen: list[int]) -> None:
        """One step on the ``chosen`` events."""
        batch = Batch.from_data_list([self.graphs[i] for i in chosen])
        found = self.network(batch.x, batch.edge_index, batch.batch)
        loss = F.cross_entropy(found, batch.y.long())
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
