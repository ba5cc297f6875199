"""Reflow (arXiv:2209.03003): straighten a trained flow, so that few solver steps are enough.

Paths between random pairs of noise and data cross, and their mean velocity is curved; between noise
and what the flow itself makes of it they do not, and learned again on such pairs the flow is nearly
straight (reflow, arXiv:2209.03003).
"""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import torch
from tqdm import tqdm

from calovision.models.generators.flow_matching import follow, matching_loss
from calovision.models.generators.splitting.model import SplittingModel
from calovision.training.minimise import Losses, averaged, cosine, minimise
from calovision.utils import streams


def reflow(task: SplittingModel, steps: int, *, quiet: bool) -> None:
    """Replace the flow of a cascade by its student.

    Args:
        task: the cascade, its flow trained.
        steps: of the training.
        quiet: no progress bar.
    """
    config = task.config.reflow
    rng = streams.rng(streams.Stream.STRAIGHTEN_PAIRS, task.config.seed)
    generator = streams.torch_rng(streams.Stream.STRAIGHTEN_STEPS, task.config.seed)
    teacher, flow = copy.deepcopy(task.flow).requires_grad_(False), task.flow
    pairs = min(config.pairs, max(config.batch, steps * config.batch // config.passes))
    noise = torch.from_numpy(rng.standard_normal((pairs, task.knots.shape[0])).astype(np.float32))
    label = torch.from_numpy((rng.random((pairs, 1)) < float(task.share)).astype(np.float32))
    batches = zip(torch.split(noise, config.batch), torch.split(label, config.batch), strict=True)
    with torch.no_grad():
        ends = [follow(partial(teacher, conditions=c), x, config.teacher_steps) for x, c in batches]
    made = torch.cat(ends)
    average = averaged(flow, config.ema, young=9)
    flow.requires_grad_(True)

    def loss(_: float) -> Losses:
        rows = torch.from_numpy(rng.integers(pairs, size=config.batch))
        velocity = partial(flow, conditions=label[rows])
        return matching_loss(velocity, made[rows], generator, noise[rows]), {}

    with torch.enable_grad():
        minimise(
            loss,
            torch.optim.AdamW(flow.parameters(), config.learning_rate, weight_decay=0.0),
            steps,
            numbers=tqdm(range(steps), desc="straighten the flow", unit="step", disable=quiet),
            schedule=cosine,
            after=lambda _: average.update_parameters(flow),
        )
    flow.load_state_dict(average.module.state_dict())
