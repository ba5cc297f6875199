"""Measure maps that turn a latent point by 30 degrees, composed up to a whole turn."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from calovision.events.rotation import rotate
from calovision.metrics.symmetry import similarity
from calovision.metrics.value import Metric, mean_metric
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.runs import Flows
from calovision.models.symmetry.supervised import ANGLE, STEPS

IMAGES = 60  #: held-out digits of a class


@torch.no_grad()
def measure_map(flows: Flows, network: nn.Module, data: ImageData) -> dict[str, Metric]:
    """Fidelity and closure of each digit.

    ``map_fidelity``: SSIM of the decoded image with the true one after all twelve steps, over that
    of the reconstruction; ``map_mse``: squared error of one step, per latent number, in units of
    the variance of latent means; ``map_closure``: distance of the image after the whole turn from
    the reconstruction, over its norm. Keys end in the digit and the latent dimension.
    """
    vae = flows.vae
    images, label = data.test
    found = {}
    for kind, digit in enumerate(data.classes):
        upright = images[label == kind][:IMAGES]
        path = [vae.mean(upright)]
        for _ in range(STEPS):
            path.append(network(path[-1]))
        wanted = vae.mean(rotate(upright, ANGLE))
        one_step = ((path[1] - wanted).square() / vae.mean(images).var(0)).mean(1)
        rebuilt, end = vae.decode(path[0]), vae.decode(path[-1])
        own = similarity(rebuilt.cpu().numpy(), upright.cpu().numpy())
        after = similarity(end.cpu().numpy(), upright.cpu().numpy())
        home = (end - rebuilt).norm(dim=1) / rebuilt.norm(dim=1)
        error = float(np.std(after) / np.mean(own) / len(after) ** 0.5)
        key = f"{digit}_d{vae.latent}"
        found[f"map_fidelity_{key}"] = Metric(float(after.mean() / own.mean()), error)
        found[f"map_closure_{key}"] = mean_metric(home.cpu().numpy(), higher_is_better=False)
        found[f"map_mse_{key}"] = mean_metric(one_step.cpu().numpy(), higher_is_better=False)
    return found
