"""Put the judges to the test: broken generators of every kind, into docs/results and a table.

Run by hand from the root of the checkout:

    python docs/write_judges.py --measure                                  # all judges, hours
    python docs/write_judges.py --measure --jets 4000 --judges trees,patterns
    python docs/write_judges.py                                            # the table again
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from broken_generators import FAULTS, NONE
from tables import markdown

import calovision as cv
from calovision.evaluation import judges as bench
from calovision.evaluation import network_judges
from calovision.evaluation.samples import Samples
from calovision.features.observables import observable_matrix
from calovision.utils.files import write_json

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "judges.json"
PAGE = ROOT / "docs" / "metrics.md"
BEGIN, END = "<!-- judges: begin -->", "<!-- judges: end -->"
SEED = 20250301
TITLES = {
    "trees": "trees on observables",
    "patterns": "trees on patterns",
    "cells": "network on cells",
    "hits": "network on hits",
}


def measure(jets: int, judges: tuple[str, ...]) -> None:
    """Ask the judges about every fault, and keep what they say; others' words stay."""
    # Without curves of learning, which the table does not show.
    bench.SHARES = (1,)
    learning = replace(network_judges.LEARNING, shares=(1,))
    networks = {"cells": network_judges.cells, "hits": network_judges.hits}
    simulated = cv.simulate.jets(2 * jets, seed=SEED)
    truth, other = simulated[:jets], simulated[jets:]
    known = json.loads(STORED.read_text()) if STORED.exists() else {}
    rows: dict[str, Any] = known.get("rows", {}) if known.get("jets") == jets else {}
    for name, fault in ((NONE, lambda events, _: events), *FAULTS.items()):
        made = fault(other, np.random.default_rng(SEED))
        tables, (names, _) = zip(*map(observable_matrix, (truth, made)), strict=True)
        samples = Samples((truth, made), tables, names)
        told = rows.setdefault(name, dict.fromkeys(bench.JUDGES))
        for judge in judges:
            if judge in networks:
                auc = networks[judge](samples, 1, SEED, "auto", learning).auc
            else:
                auc = bench.JUDGES[judge].function(samples, 1, SEED, "auto").auc
            told[judge] = {"value": round(auc.value, 4), "error": round(auc.error, 4)}
        sys.stdout.write(f"{name}: {told}\n")
        write_json(STORED, {"jets": jets, "seed": SEED, "rows": rows})


def table(content: dict[str, Any]) -> str:
    """A row for every fault, a column for every judge."""
    rows = [
        (name, *("-" if a is None else f"{a['value']:.3f} ± {a['error']:.3f}" for a in of.values()))
        for name, of in content["rows"].items()
    ]
    text = markdown(("what is wrong", *TITLES.values()), rows)
    return f"{text}\n\n{content['jets']:,} jets of each; AUC, errors: bootstrap; -: not measured."


def main() -> None:
    """Measure if asked to, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--jets", type=int, default=10_000)
    parser.add_argument("--judges", default=",".join(bench.JUDGES))
    given = parser.parse_args()
    if given.measure:
        measure(given.jets, bench.asked(given.judges))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = table(json.loads(STORED.read_text()))
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
