"""Write the curve of rate and distortion into docs/jet-vae.md.

Run from the root of the checkout:

    python docs/write_rates.py TRAIN TEST HITS_RUN [RUN ...]

TRAIN and TEST are event sets, HITS_RUN a run of `jet-vae --model hits`, measured at several sizes,
the others runs of other jet VAEs, measured as they are. Principal components come along.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path

from tables import markdown
from write_results import ROOT, STORED, fill

import calovision as cv
from calovision.models.load import load_autoencoder
from calovision.studies.rates import SIZES, of_components, of_sizes, rate
from calovision.training.run import RunDir

CHANNELS = ("track", "ecal", "hcal")
KEYS = [*(f"occupancy_f1_{c}" for c in CHANNELS), "emd", *(f"response_{c}" for c in CHANNELS)]
KEYS += ["probe_auc", "classifier_auc_strictest"]
FITTED = 4000  #: training events that laws of codes and components are fitted to


def main(train: str, test: str, hits: str, *others: str) -> None:
    """Measure all, keep the numbers, and write the table."""
    known, events = cv.open(train)[:FITTED], cv.open(test).load()
    runs = [RunDir(Path(run)) for run in others]
    named = chain(
        (("hits", task) for task in of_sizes(load_autoencoder(RunDir(Path(hits))), SIZES, known)),
        ((run.describe()["config"]["model"], load_autoencoder(run)) for run in runs),
        (("components", task) for task in of_components(SIZES, known)),
    )
    rows = []
    for name, task in named:
        rows.append({"model": name, **rate(task, events)})
        print(name, rows[-1]["bits"], flush=True)  # noqa: T201
    (STORED / "jet-vae-rates.json").write_text(json.dumps(rows, indent=1) + "\n")
    lines = [
        (
            r["model"],
            f"{r['bits']['numbers']:,}",
            f"{r['bits']['written']:,.0f}",
            *(f"{r['metrics'][k]['value']:.4g}" for k in KEYS),
        )
        for r in rows
    ]
    titles = ("", "numbers", "bits written", *(k.replace("_", " ") for k in KEYS))
    bits = rows[0]["bits"]
    without = f"Without loss: {bits['zstd']:,.0f} bits by zstd, {bits['parquet']:,.0f} in a store."
    fill(ROOT / "docs" / "jet-vae.md", "rates", f"{markdown(titles, lines)}\n\n{without}")


if __name__ == "__main__":
    main(*sys.argv[1:])
