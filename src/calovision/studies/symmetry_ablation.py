"""Priors left out one at a time, on the latent space of one run: RUN/ablation.json."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from calovision.errors import InputError
from calovision.evaluation.symmetry.orbits import IMAGES, follow, follow_action
from calovision.metrics.symmetry import Followed, follow_metrics
from calovision.models.symmetry.ablation import PRIORS, Ablated, search_without
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.runs import generator, load_space, progress, settings_of
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, vae_space
from calovision.training.run import RunDir, versions
from calovision.utils import streams
from calovision.utils.files import write_json

KEPT = ("cover", "complete", "r2", "fidelity", "drift")


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
    vae, oracle = load_space(run, data)
    space = vae_space(vae, oracle)
    rows = []
    for prior, words in PRIORS.items():
        begin = time.process_time()
        torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 1))
        with progress(f"without {prior}", quiet) as report:
            found = search_without(
                prior,
                space,
                data.stream(settings.angles, settings.warp),
                settings,
                random=generator(settings.seed, 1),
                report=report,
            )
        spent = time.process_time() - begin
        rows.append(
            {
                "prior": prior,
                "without": words,
                "leak": found.leak,
                "residual": None if found.spectrum is None else found.spectrum.residual,
                "cpu_s": round(spent, 1),
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


def _measured(space: LatentSpace, found: Ablated, data: ImageData) -> dict[str, Any]:
    """Metrics of each class, by its name."""
    images, label = data.test
    measured = {}
    for kind, name in enumerate(data.classes):
        some, period = images[label == kind][:IMAGES], data.periods[kind]
        followed: Followed
        if found.action is not None:
            followed = follow_action(space, found.action, some, kind, period)
        else:
            assert found.field is not None
            followed = follow(space, found.field, some, kind, period)
        metrics = follow_metrics(followed)
        measured[str(name)] = {k: metrics[k].to_dict() for k in KEPT}
    return measured


def summary(content: dict[str, Any]) -> str:
    """A line for every prior."""
    lines = []
    for row in content["rows"]:
        covered = ", ".join(f"{k}: {m['cover']['value']:.0f}" for k, m in row["classes"].items())
        lines.append(f"without {row['without']}: degrees covered {covered}")
    return "\n".join(lines)
