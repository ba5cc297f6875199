"""Negative log-likelihood of splits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from calovision.networks.logistic_mixture import count_log_prob, energy_log_prob
from calovision.networks.splitter import OUTCOME, outcomes


def split_loss(
    network: Any,
    unit: Tensor,
    conditions: Tensor,
    owner: Tensor,
    context: Tensor,
    whole: Tensor,
    first: Tensor,
    low: Tensor,
    high: Tensor,
    weight: Tensor | None,
) -> Tensor:
    """Mean -log p of what the nodes of a cut became, nats a node.

    Args:
        network: a :class:`~calovision.networks.splitter.Splitter`.
        unit: ``(channels,)`` typical energy of a hit, GeV.
        conditions: ``(events, k)`` of the events.
        owner: ``(nodes,)`` event of each node.
        context: what lies around the nodes.
        whole: ``(nodes, channels, 2)`` hits and energy (GeV) of the nodes.
        first: the same of their first halves.
        low: ``(nodes, channels)`` fewest hits that the first half can have.
        high: the most.
        weight: ``(nodes,)`` of the nodes' events; none for equal ones.
    """
    hidden = network(context, conditions, owner)
    total = torch.zeros((), device=context.device)
    results = outcomes(whole, first, unit)
    for c in range(whole.shape[1]):
        free = (low[:, c] < high[:, c]).nonzero()[:, 0]
        if len(free):
            seen = results[free, : OUTCOME * c]
            law = network.count_law(c, hidden[free], seen)
            given = count_log_prob(law, first[free, c, 0], low[free, c], high[free, c])
            total = total - _summed(given, weight, free)
        hits, part = whole[:, c, 0], first[:, c, 0]
        shared = ((part > 0) & (part < hits) & (whole[:, c, 1] > 0)).nonzero()[:, 0]
        if len(shared):
            seen = results[shared, : OUTCOME * c + 2]
            law = network.energy_law(c, hidden[shared], seen)
            fraction = first[shared, c, 1] / whole[shared, c, 1]
            total = total - _summed(energy_log_prob(law, fraction), weight, shared)
    return total / len(context)


def _summed(values: Tensor, weight: Tensor | None, rows: Tensor) -> Tensor:
    """Sum of the values of some rows, each times its weight."""
    return values.sum() if weight is None else (values * weight[rows]).sum()
