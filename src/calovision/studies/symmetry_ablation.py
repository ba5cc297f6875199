"""The search with one of its priors left out at a time, on the latent space of one run.

What does each prior contribute? The answer is written to RUN/ablation.json.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from calovision.errors import InputError
from calovision.evaluation.symmetry.orbits import IMAGES, follow, follow_action
from calovision.metrics.symmetry import follow_metrics
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.free import free_generator
from calovision.models.symmetry.isometry import rigid_motions
from calovision.models.symmetry.linear import (
    LinearAction,
    Spectrum,
    closed,
    principal_basis,
    spectrum,
)
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.runs import generator, load_space, progress, settings_of
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream, vae_space
from calovision.networks.perceptron import VectorField
from calovision.training.minimise import Report, silent
from calovision.training.run import RunDir, versions
from calovision.utils import streams
from calovision.utils.files import write_json

#: what is left out, in words; "guess" starts the refinement from a random skew matrix instead
PRIORS = {
    "nothing": "nothing",
    "isometry": "isometry: any matrix, not a skew one",
    "linear": "linear action: a network's flow that keeps inner products",
    "oracle": "oracle",
    "guess": "first guess: a random skew matrix, refined",
}
GENERAL_COMPONENTS = 40  #: at most, where there are as many unknowns as entries of a matrix
METRICS = ("cover", "complete", "r2", "fidelity", "drift")


@dataclass(frozen=True)
class Ablated:
    """What is found without one of the priors, before the latent space is adapted to it.

    Attributes:
        motion: the linear action on images, or a generator of the latent space where there is none.
        leak: of the first guess; none where there is no first guess.
        spectrum: of the refined action before rounding, if there is one.
    """

    motion: LinearAction | VectorField
    leak: float | None = None
    spectrum: Spectrum | None = None


def ablation(run_path: Path, data: ImageData, *, quiet: bool = False) -> dict[str, Any]:
    """Search without each prior and follow what is found, before the latent space is adapted.

    All searches have the same VAE, random numbers and number of steps.

    Args:
        run_path: a run of our model.
        data: the set that it was trained on.
        quiet: no progress bars.

    Returns:
        the content of ``ablation.json``: a row for every prior, with metrics by class.

    Raises:
        InputError: no finished run of our model.
    """
    run = RunDir(run_path)
    settings = settings_of(run)
    if not isinstance(settings, IsometrySettings):
        raise InputError(f"{run.path} is the published search", "give a run of our model")
    space = vae_space(*load_space(run, data))
    stream = data.stream(settings.angles, settings.warp)
    rows = []
    for prior, words in PRIORS.items():
        begin = time.process_time()
        torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 1))
        random = generator(settings.seed, 1)
        with progress(f"without {prior}", quiet) as report:
            found = search_without(prior, space, stream, settings, random, report)
        rows.append(
            {
                "prior": prior,
                "without": words,
                "leak": found.leak,
                "residual": None if found.spectrum is None else found.spectrum.residual,
                "cpu_s": round(time.process_time() - begin, 1),
                "classes": _measured(space, found, data),
            }
        )
    content = {
        "latent": settings.latent,
        "seed": settings.seed,
        "data": {"hash": data.hash, "events": len(data.test[0])},
        "rows": rows,
        "versions": versions(),
    }
    write_json(run.path / "ablation.json", content)
    return content


def search_without(
    prior: str,
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    random: torch.Generator,
    report: Report = silent,
) -> Ablated:
    """Search as :func:`~calovision.models.symmetry.search.search` does, but for one prior.

    Args:
        prior: key of :data:`PRIORS`.
        space: the latent space.
        stream: its data.
        settings: of the search.
        random: of everything that is drawn.
        report: called with how far the search is.
    """
    if prior == "linear":
        return Ablated(free_generator(space, stream, settings, random=random, report=report))
    rigid, leak = prior != "isometry", None
    if prior == "oracle":
        settings = settings.model_copy(update={"oracle_weight": 0.0})
    if not rigid:
        few = min(settings.components, GENERAL_COMPONENTS)
        settings = settings.model_copy(update={"components": few})
    if prior == "guess":
        action = random_motion(space, stream, settings, random)
    else:
        motions = rigid_motions(space, stream, settings, random, rigid=rigid)
        action, leak = motions.actions[0], motions.leaks[0]
    if settings.refine_steps:
        action = refine(action, space, stream, settings, random=random, rigid=rigid, report=report)
    found = spectrum(action)
    if rigid and found.closes:
        action = closed(action, found.fundamental)
    return Ablated(action, leak, found)


@torch.no_grad()
def random_motion(
    space: LatentSpace, stream: Stream, settings: IsometrySettings, random: torch.Generator
) -> LinearAction:
    """A random skew matrix on the leading components, of typical frequency 1."""
    z, _ = space.draw(stream, settings.points, random, spread=0.0)
    images = space.decode(z)
    basis = principal_basis(images, settings.components)
    size = basis.shape[1]
    matrix = torch.randn(size, size, generator=random, device=basis.device)
    action = LinearAction(matrix - matrix.T, basis)
    return replace(action, matrix=action.matrix / action.typical_frequency(images))


def _measured(space: LatentSpace, found: Ablated, data: ImageData) -> dict[str, Any]:
    """Metrics of each class, by its name."""
    images, label = data.test
    measured = {}
    for number, name in enumerate(data.classes):
        some, period = images[label == number][:IMAGES], data.periods[number]
        if isinstance(found.motion, LinearAction):
            followed = follow_action(space, found.motion, some, number, period)
        else:
            followed = follow(space, found.motion, some, number, period)
        metrics = follow_metrics(followed)
        measured[str(name)] = {key: metrics[key].to_dict() for key in METRICS}
    return measured


def summary(content: dict[str, Any]) -> str:
    """A line for every prior."""
    lines = []
    for row in content["rows"]:
        covered = ", ".join(f"{k}: {m['cover']['value']:.0f}" for k, m in row["classes"].items())
        lines.append(f"without {row['without']}: degrees covered {covered}")
    return "\n".join(lines)
