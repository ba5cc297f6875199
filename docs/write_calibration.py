"""A simulated set beside the published numbers that the detector was fitted to.

python docs/write_calibration.py --events 12000          # shows the table
python docs/write_calibration.py --events 12000 --write  # into docs/simulation.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import calovision as cv
from calovision.events.events import Events
from calovision.simulation.calibration.statistics import quantities
from calovision.simulation.calibration.table import CLASSES, Row, markdown, read_table
from calovision.simulation.calibration.table import compare as compared

PAGE = Path(__file__).with_name("simulation.md")
_BEGIN, _END = "<!-- calibration table: begin -->", "<!-- calibration table: end -->"
RANGE_OF = 2500  #: random jets whose smallest and largest m0 and pt are published


def compare(events: Events) -> list[Row]:
    """Simulated jets beside the table that comes with the package."""
    found = {
        group: quantities(events[events.label == label]) for label, group in enumerate(CLASSES)
    }
    return compared(read_table(), found)


def main(
    events: Annotated[int, typer.Option(help="Jets to simulate.")] = 12000,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 101,
    workers: Annotated[int, typer.Option(help="Processes to use.")] = 1,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the page.")] = False,
) -> None:
    """Simulate jets and compare them with the published numbers."""
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
    page = PAGE.read_text()
    before, rest = page.split(_BEGIN)
    after = rest.split(_END)[1]
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}")


if __name__ == "__main__":
    typer.run(main)
