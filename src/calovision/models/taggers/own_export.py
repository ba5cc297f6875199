"""Networks of the user's own as ONNX: from hits, images or a graph to probabilities."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.events.geometry import Geometry
from calovision.features.padded_hits import Hits
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import Calibrated


class OwnImages(nn.Module):
    """A network on dense images in GeV, given in image units.

    Args:
        network: images to logits.
        geometry: of the images.
    """

    scale: Tensor

    def __init__(self, network: nn.Module, geometry: Geometry) -> None:
        super().__init__()
        self.network = network
        scale = torch.tensor([c.gev_per_unit for c in geometry.channels])
        self.register_buffer("scale", scale[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """``(n,)`` logits."""
        out: Tensor = self.network(images * self.scale)
        return out


class OwnHits(nn.Module):
    """A network on the hardest hits, given padded hits in any order.

    Args:
        network: hits to logits.
        max_hits: that it takes.
    """

    def __init__(self, network: nn.Module, max_hits: int) -> None:
        super().__init__()
        self.network, self.hits = network, max_hits

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` logits."""
        eta, phi, energy, channel = (nn.functional.pad(x, (0, self.hits)) for x in hits)
        known = nn.functional.pad(hits.channel >= 0, (0, self.hits))
        order = torch.where(known, energy.abs(), -1.0).topk(self.hits, dim=1).indices
        columns = torch.stack([channel.float(), eta, phi, energy], 2)
        table = torch.where(known[..., None], columns, 0.0)
        out: Tensor = self.network(table.gather(1, order[..., None].expand(-1, -1, 4)))
        return out


class OwnGraph(nn.Module):
    """A tagger's network on the graph of one event.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: TaggerTask) -> None:
        super().__init__()
        self.network, self.calibrated = task.network, Calibrated(task)

    def forward(self, x: Tensor, pos: Tensor, edge_index: Tensor) -> tuple[Tensor, ...]:
        """Probability and logit ``(1,)``."""
        from torch_geometric.data import Data

        # Without numbers of events, pools of torch_geometric take all nodes as those of one.
        logit: Tensor = self.network(Data(x=x, pos=pos, edge_index=edge_index))
        return self.calibrated(logit), logit
