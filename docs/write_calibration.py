"""The published quark/gluon images in numbers, and a simulated set beside them.

python docs/write_calibration.py --events 20000          # shows the table
python docs/write_calibration.py --events 20000 --write  # into docs/simulation.md
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import calovision as cv
from calovision.events.events import Events
from calovision.simulation.pythia import GLUON, QUARK

CLASSES = {"gluon": GLUON, "quark": QUARK}
#: Means of the CMS Open Data set quark-gluon_data-set_n139306, for gluon and quark jets.
PUBLISHED = {
    "nonzero pixels, track": (83.0, 73.0),
    "nonzero pixels, ecal": (272.0, 220.0),
    "nonzero pixels, hcal": (441.0, 400.0),
    "mean pixel 1e-5, track": (8.1, 7.9),
    "mean pixel 1e-5, ecal": (4.9, 5.3),
    "mean pixel 1e-5, hcal": (2.9, 3.3),
    "m0, GeV": (23.2, 19.6),
    "pt, GeV": (114.0, 118.0),
}
#: Standard deviation and 5, 50 and 95 % quantiles, for gluon and quark jets.
PUBLISHED_SPREAD = {
    "m0, GeV": ((6.8, 14.0, 22.0, 36.0), (6.1, 11.0, 19.0, 31.0)),
    "pt, GeV": ((26.0, 81.0, 109.0, 165.0), (26.0, 86.0, 113.0, 168.0)),
}
#: Largest relative deviation of a mean, and of the class difference of nonzero pixels.
TOLERANCE = {"nonzero": 0.08, "mean": 0.10, "m0": 0.05, "pt": 0.05, "difference": 0.25}


@dataclass(frozen=True)
class Row:
    """One number of the comparison.

    Attributes:
        name: what is compared.
        group: ``gluon``, ``quark`` or ``difference`` (gluon minus quark).
        published: in the CMS set.
        simulated: in the simulated set.
        error: statistical error of ``simulated``.
        tolerance: largest relative deviation that is accepted, or None if the number is only
            shown.
    """

    name: str
    group: str
    published: float
    simulated: float
    error: float
    tolerance: float | None = None

    @property
    def deviation(self) -> float:
        """Relative deviation from the published number."""
        return self.simulated / self.published - 1

    def agrees(self, sigmas: float = 0.0) -> bool:
        """Whether the deviation is within the tolerance, widened by so many errors."""
        if self.tolerance is None:
            return True
        room = self.tolerance * abs(self.published) + sigmas * self.error
        return abs(self.simulated - self.published) <= room


def observables(events: Events) -> dict[str, NDArray[np.float64]]:
    """Per jet ``(n,)``: every quantity of the published table, in its units."""
    geometry = events.geometry
    result: dict[str, NDArray[np.float64]] = {}
    area = np.array([c.block**2 for c in geometry.channels])
    pixels = events.counts() * area
    unit = np.array([c.gev_per_unit for c in geometry.channels])
    mean = events.sums() / unit / geometry.cells * 1e5
    for i, name in enumerate(geometry.channel_names):
        result[f"nonzero pixels, {name}"] = pixels[:, i].astype(np.float64)
    for i, name in enumerate(geometry.channel_names):
        result[f"mean pixel 1e-5, {name}"] = mean[:, i]
    result["m0, GeV"] = events.columns["m0"].astype(np.float64)
    result["pt, GeV"] = events.columns["pt"].astype(np.float64)
    return result


def compare(events: Events) -> list[Row]:
    """Compare simulated jets with the published means and class differences."""
    rows = []
    values = observables(events)
    for name, published in PUBLISHED.items():
        mean, error = {}, {}
        for group, label in CLASSES.items():
            own = values[name][events.label == label]
            mean[group], error[group] = own.mean(), own.std() / np.sqrt(len(own))
            tolerance = TOLERANCE[name.replace(",", " ").split()[0]]
            rows.append(Row(name, group, published[label], mean[group], error[group], tolerance))
        if name.startswith("nonzero"):
            rows.append(
                Row(
                    name,
                    "difference",
                    published[GLUON] - published[QUARK],
                    mean["gluon"] - mean["quark"],
                    float(np.hypot(error["gluon"], error["quark"])),
                    TOLERANCE["difference"],
                )
            )
    return rows


def spread(events: Events) -> list[Row]:
    """Standard deviations and quantiles of m0 and pt; shown, not demanded."""
    rows = []
    values = observables(events)
    for name, published in PUBLISHED_SPREAD.items():
        for group, label in CLASSES.items():
            own = values[name][events.label == label]
            found = (own.std(), *np.quantile(own, [0.05, 0.5, 0.95]))
            for kind, there, here in zip(
                ("std", "5 %", "50 %", "95 %"), published[label], found, strict=True
            ):
                rows.append(Row(f"{name}, {kind}", group, there, float(here), 0.0))
    return rows


def table(rows: list[Row]) -> str:
    """The comparison as a Markdown table."""
    lines = [
        "| quantity | class | published | simulated | deviation | accepted |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        error = f" ± {row.error:.2g}" if row.error else ""
        accepted = ""
        if row.tolerance is not None:
            accepted = f"{row.tolerance:.0%}" + ("" if row.agrees() else " (missed)")
        lines.append(
            f"| {row.name} | {row.group} | {row.published:g} | {row.simulated:.3g}{error} "
            f"| {row.deviation:+.1%} | {accepted} |"
        )
    return "\n".join(lines)


PAGE = Path(__file__).with_name("simulation.md")
_BEGIN, _END = "<!-- calibration table: begin -->", "<!-- calibration table: end -->"


def main(
    events: Annotated[int, typer.Option(help="Jets to simulate.")] = 20000,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes to use.")] = 1,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the page.")] = False,
) -> None:
    """Simulate jets and compare them with the published table."""
    made = cv.simulate.jets(events, seed=seed, workers=workers).load()
    text = f"{events} jets, seed {seed}:\n\n{table(compare(made) + spread(made))}"
    if not write:
        typer.echo(text)
        return
    page = PAGE.read_text()
    before, rest = page.split(_BEGIN)
    after = rest.split(_END)[1]
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}")


if __name__ == "__main__":
    typer.run(main)
