"""``calovision evaluate``, ``reconstruct``, ``classify`` and ``model info``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.output import Device, Judges, Pretrained, SkipCorrupt, emit, warnings_to_stderr

app = typer.Typer(no_args_is_help=True, help="About trained models.")

Data = Annotated[Path, typer.Option("--data", help="Event set, from 'calovision data'.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
RunOrNone = Annotated[
    Path | None, typer.Argument(help="Run directory, from 'calovision train'; or --pretrained.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")]


def evaluate(
    data: Data,
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    out: Annotated[
        Path | None, typer.Option(help="With --pretrained: run directory to write, a copy.")
    ] = None,
    seed: Seed = 1,
    judges: Judges = None,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Measure a trained model on an event set; its training events are left out.

    They are known by their content, in whatever set or order they come, and counted. Events count
    by their column weight, if the set has one.

    Example: calovision evaluate runs/vae --data test-jets

    Example: calovision evaluate --pretrained jet-vae --data test-jets --out runs/shipped
    """
    from calovision.events.store import EventStore
    from calovision.models.pretrained import MEASURED, copy_or_run

    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    folder = copy_or_run(run, pretrained, MEASURED.get(store.geometry.schema, ()), out)
    from calovision.api.load import load_model

    model = load_model(folder, device=device)
    results = model.evaluate(store, seed=seed, judges=judges, quiet=False).content
    doubts = [f"warning: {line}" for line in results["budget"].get("warnings", [])]
    lines = [
        f"{name:28s} {m['value']:10.4g} +- {m['error']:.2g} {m['unit']}"
        for name, m in results["metrics"].items()
    ]
    lines = [*doubts, *_left_out(results["data"]), *lines, f"written to {folder / 'results.json'}"]
    emit(results, "\n".join(lines), json)


def _left_out(data: dict[str, Any]) -> list[str]:
    """What was measured on, in words."""
    lines = [f"measured on {data['events']} events that the run has not seen"]
    if training := data["training_events"]:
        lines.append(f"left out: {training} events on which it was trained or chosen")
    if repeated := data["repeated_events"]:
        lines.append(f"left out: {repeated} events that are in {data['path']} more than once")
    return lines


def reconstruct(
    data: Data,
    out: Annotated[Path, typer.Option(help="Event set to write.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    seed: Seed = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Send an event set through a VAE; latent means go to OUT/latent.npy.

    Example: calovision reconstruct runs/vae --data test-jets --out rebuilt

    Example: calovision reconstruct --pretrained --data test-jets --out rebuilt
    """
    from calovision.events.store import EventStore
    from calovision.models.pretrained import chosen_run

    folder = chosen_run(run, pretrained, ("jet-vae",))
    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    from calovision.api.load import load_model

    model = load_model(folder, device=device)
    rebuilt = model.reconstruct(store, seed=seed, out=out, quiet=False).events
    seen = EventStore.open(out).manifest["provenance"]["training_events"]
    lines = [f"{len(rebuilt)} events in {out}", *_warned(seen, len(rebuilt))]
    result = {"out": str(out), "events": len(rebuilt), "training_events": seen}
    emit(result, "\n".join(lines), json)


def classify(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write, .parquet or .csv.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Json = False,
) -> None:
    """Score events with a trained tagger: the probability of a quark jet or electron, and a flag.

    Events unlike those of the training are flagged in column out_of_distribution: their score has
    no ground. Events of the training itself are flagged, too: do not judge the tagger by them.

    Example: calovision classify runs/tagger --data my-jets --out scores.csv

    Example: calovision classify --pretrained --data my-jets --out scores.csv
    """
    from calovision.events.store import EventStore
    from calovision.models.pretrained import CLASSIFIERS, chosen_run

    with warnings_to_stderr():
        store = EventStore.open(data, skip_corrupt=skip_corrupt)
    fitting = [task for schema, task in CLASSIFIERS.items() if schema == store.geometry.schema]
    folder = chosen_run(run, pretrained, tuple(fitting))
    from calovision.api.load import load_model

    scores = load_model(folder, device=device).predict(store, out=out, quiet=False)
    unlike = int(scores.out_of_distribution.sum())
    seen = None if scores.training is None else int(scores.training.sum())
    lines = [f"{len(store)} events scored, {len(store) / scores.wall_s:.0f} a second: {out}"]
    if unlike:
        lines.append(
            f"warning: {unlike} of them are unlike the training events (column"
            " out_of_distribution); do not use their scores"
        )
    lines += _warned(seen, len(store), " (column training)")
    result = {"out": str(out), "events": len(store), "out_of_distribution": unlike}
    emit(result | {"training_events": seen}, "\n".join(lines), json)


def _warned(seen: int | None, events: int, where: str = "") -> list[str]:
    """A warning where some of the events are training events, or that cannot be told."""
    if seen is None:
        return ["warning: the run does not tell on which events it was trained"]
    if not seen:
        return []
    return [
        f"warning: the run was trained or chosen on {seen} of these {events} events{where};"
        " do not judge it by them"
    ]


@app.command()
def info(run: RunOrNone = None, pretrained: Pretrained = None, json: Json = False) -> None:
    """Print the card of a model: what it is, what it learned from, how good it is.

    Example: calovision model info --pretrained jet-tagger
    """
    from calovision.api.load import load_model
    from calovision.models.pretrained import chosen_run, shipped

    model = load_model(chosen_run(run, pretrained, shipped()), device="cpu")
    emit({"config": model.config, "budget": model.budget}, model.card, json)
