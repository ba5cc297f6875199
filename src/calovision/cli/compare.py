"""``calovision compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calovision.cli.output import (
    Device,
    JsonFile,
    Judges,
    SkipCorrupt,
    UpTo,
    emit,
    kept,
    warnings_to_stderr,
)


def compare(
    truth: Annotated[
        Path, typer.Argument(help="True events: an event set, or HDF5 or Parquet file.")
    ],
    made: Annotated[Path, typer.Argument(help="Events to judge, in any of these forms.")],
    floor: Annotated[
        Path | None, typer.Option(help="Other true events; by default the second half of TRUTH.")
    ] = None,
    training: Annotated[
        Path | None,
        typer.Option(help="Training events of MADE's generator: is it a memory of them?"),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Compare events of this class alone, such as gluon.")
    ] = None,
    pt: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Compare events with pt between these alone, GeV."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(help="Compute this metric alone, such as fpd; repeatable."),
    ] = None,
    judges: Judges = None,
    out: JsonFile = None,
    events: UpTo = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    device: Device = "auto",
    skip_corrupt: SkipCorrupt = False,
    json: Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")] = False,
) -> None:
    """Measure how far events MADE are from the true events TRUTH, beside truth against truth.

    True events that MADE's generator was trained on, or that are in MADE, are left out and counted.

    Example: calovision compare test-jets generated --floor more-test-jets --training train-jets

    Example: calovision compare test-jets generated --label gluon --pt 100 140

    Example: calovision compare test-jets generated --judges trees,patterns

    Example: calovision compare dataset_2_2.hdf5 my-showers.hdf5
    """
    from calovision.api.compare import compare as measure
    from calovision.evaluation.independence import left_out_lines
    from calovision.evaluation.published import lines_of

    with warnings_to_stderr():
        result: dict[str, Any] = measure(
            truth,
            made,
            floor=floor,
            training=training,
            label=label,
            pt=pt,
            metrics=metrics,
            judges=judges,
            events=events,
            seed=seed,
            device=device,
            skip_corrupt=skip_corrupt,
        ).content
    for sentence in result["warnings"]:
        typer.echo(f"warning: {sentence}", err=True)
    compared = result["a"]["compared"]
    strictest = result["strictest"]
    told_of = left_out_lines(result["left_out"])
    lines = [f"{compared} events of each compared", *told_of]
    if strictest is not None:
        auc = result["judges"][strictest]["auc"]
        lines.append(f"strictest judge: {strictest}, AUC {auc['value']:.4f} +- {auc['error']:.2g}")
    lines += ["", *table(result["metrics"])]
    for name, of_class in result["classes"].items():
        lines += ["", f"{name}:", *table(of_class)]
    if result["published"] is not None:
        lines += ["", *lines_of(result["published"])]
    emit(result, "\n".join([*lines, *kept(result, out)]), json)


def table(metrics: dict[str, dict[str, Any]]) -> list[str]:
    """Aligned lines of metrics: value, error, unit, floor and the ratio of value to floor."""
    lines = [f"{'':26}{'value':>11}{'error':>10} {'unit':<7}{'floor':>10}{'ratio':>8}"]
    for name, m in metrics.items():
        numbers = f"{_number(m['value']):>11}{_number(m['error'], 2):>10} {m['unit']:<7}"
        lines.append(f"{name:26}{numbers}{_number(m['floor'], 3):>10}{_ratio(name, m):>8}")
    return lines


def _number(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}g}"


def _ratio(name: str, metric: dict[str, Any]) -> str:
    """Value over floor of a distance; AUCs have floors far from 0, which ratios hide."""
    value, floor = metric["value"], metric["floor"]
    known = value is not None and floor is not None and floor > 0 and "auc" not in name
    return f"{value / floor:.1f}" if known else "-"
