"""Look for the flows of a trained run: ours, or as published."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from calovision.errors import InputError
from calovision.models.symmetry.autoencoder import train_vae
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.group_vae import PlaneTurn, group_bound, new_group_vae
from calovision.models.symmetry.published import published_generators
from calovision.models.symmetry.runs import (
    Flows,
    generator,
    load_flows,
    load_space,
    progress,
    save_flows,
    settings_of,
)
from calovision.models.symmetry.search import Symmetry, search
from calovision.models.symmetry.settings import IsometrySettings, PublishedSettings
from calovision.models.symmetry.space import freeze, train_oracle, vae_space
from calovision.training.devices import chosen_device, enough_memory
from calovision.training.run import RunDir
from calovision.utils import streams


def discover(
    run_path: Path,
    data: ImageData,
    *,
    latent: int | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> Flows:
    """Find the flows of a run, in its own latent dimension or, ours, in another one.

    What was found before is read, not looked for again.

    Args:
        run_path: from :func:`~calovision.models.symmetry.runs.train`.
        data: the set that it was trained on.
        latent: dimension of the flow's latent space; by default the run's.
        device: where to look, see :func:`~calovision.training.devices.chosen_device`.
        quiet: no progress bars.

    Returns:
        the flows, on the CPU.

    Raises:
        InputError: no finished run of this task, no such device, other data, or a
            dimension that cannot be.
    """
    place = chosen_device(device)
    if place.type == "mps":
        raise InputError(
            "the search needs double precision, which device mps does not have", "give --device cpu"
        )
    run = RunDir(run_path)
    settings = settings_of(run)
    if run.describe()["data"]["hash"] != data.hash:
        raise InputError(f"{run.path} was trained on other data", "give the same --data")
    wanted = latent or settings.latent
    if (run.path / f"d{wanted}" / "found.json").exists():
        return load_flows(run, data, wanted)
    here = data.to(place)
    begin, cpu = time.perf_counter(), time.process_time()
    if isinstance(settings, PublishedSettings) and wanted != settings.latent:
        raise InputError(
            f"the published search has no other latent dimension than {settings.latent}",
            f"train it with --set latent={wanted}",
        )
    if isinstance(settings, IsometrySettings) and wanted < 2:
        raise InputError("a turn needs two latent numbers", "give --latent 2 or more")
    with enough_memory(place):
        if isinstance(settings, PublishedSettings):
            flows = _published(run, settings, here, quiet)
        else:
            flows = _ours(run, settings, here, wanted, quiet)
    flows.about["wall_s"] = round(time.perf_counter() - begin, 2)
    flows.about["cpu_s"] = round(time.process_time() - cpu, 2)
    save_flows(run.path / f"d{wanted}", flows)
    return flows.to(torch.device("cpu"))


def _published(run: RunDir, settings: PublishedSettings, data: ImageData, quiet: bool) -> Flows:
    vae, oracle = load_space(run, data)
    torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 1))
    number = 1 if settings.latent == 2 else 4
    with progress("published generators", quiet) as report:
        fields = published_generators(
            vae_space(vae, oracle),
            data.stream(settings.angles),
            number,
            settings,
            random=generator(settings.seed, 1, data.train[0].device),
            report=report,
        )
    return Flows(vae, oracle, tuple(fields), None, {})


def _ours(
    run: RunDir, settings: IsometrySettings, data: ImageData, latent: int, quiet: bool
) -> Flows:
    vae, oracle = load_space(run, data)
    stream, device = data.stream(settings.angles, settings.warp), data.train[0].device
    if latent != settings.latent and (run.path / f"d{settings.latent}" / "found.json").exists():
        known = load_flows(run, data, settings.latent).to(device)
        assert known.action is not None
        action, about = known.action, known.about
    else:
        torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 1))
        with progress("search", quiet) as report:
            found = search(
                vae_space(vae, oracle),
                stream,
                settings,
                random=generator(settings.seed, 1, device),
                report=report,
            )
        action, about = found.action, describe(found)
    if not (about["found"] and about["spectrum"]["closes"]):
        return Flows(vae, oracle, (), action, about)
    torch.manual_seed(streams.torch_seed(streams.Stream.SYMMETRY_WEIGHTS, settings.seed, 2))
    random, classes = generator(settings.seed, 2, device), len(data.classes)
    turned = new_group_vae(action, *stream(settings.points, random), classes, latent)
    with progress(f"adapt {latent} dimensions", quiet) as report:
        steps = settings.group_steps
        train_vae(
            turned, stream, settings, random=random, bound=group_bound, steps=steps, report=report
        )
    freeze(turned)
    oracle = train_oracle(turned, stream, classes, settings, random=random)
    return Flows(turned, oracle, (PlaneTurn(),), action, about)


def describe(found: Symmetry) -> dict[str, Any]:
    """What a search says, as ``found.json`` keeps it."""
    spectrum = found.spectrum
    return {
        "found": found.found,
        "verdict": found.evidence.verdict,
        "evidence": asdict(found.evidence),
        "leaks": list(found.leaks),
        "spectrum": {
            "frequencies": [float(f) for f in spectrum.frequencies],
            "fundamental": spectrum.fundamental,
            "residual": spectrum.residual,
            "closes": spectrum.closes,
        },
    }
