"""``calovision discover``, and its digits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.model import RunOrNone
from calovision.cli.output import Device, Pretrained, emit
from calovision.errors import InputError

Json = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]


def digits(
    out: Annotated[Path, typer.Option(help="Folder of the set to write.")],
    digit: Annotated[
        list[int] | None, typer.Option(help="Which digits; repeatable. Default: 1 and 2.")
    ] = None,
    mnist: Annotated[
        Path | None,
        typer.Option(help="MNIST's train-images-idx3-ubyte[.gz], its labels beside it."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 1,
    json: Json = False,
) -> None:
    """Write a set of real digits, a fifth of them held out before anything is turned.

    Example: calovision data digits --out digits
    """
    from calovision.api.simulate import digits as make

    made = make(digit or (1, 2), seed=seed, mnist=mnist, out=out)
    content = {"path": str(out), "digits": len(made), "hash": made.hash}
    names = ", ".join(map(str, made.classes))
    emit(content, f"{len(made)} digits ({names}), {made.test.sum()} held out: {out}", json)


def discover(
    data: Annotated[Path, typer.Option("--data", help="The set that the run was trained on.")],
    run: RunOrNone = None,
    pretrained: Pretrained = None,
    out: Annotated[
        Path | None, typer.Option(help="With --pretrained: folder for a copy of its run.")
    ] = None,
    latent: Annotated[
        int | None, typer.Option(min=1, help="Dimension of the flow's space. Default: the run's.")
    ] = None,
    ablate: Annotated[
        bool,
        typer.Option("--ablate", help="Search with one prior left out at a time, and compare."),
    ] = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Look for symmetries of a trained latent space, as flows, and measure them.

    Example: calovision discover runs/digits --data digits

    Example: calovision discover --pretrained --data digits --out found
    """
    run = _written_run(run, pretrained, out)
    from calovision.api.load import load_model

    if ablate:
        from calovision.models.symmetry.data import read_images
        from calovision.studies.symmetry_ablation import ablation, summary

        content = ablation(run, read_images(data))
        emit(content, f"{summary(content)}\nwritten to {run / 'ablation.json'}", json)
        return
    found = load_model(run, device=device).discover(data, latent=latent, quiet=False)
    measured = found.evaluate()
    lines = [found.verdict] if found.verdict else []
    lines += [f"{k:18s} {m.value:10.4g} {m.unit}".rstrip() for k, m in found.measured.items()]
    emit(measured.content, "\n".join([*lines, f"written to {run / 'results.json'}"]), json)


def _written_run(run: Path | None, pretrained: str | None, out: Path | None) -> Path:
    """The run to work in: the user's own, or a copy of the shipped one.

    Raises:
        InputError: none or both were asked for, or no place for the copy.
    """
    from calovision.models.pretrained import chosen_run, copied_run

    chosen = chosen_run(run, pretrained, ("symmetry",))
    if run is None and out is None:
        raise InputError("results are written into the run", "give --out, a folder for its copy")
    if out is not None and run is not None:
        raise InputError("results are written into the run", "leave --out away")
    return chosen if out is None else copied_run(chosen, out)
