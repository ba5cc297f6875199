"""How true is it? Tables and figures of docs/truth.md, from docs/results/truth.json.

python docs/write_truth.py --measure                      # simulated jets beside published numbers
python docs/write_truth.py --measure --crops crops.npz    # crops too, beside recorded ones
python docs/write_truth.py                                # the page again
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import compare_crops
import numpy as np
import typer
from matplotlib.figure import Figure
from tables import markdown, number
from write_calibration import compare

import calovision as cv
from calovision.metrics.classification import auc_metric
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.reports.plots.style import BLUE, ORANGE, canvas, name_rows, styled
from calovision.simulation.calibration.table import Row
from calovision.utils.files import write_json

DOCS = Path(__file__).resolve().parent
PAGE, STORED = DOCS / "truth.md", DOCS / "results" / "truth.json"
JETS_SEED, CROPS_SEED = 101, 1
#: published numbers as one says them
TITLES = {
    "pixels_track": "lit Track pixels",
    "pixels_ecal": "lit ECAL pixels",
    "pixels_hcal": "lit HCAL pixels",
    "pixels_any": "lit pixels of any channel",
    "mean_pixel_track": "mean Track pixel, 1e-5 units",
    "mean_pixel_ecal": "mean ECAL pixel, 1e-5 units",
    "mean_pixel_hcal": "mean HCAL pixel, 1e-5 units",
    "m0": "m0, GeV",
    "pt": "pt, GeV",
}
STATISTICS = {"mean": "mean", "sd": "standard deviation"}
#: study, model and what it makes
SYSTEMS = (
    ("jet-generation", "cascade", "generated jets, best selected"),
    ("jet-generation", "cascade-all", "generated jets, all kept"),
    ("jet-generation", "baseline", "generated jets, published DDPM"),
    ("jet-vae", "point", "jets out of our VAE"),
    ("jet-vae", "baseline", "jets out of the published VAE"),
)


def measure(jets: int, crops: Path | None) -> None:
    """Simulate jets, and crops if there are recorded ones, and keep what is compared."""
    found = json.loads(STORED.read_text()) if STORED.exists() else {}
    if jets:
        made = cv.simulate.jets(jets, seed=JETS_SEED).load()
        found["jets"] = {"events": jets, "rows": [asdict(row) for row in compare(made)]}
    if crops is not None:
        real = compare_crops.read(crops)
        simulated = compare_crops.simulated(10_000, CROPS_SEED)
        names = ("quantity", "class", "recorded", "error", "simulated", "pull")
        rows = compare_crops.by_class(real, simulated)
        value, error = compare_crops.learned(real, simulated, CROPS_SEED)
        found["crops"] = {
            "events": len(real.label),
            "rows": [dict(zip(names, row, strict=True)) for row in rows],
            "distances": compare_crops.distances(real, simulated, CROPS_SEED),
            "trees": {"auc": definition("auc").measured(value, error).to_dict()},
            "network": {"auc": shipped_auc(real).to_dict()},
        }
    write_json(STORED, found)


def shipped_auc(real: compare_crops.Crops) -> Metric:
    """AUC of the classifier that ships on recorded energies, all times 0."""
    images = np.stack([real.energy, np.zeros_like(real.energy)], 1)
    with warnings.catch_warnings(action="ignore"):  # such crops are told to be unlike its own
        crops = cv.from_images(images, cv.EGAMMA_CROPS, unit="gev", channels="first")
        scores = cv.pretrained("egamma").predict(crops, quiet=True)
    return auc_metric(scores.probability, real.label, seed=CROPS_SEED)


def jets_table(rows: list[Row]) -> str:
    """Published and simulated numbers of both classes, a line each."""
    kinds = dict.fromkeys((row.quantity, row.statistic) for row in rows)
    lines = []
    for quantity, statistic in kinds:
        own = {r.group: r for r in rows if (r.quantity, r.statistic) == (quantity, statistic)}
        kind = STATISTICS.get(statistic, f"{statistic.removeprefix('p')} %")
        cells = []
        for group in ("gluon", "quark", "difference"):
            if group not in own:
                cells.append("")
                continue
            row = own[group]
            text = f"{row.published:.4g} / {row.simulated:.4g} ({row.deviation:+.1%})"
            cells.append(text if row.agrees() else f"**{text}**")
        lines.append([f"{TITLES[quantity]}: {kind}", *cells])
    head = ["published / simulated", "gluon", "quark", "gluon - quark"]
    return markdown(head, lines)


def crops_table(found: dict[str, Any]) -> str:
    """Recorded and simulated means of both classes."""
    quantities = dict.fromkeys(row["quantity"] for row in found["rows"])
    lines = []
    for quantity in quantities:
        cells = [
            f"{r['recorded']:.4g} ± {r['error']:.2g} / {r['simulated']:.4g} ({r['pull']:+.1f})"
            for r in found["rows"]
            if r["quantity"] == quantity
        ]
        lines.append([quantity, *cells])
    table = markdown(["recorded / simulated (sigma)", "photon", "electron"], lines)
    apart = ", ".join(
        f"{name} {value / floor:.1f} times its floor"
        for name, (value, floor) in found["distances"].items()
    )
    return (
        f"{table}\n\n{apart}. Trees that the simulation has taught to tell photons from electrons "
        f"reach an AUC of {number(found['trees']['auc'])} on the {found['events']} recorded crops, "
        f"the network that ships {number(found['network']['auc'])} with all times 0."
    )


def judged_table() -> str:
    """What the strictest judge says of all that is generated or reconstructed."""
    lines = []
    for study, model, title in SYSTEMS:
        content = json.loads((STORED.parent / f"{study}.json").read_text())
        result = next((m for m in content["models"] if m["model"] == model), None)
        metrics = result["metrics"] if result else {}
        judges = ("strictest", "patterns", "cells", "hits")
        named = {k: metrics.get(f"classifier_auc_{k}") for k in judges}
        named["trees"] = metrics.get("classifier_auc")
        cells = [number(named[k]) for k in ("strictest", "trees", "patterns", "cells", "hits")]
        lines.append([title, *cells])
    head = ["told from simulated jets", "strictest", "trees on observables", "trees on patterns"]
    return markdown([*head, "network on cells", "network on hits"], lines)


@styled
def pulls(names: list[str], values: dict[str, list[float]], label: str) -> Figure:
    """Deviations of two classes, by quantity; a band of one."""
    figure = canvas(0.9 + 0.3 * len(names))
    ax = figure.subplots()
    ax.axvspan(-1, 1, color="#dddddd", linewidth=0)
    for (group, own), colour, shift in zip(
        values.items(), (ORANGE, BLUE), (-0.12, 0.12), strict=True
    ):
        ax.plot(own, np.arange(len(own)) + shift, "o", color=colour, label=group)
    name_rows(ax, names, 9)
    ax.set_xlabel(label)
    ax.legend(loc="best", fontsize=9)
    return figure


def draw(found: dict[str, Any], rows: list[Row]) -> None:
    """Both figures of the page."""
    kinds = list(dict.fromkeys((row.quantity, row.statistic) for row in rows))
    by = {(r.quantity, r.statistic, r.group): r for r in rows}
    names = [f"{TITLES[q].split(',')[0]}, {STATISTICS.get(s, s)}" for q, s in kinds]
    values = {
        group: [by[q, s, group].deviation / by[q, s, group].tolerance for q, s in kinds]
        for group in ("gluon", "quark")
    }
    figure = pulls(names, values, "deviation over its tolerance")
    figure.savefig(DOCS / "images" / "truth-jets.png", dpi=90, bbox_inches="tight")
    if "crops" in found:
        of = {(r["quantity"], r["class"]): r["pull"] for r in found["crops"]["rows"]}
        names = list(dict.fromkeys(q for q, _ in of))
        values = {kind: [of[q, kind] for q in names] for kind in ("photon", "electron")}
        figure = pulls(names, values, "simulated - recorded, sigma")
        figure.savefig(DOCS / "images" / "truth-crops.png", dpi=90, bbox_inches="tight")


def fill(name: str, text: str) -> None:
    """Put a table between its marks on the page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main(
    measured: Annotated[bool, typer.Option("--measure", help="Simulate and compare.")] = False,
    jets: Annotated[int, typer.Option(help="Jets to simulate; 0 keeps their numbers.")] = 12_000,
    crops: Annotated[Path | None, typer.Option(help="Recorded crops, as compare_crops.")] = None,
) -> None:
    """Compare, if asked to, and write the page."""
    if measured:
        measure(jets, crops)
    found = json.loads(STORED.read_text())
    rows = [Row(**row) for row in found["jets"]["rows"]]
    agree = sum(row.agrees() for row in rows)
    fill(
        "jets",
        f"{found['jets']['events']:,} simulated jets: {agree} of {len(rows)} numbers lie within "
        f"their tolerance, the others are bold.\n\n{jets_table(rows)}",
    )
    if "crops" in found:
        fill("crops", crops_table(found["crops"]))
    fill("judges", judged_table())
    draw(found, rows)


if __name__ == "__main__":
    typer.run(main)
