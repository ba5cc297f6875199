"""Measure the flows of a run on held-out digits: its results.json, and what the report shows."""

from __future__ import annotations

import json
import math
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.evaluation.symmetry.orbits import IMAGES, follow
from calovision.events.rotation import rotate
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.definitions import definition
from calovision.metrics.symmetry import (
    GRID,
    TRIVIAL,
    Followed,
    clock_error,
    follow_metrics,
    named,
    nearest,
    similarity,
)
from calovision.metrics.value import Metric
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.flows import Field
from calovision.models.symmetry.runs import Flows
from calovision.models.symmetry.space import LatentSpace
from calovision.models.symmetry.supervised import ANGLE, STEPS
from calovision.training.devices import chosen_device
from calovision.training.run import RunDir, versions
from calovision.utils import streams
from calovision.utils.files import write_json

IMAGES_TO_CHOOSE = 10  #: of a class, on which the best generator is chosen
SHOWN = 4  #: images of a class in the report
FRAMES = 25  #: points of time in a row of pictures
CURVES = 20  #: images of a class whose angle is drawn

Arrays = dict[str, NDArray[Any]]


def measure(
    flows: Flows, data: ImageData, *, device: str = "auto"
) -> tuple[dict[str, Metric], Arrays]:
    """Metrics of the flows in one latent dimension, and arrays for the report.

    Of several generators the one that covers most counts, the choice most favourable to them.

    Args:
        flows: to measure.
        data: the set that they were found on.
        device: where they are followed, see :func:`~calovision.training.devices.chosen_device`.

    Returns:
        metrics with keys such as ``cover_1_d5``; arrays named ``"DIGIT/WHAT"``.

    Raises:
        InputError: the device is not there.
    """
    place = chosen_device(device)
    flows, data = flows.to(place), data.to(place)
    d = flows.vae.latent
    if not flows.fields:
        return {}, {}
    best, moved = _best(flows, data)
    courses = _of_field(flows.space, flows.fields[best], data, IMAGES)
    metrics = [follow_metrics(f) for f in courses]
    found: dict[str, Metric] = {}
    arrays: Arrays = {}
    for digit, of, course in zip(data.classes, metrics, courses, strict=True):
        if flows.action is not None and flows.about["spectrum"]["closes"]:
            of["clock"] = clock_error(course, 2 * math.pi)
        found |= named(of, digit, d)
        arrays |= {f"{digit}/{k}": v for k, v in pictures(course).items()}
    rates = [m["rate"].value for m in metrics if "rate" in m]
    if len(rates) == len(data.classes) > 1:
        spread = (max(rates) - min(rates)) / float(np.mean(rates))
        found[f"rate_gap_d{d}"] = definition(f"rate_gap_d{d}").measured(spread, math.nan)
    trivial = float(np.mean([m < TRIVIAL for m in moved]))
    found[f"trivial_d{d}"] = definition(f"trivial_d{d}").measured(trivial, math.nan)
    if len(flows.fields) > 1:
        found[f"cos_d{d}"] = largest_cosine(flows.space, list(flows.fields), data.test[0])
    return found, arrays | latent_map(flows, best, data)


def _best(flows: Flows, data: ImageData) -> tuple[int, list[float]]:
    """The generator that covers most on a few digits, and how far each moves images."""
    reached, moved = [], []
    for field in flows.fields:
        courses = _of_field(flows.space, field, data, IMAGES_TO_CHOOSE)
        metrics = [follow_metrics(f) for f in courses]
        pairs = zip(metrics, courses, strict=True)
        reached.append(sum(m["cover"].value / f.period for m, f in pairs))
        moved.append(float(np.mean([m["excursion"].value for m in metrics])))
    return int(np.argmax(reached)), moved


def _of_field(space: LatentSpace, field: Field, data: ImageData, most: int) -> list[Followed]:
    """The flow of up to ``most`` digits of each class."""
    images, label = data.test
    return [
        follow(space, field, images[label == kind][:most], kind, data.periods[kind])
        for kind in range(len(data.classes))
    ]


@torch.no_grad()
def largest_cosine(space: LatentSpace, fields: list[Field], images: Tensor) -> Metric:
    """Largest mean ``|cos|`` between two generators' image velocities, the pull-back metric."""
    z = space.encode(images)
    velocities = [space.velocity(z, f(z))[1] for f in fields]
    pairs = [
        torch.cosine_similarity(a, b, dim=1).abs().cpu().numpy()
        for a, b in combinations(velocities, 2)
    ]
    worst = max(pairs, key=lambda p: float(p.mean()))
    return mean_metric(worst, definition(f"cos_d{space.dimension}"))


def pictures(course: Followed) -> Arrays:
    """What the report draws of one class.

    ``times (t,)``; ``angle (n, t)`` in degrees; ``covered (n,)``; ``flowed`` and ``true``
    ``(m, frames, p)`` uint8 with ``frames (frames,)`` the positions in ``times``, true rotations
    being those nearest to the flowed images; ``period``.
    """
    followed = course.courses()
    full = [c.end for c in followed if c.complete]
    end = int(np.median(full)) if full else len(course.times)
    frames = np.linspace(0, min(end, len(course.times)) - 1, FRAMES).round().astype(int)
    angles = nearest(course.flowed[:SHOWN][:, frames], course.rebuilt[:SHOWN])
    truth = np.stack([course.turned[i][angles[i]] for i in range(len(angles))])
    return {
        "times": course.times.astype(np.float32),
        "angle": np.stack([c.angle for c in followed[:CURVES]]).astype(np.float32),
        "covered": np.array([c.covered for c in followed], np.float32),
        "frames": frames,
        "degrees": (GRID * angles).astype(np.float32),
        "flowed": _bytes(course.flowed[:SHOWN][:, frames]),
        "true": _bytes(truth),
        "period": np.array(course.period),
    }


def _bytes(images: NDArray[Any]) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = (255 * np.clip(images, 0, 1)).round().astype(np.uint8)
    return found


@torch.no_grad()
def latent_map(flows: Flows, best: int, data: ImageData) -> Arrays:
    """Latent points of turned test digits, and the flow's velocity there, in a plane.

    ``latent/points (n, 2)``, ``latent/velocity (n, 2)``, ``latent/label (n,)``: the first two
    principal components where there are more.
    """
    images, label = data.test
    random = streams.torch_rng(streams.Stream.PLANE, 0, device=images.device)
    angle = 2 * math.pi * torch.rand(4 * len(images), generator=random, device=images.device)
    z = flows.vae.mean(rotate(images.repeat(4, 1), angle))
    v = flows.fields[best](z)
    if z.shape[1] > 2:
        _, _, axes = torch.linalg.svd(z - z.mean(0), full_matrices=False)
        z, v = (z - z.mean(0)) @ axes[:2].T, v @ axes[:2].T
    return {
        "latent/points": z.cpu().numpy().astype(np.float32),
        "latent/velocity": v.cpu().numpy().astype(np.float32),
        "latent/label": np.array(data.classes)[label.repeat(4).cpu().numpy()],
    }


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
        fidelity = float(after.mean() / own.mean())
        found[f"map_fidelity_{key}"] = definition("map_fidelity").measured(fidelity, error)
        found[f"map_closure_{key}"] = mean_metric(home.cpu().numpy(), definition("map_closure"))
        found[f"map_mse_{key}"] = mean_metric(one_step.cpu().numpy(), definition("map_mse"))
    return found


def write_results(run: RunDir, data: ImageData, metrics: dict[str, Metric]) -> dict[str, Any]:
    """Add metrics to a run's results.json; its budget sums the training and all searches."""
    config = run.describe()["config"]
    before: dict[str, Any] = {}
    file = run.path / "results.json"
    if file.exists():
        before = json.loads(file.read_text())["metrics"]
    budget = run.budget()
    for found in sorted(run.path.glob("d*/found.json")):
        spent = json.loads(found.read_text())
        for key in ("wall_s", "cpu_s"):
            budget[key] = round(budget[key] + spent[key], 2)
            budget[f"{key}_{found.parent.name}"] = spent[key]
    results = {
        "task": "symmetry",
        "model": config["model"],
        "data": {
            "path": str(data.path),
            "hash": data.hash,
            "events": len(data.test[0]),
            "split": "held-out source images, in all orientations",
        },
        "seed": config["seed"],
        "budget": budget,
        "metrics": before | {k: m.to_dict() for k, m in metrics.items()},
        "versions": versions(),
    }
    write_json(file, results)
    return results
