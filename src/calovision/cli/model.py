"""Verbs on one model: train, evaluate, reconstruct, classify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import Pretrained, Shipped, SkipCorrupt, emit, told

Data = Annotated[Path, typer.Option("--data", help="Event set, from 'calovision data'.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Model = Annotated[str | None, typer.Option(help="Ours by default; 'baseline' as published.")]
RunOrNone = Annotated[
    Path | None, typer.Argument(help="Run directory, from 'calovision train'; or --pretrained.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")]


def train(
    task: Annotated[
        str, typer.Argument(help="What to learn: jet-vae, jet-tagger, ... or symmetry.")
    ],
    data: Data,
    out: Annotated[Path, typer.Option(help="Run directory to write.")],
    model: Model = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, key=value; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine, each with its batches.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Train a model on an event set; torchrun or srun may start it on several machines.

    Example: calovision train jet-vae --data jets --out runs/vae --set budget_s=600
    """
    from calovision.tasks.config import load_config, parse_overrides

    overrides = parse_overrides(settings or [])
    if seed is not None:
        overrides["seed"] = seed
    if processes is not None:
        overrides["processes"] = processes
    if task == "symmetry":
        from calovision.cli.discover import train_symmetry
        from calovision.tasks.symmetry.settings import load_settings

        symmetry = load_settings(model, config, overrides)
        emit(*train_symmetry(symmetry, data, out, resume=resume, skip_corrupt=skip_corrupt), json)
        return
    chosen = load_config(task, model, config, overrides)
    from calovision.events.store import EventStore

    with told():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    # PyTorch takes seconds to load: bad input should not have to wait for it.
    from calovision.tasks.processes import placed
    from calovision.tasks.training import train as run_training

    run = run_training(chosen, store, out, resume=resume)
    if placed().rank:
        return
    budget = run.budget()
    emit(
        {"run": str(run.path), **budget},
        f"trained {chosen.model} in {budget['wall_s']:.0f} s, {budget['steps']} steps: {run.path}",
        json,
    )


def evaluate(
    data: Data,
    run: RunOrNone = None,
    pretrained: Shipped = None,
    out: Annotated[
        Path | None, typer.Option(help="With --pretrained: run directory to write, a copy.")
    ] = None,
    seed: Seed = 1,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Measure a trained model on an event set; its training events are left out.

    Events count by their column weight, if the set has one.

    Example: calovision evaluate runs/vae --data test-jets

    Example: calovision evaluate --pretrained jet-vae --data test-jets --out runs/shipped
    """
    from calovision.events.store import EventStore
    from calovision.tasks.pretrained import copy_or_run

    with told():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    folder = copy_or_run(run, pretrained, out)
    from calovision.studies.evaluation import evaluate as measure

    results = measure(folder, store, seed=seed)
    lines = [
        f"{name:28s} {m['value']:10.4g} +- {m['error']:.2g} {m['unit']}"
        for name, m in results["metrics"].items()
    ]
    emit(results, "\n".join([*lines, f"written to {folder / 'results.json'}"]), json)


def reconstruct(
    data: Data,
    out: Annotated[Path, typer.Option(help="Event set to write.")],
    run: RunOrNone = None,
    pretrained: Pretrained = False,
    seed: Seed = 1,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Send an event set through a VAE; latent means go to OUT/latent.npy.

    Example: calovision reconstruct runs/vae --data test-jets --out rebuilt

    Example: calovision reconstruct --pretrained --data test-jets --out rebuilt
    """
    from calovision.events.store import EventStore
    from calovision.tasks.pretrained import chosen_run

    folder = chosen_run(run, pretrained, "jet-vae")
    with told():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    from calovision.tasks.reconstruct import reconstruct as rebuild

    rebuilt = rebuild(folder, store, out, seed=seed)
    emit({"out": str(out), "events": len(rebuilt)}, f"{len(rebuilt)} events in {out}", json)


def classify(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write, .parquet or .csv.")],
    run: RunOrNone = None,
    pretrained: Pretrained = False,
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Score events with a trained tagger: the probability of a quark jet or electron, and a flag.

    Events unlike those of the training are flagged in column out_of_distribution: their score has
    no ground.

    Example: calovision classify runs/tagger --data my-jets --out scores.csv

    Example: calovision classify --pretrained --data my-jets --out scores.csv
    """
    from calovision.events.store import EventStore
    from calovision.tasks.pretrained import CLASSIFIERS, chosen_run

    with told():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    folder = chosen_run(run, pretrained, CLASSIFIERS[store.geometry.schema])
    from calovision.tasks.classify import classify as run_tagger

    scores = run_tagger(folder, store, out)
    unlike = int(scores.out_of_distribution.sum())
    lines = [f"{len(store)} events scored, {len(store) / scores.wall_s:.0f} a second: {out}"]
    if unlike:
        lines.append(
            f"warning: {unlike} of them are unlike the training events (column"
            " out_of_distribution); do not use their scores"
        )
    result = {"out": str(out), "events": len(store), "out_of_distribution": unlike}
    emit(result, "\n".join(lines), json)
