"""GraphSAGE on graphs of pixels, as published: three layers and a mean.

Rebuilt after the student notebook "GraphSAGE classification of jets" (layers and widths as there):
SAGEConv (arXiv:1706.02216) 3-32-64-128 with mean aggregation, global mean pool, linear layers
64, 16, 2, dropout 0.3.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class GraphSAGE(nn.Module):
    """Logit of a graph, invariant under the order of nodes and edges.

    Args:
        inputs: features of a node.
        hidden: width of each SAGEConv layer.
        head: widths of the linear layers between the pool and the two outputs.
        dropout: after the first linear layer.
    """

    def __init__(
        self,
        *,
        inputs: int = 3,
        hidden: tuple[int, ...] = (32, 64, 128),
        head: tuple[int, ...] = (64, 16),
        dropout: float = 0.3,
    ) -> None:
        # Here, since the library takes seconds to load and no other network needs it.
        from torch_geometric.nn import SAGEConv

        super().__init__()
        self.layers = nn.ModuleList(SAGEConv(a, b, "mean") for a, b in pairwise((inputs, *hidden)))
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise((hidden[-1], *head)))
        self.out = nn.Linear(head[-1], 2)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        features: Tensor,
        edges: Tensor | tuple[Tensor, Tensor],
        batch: Tensor,
        n: int,
        size: Tensor | None = None,
    ) -> Tensor:
        """Logit of the second class: the difference of the two published outputs.

        The cross entropy of two outputs is the binary cross entropy of their difference.

        Args:
            features: ``(nodes, inputs)``.
            edges: ``(2, edges)`` int64 from neighbour to node; or, faster on a processor and
                numerically the same, the matrix of means over neighbours and its transpose,
                both ``(nodes, nodes)`` sparse CSR.
            batch: ``(nodes,)`` int64, graph of each node, not falling.
            n: number of graphs.
            size: ``(nodes,)`` how many equal nodes each stands for; one by default.

        Returns:
            ``(n,)`` logits.
        """
        x = features
        layer: Any  # SAGEConv and Linear, both of which mypy takes for plain modules
        for layer in self.layers:
            if isinstance(edges, tuple):
                # One product of both halves: W_l mean + W_r x = (W_l W_r) (mean, x).
                both = torch.cat([_product(x, *edges), x], 1)
                weight = torch.cat([layer.lin_l.weight, layer.lin_r.weight], 1)
                x = F.linear(both, weight, layer.lin_l.bias)
            else:
                x = layer(x, edges)
            x = x.relu_()
        x = _mean_pool(x, batch, n, size)
        for i, layer in enumerate(self.dense):
            x = torch.relu(layer(x))
            if i == 0:
                x = self.dropout(x)
        out: Tensor = self.out(x)
        return out[:, 1] - out[:, 0]


class _Product(torch.autograd.Function):
    """Sparse times dense, with the transpose at hand for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
        ctx.transpose = transpose
        return matrix @ x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None]:
        return (ctx.transpose @ grad if ctx.needs_input_grad[0] else None), None, None


def _product(x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
    out: Tensor = _Product.apply(x, matrix, transpose)  # type: ignore[no-untyped-call]
    return out


def _mean_pool(x: Tensor, batch: Tensor, n: int, size: Tensor | None) -> Tensor:
    """``(n, F)`` mean over the nodes of each graph, each counted ``size`` times."""
    weight = x.new_ones(len(x)) if size is None else size
    total = x.new_zeros(n).index_add_(0, batch, weight).clamp(min=1.0)
    share = (weight / total[batch])[:, None]
    return x.new_zeros(n, x.shape[1]).index_add_(0, batch, x * share)
