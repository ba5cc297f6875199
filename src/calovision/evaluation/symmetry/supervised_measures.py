"""Measure maps that turn a latent point by 30 degrees, composed up to a whole turn."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from calovision.events.rotation import rotate
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.definitions import definition
from calovision.metrics.symmetry import similarity
from calovision.metrics.value import Metric
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
        start = vae.mean(upright)
        z = start
        single = None
        for count in range(1, STEPS + 1):
            z = network(z)
            if count == 1:
                wanted = vae.mean(rotate(upright, ANGLE))
                single = ((z - wanted).square() / vae.mean(images).var(0)).mean(1)
        assert single is not None
        rebuilt, end = vae.decode(start), vae.decode(z)
        own = similarity(rebuilt.cpu().numpy(), upright.cpu().numpy())
        after = similarity(end.cpu().numpy(), upright.cpu().numpy())
        home = (end - rebuilt).norm(dim=1) / rebuilt.norm(dim=1)
        error = float(np.std(after) / np.mean(own) / len(after) ** 0.5)
        key = f"{digit}_d{vae.latent}"
        fidelity = float(after.mean() / own.mean())
        found[f"map_fidelity_{key}"] = definition("map_fidelity").measured(fidelity, error)
        found[f"map_closure_{key}"] = mean_metric(home.cpu().numpy(), definition("map_closure"))
        found[f"map_mse_{key}"] = mean_metric(single.cpu().numpy(), definition("map_mse"))
    return found
