"""Reflow (arXiv:2209.03003): straighten a trained flow, so that few solver steps are enough.

Paths between random pairs of noise and data cross, and their mean velocity is curved; between noise
and what the flow itself makes of it they do not, and learned again on such pairs the flow is nearly
straight (reflow, arXiv:2209.03003).
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from tqdm import tqdm

from calovision.models.generators.flow_matching import follow, matching_loss
from calovision.models.generators.splitting.model import SplittingModel
from calovision.utils import streams

PAIRS = 262_144  #: of noise and what the teacher makes of it, at most
AGAIN = 8  #: times that each is seen, at least
TEACHER_STEPS = 12  #: of the solver that makes them
BATCH = 1024  #: pairs in a step
RATE = 1e-3  #: learning rate at the start, falling as a cosine
EMA = 0.995  #: share of its past that the average of the weights keeps at each step


def reflow(task: SplittingModel, steps: int, *, quiet: bool) -> None:
    """Replace the flow of a cascade by its student.

    Args:
        task: the cascade, its flow trained.
        steps: of the training.
        quiet: no progress bar.
    """
    rng = streams.rng(streams.Stream.STRAIGHTEN_PAIRS, task.config.seed)
    generator = streams.torch_rng(streams.Stream.STRAIGHTEN_STEPS, task.config.seed)
    teacher, flow = copy.deepcopy(task.flow).requires_grad_(False), task.flow
    pairs = min(PAIRS, max(BATCH, steps * BATCH // AGAIN))
    noise = torch.from_numpy(rng.standard_normal((pairs, task.knots.shape[0])).astype(np.float32))
    label = torch.from_numpy((rng.random((pairs, 1)) < float(task.share)).astype(np.float32))
    made = torch.empty_like(noise)
    with torch.no_grad():
        for start in range(0, pairs, BATCH):
            some = slice(start, start + BATCH)
            condition = label[some]
            made[some] = follow(
                lambda x, t, c=condition: teacher(x, t, c),  # type: ignore[misc]
                noise[some],
                TEACHER_STEPS,
            )
    average = copy.deepcopy(flow).requires_grad_(False)
    flow.requires_grad_(True)
    optimiser = torch.optim.AdamW(flow.parameters(), RATE, weight_decay=0.0)
    with torch.enable_grad():
        for step in tqdm(range(steps), desc="straighten the flow", unit="step", disable=quiet):
            optimiser.param_groups[0]["lr"] = RATE * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            rows = torch.from_numpy(rng.integers(pairs, size=BATCH))
            condition = label[rows]
            loss = matching_loss(
                lambda x, t, c=condition: flow(x, t, c),  # type: ignore[misc]
                made[rows],
                generator,
                noise[rows],
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            for mean, weight in zip(average.parameters(), flow.parameters(), strict=True):
                mean.lerp_(weight.detach(), 1 - min(EMA, (step + 1) / (step + 10)))
    flow.load_state_dict(average.state_dict())
