"""A simulated set beside the published numbers that the detector was fitted to.

calovision data calibrate --out fitted.yaml
python docs/write_calibration.py --fitted fitted.yaml    # into detector.py and docs/simulation.md
python docs/write_calibration.py --events 12000          # shows the table
python docs/write_calibration.py --events 12000 --write  # into docs/simulation.md
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

import calovision as cv
from calovision.events.events import Events
from calovision.simulation import detector
from calovision.simulation.calibration.statistics import quantities
from calovision.simulation.calibration.table import CLASSES, Row, markdown, read_table
from calovision.simulation.calibration.table import compare as compared

PAGE = Path(__file__).with_name("simulation.md")
DETECTOR = Path(detector.__file__)
RANGE_OF = 2500  #: random jets whose smallest and largest m0 and pt are published


def compare(events: Events) -> list[Row]:
    """Simulated jets beside the table that comes with the package."""
    found = {
        group: quantities(events[events.label == label]) for label, group in enumerate(CLASSES)
    }
    return compared(read_table(), found)


def into_page(name: str, text: str) -> None:
    """Put a table between its marks on the page."""
    begin, end = f"<!-- {name} table: begin -->", f"<!-- {name} table: end -->"
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def write_constants(found: dict[str, Any]) -> None:
    """Make fitted constants those of the package, and list them with their errors on the page.

    Args:
        found: content of a file of :func:`calovision.calibrate`.
    """
    code = DETECTOR.read_text()
    lines = ["| constant | value | meaning |", "| --- | --- | --- |"]
    for name, error in found["fitted"].items():
        value = f"{found['detector'][name]:.4g}"
        code = re.sub(rf"(?m)^(    {name}: float = )\S+", rf"\g<1>{value}", code)
        line = re.search(rf"(?m)^    {name}: float = \S+  #: (.*)$", code)
        lines.append(f"| `{name}` | {value} ± {error:.2g} | {line[1] if line else ''} |")
    DETECTOR.write_text(code)
    into_page("constants", "\n".join(lines))


def main(
    events: Annotated[int, typer.Option(help="Jets to simulate.")] = 12000,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 101,
    workers: Annotated[int, typer.Option(help="Processes to use.")] = 1,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the page.")] = False,
    fitted: Annotated[
        Path | None, typer.Option(help="Only write what calovision data calibrate has fitted.")
    ] = None,
) -> None:
    """Simulate jets and compare them with the published numbers."""
    if fitted is not None:
        write_constants(yaml.safe_load(fitted.read_text()))
        return
    made = cv.simulate.jets(events, seed=seed, workers=workers).load()
    rows = compare(made)
    few = made[:RANGE_OF].columns
    extent = [f"{name} {few[name].min():.2f} to {few[name].max():.2f}" for name in ("m0", "pt")]
    text = (
        f"{events} jets, seed {seed}; {sum(row.agrees() for row in rows)} of {len(rows)} numbers "
        f"within their tolerance:\n\n{markdown(rows)}\n\n"
        f"GeV, from least to most of the first {RANGE_OF} jets: {', '.join(extent)} (published, "
        "of as many: m0 3.37 to 75.95, pt 70.11 to 337.05)."
    )
    if not write:
        typer.echo(text)
        return
    into_page("calibration", text)


if __name__ == "__main__":
    typer.run(main)
