"""Verbs on one model: train, evaluate, reconstruct, classify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.output import emit

Data = Annotated[Path, typer.Option("--data", help="Event set, from 'calovision data'.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Model = Annotated[str | None, typer.Option(help="Ours by default; 'baseline' as published.")]
Run = Annotated[Path, typer.Argument(help="Run directory, from 'calovision train'.")]
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
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
    json: Json = False,
) -> None:
    """Train a model on an event set.

    Example: calovision train jet-vae --data jets --out runs/vae --set budget_s=600
    """
    from calovision.tasks.config import load_config, parse_overrides

    overrides = parse_overrides(settings or [])
    if seed is not None:
        overrides["seed"] = seed
    if task == "symmetry":
        from calovision.cli.discover import train_symmetry
        from calovision.tasks.symmetry.settings import load_settings

        symmetry = load_settings(model, config, overrides)
        emit(*train_symmetry(symmetry, data, out, resume=resume), json)
        return
    chosen = load_config(task, model, config, overrides)
    from calovision.events.store import EventStore

    store = EventStore.open(data)
    # PyTorch takes seconds to load: bad input should not have to wait for it.
    from calovision.tasks.training import train as run_training

    run = run_training(chosen, store, out, resume=resume)
    budget = run.budget()
    emit(
        {"run": str(run.path), **budget},
        f"trained {chosen.model} in {budget['wall_s']:.0f} s, {budget['steps']} steps: {run.path}",
        json,
    )


def evaluate(run: Run, data: Data, seed: Seed = 1, json: Json = False) -> None:
    """Measure a trained model on an event set; its training events are left out.

    Example: calovision evaluate runs/vae --data test-jets
    """
    from calovision.events.store import EventStore

    store = EventStore.open(data)
    from calovision.studies.evaluation import evaluate as measure

    results = measure(run, store, seed=seed)
    lines = [
        f"{name:28s} {m['value']:10.4g} +- {m['error']:.2g} {m['unit']}"
        for name, m in results["metrics"].items()
    ]
    emit(results, "\n".join([*lines, f"written to {run / 'results.json'}"]), json)


def reconstruct(
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="Event set to write.")],
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Send an event set through a VAE; latent means go to OUT/latent.npy.

    Example: calovision reconstruct runs/vae --data test-jets --out rebuilt
    """
    from calovision.events.store import EventStore

    store = EventStore.open(data)
    from calovision.tasks.reconstruct import reconstruct as rebuild

    rebuilt = rebuild(run, store, out, seed=seed)
    emit({"out": str(out), "events": len(rebuilt)}, f"{len(rebuilt)} events in {out}", json)


def classify(
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write, .parquet or .csv.")],
    json: Json = False,
) -> None:
    """Score events with a trained tagger: the probability of a quark jet, and a flag.

    Jets unlike those of the training are flagged as foreign: their score has no ground.

    Example: calovision classify runs/tagger --data my-jets --out scores.csv
    """
    from calovision.events.store import EventStore

    store = EventStore.open(data)
    from calovision.tasks.classify import classify as run_tagger

    scores = run_tagger(run, store, out)
    foreign = int(scores.foreign.sum())
    lines = [f"{len(store)} events scored, {len(store) / scores.wall_s:.0f} a second: {out}"]
    if foreign:
        lines.append(
            f"warning: {foreign} of them are unlike the training events (column foreign);"
            " do not use their scores"
        )
    emit({"out": str(out), "events": len(store), "foreign": foreign}, "\n".join(lines), json)
