"""What every constant of the detector moves, measured, into docs/constants.md.

    python docs/write_constants.py 400   # measure with 400 jets, minutes
    python docs/write_constants.py       # the table again, from docs/results

The same jets, with the same random numbers, go through the detector once more with one constant
30 % smaller; what is shown are the relative changes of means over the jets. Beyond the constant's
own step the random numbers may fall differently, so only what exceeds its error clearly is shown.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.simulation import detector as room
from calovision.simulation.calibration.sample import Sample, sample
from calovision.simulation.calibration.statistics import quantities
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.jets import detect

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "constants.json"
PAGE = ROOT / "docs" / "constants.md"
MARKS = ("<!-- constants: begin -->", "<!-- constants: end -->")
SEED = 17
FACTOR = 0.7  #: of a constant; smaller, since efficiencies end at 1
SHARE = 0.2  #: of the pile-up library that is exposed again for each constant
SHOWN = {
    "pixels_track": "tracks",
    "pixels_ecal": "ECAL hits",
    "pixels_hcal": "HCAL hits",
    "mean_pixel_track": "track energy",
    "mean_pixel_ecal": "ECAL energy",
    "mean_pixel_hcal": "HCAL energy",
    "pt": "jet pT",
    "m0": "jet mass",
}
LEAST = 0.003  #: smaller changes are not shown
CLEAR = 4.0  #: nor are those within so many errors
#: shape and segmentation, of which the images' grid is made, and what only selects jets
LEFT_OUT = ("crystal_eta", "crystal_phi", "jet_radius", "jet_threshold", "jet_turn_on")


def described() -> dict[str, str]:
    """What every constant is, from the comments beside it."""
    text = Path(room.__file__).read_text()
    return dict(re.findall(r"(?m)^    (\w+): (?:float|int) = [^#\n]+#: (.*)$", text))


def seen(jets: Sample, detector: Detector) -> dict[str, NDArray[np.float64]]:
    """Every quantity, jet by jet."""
    library = jets.response(detector)
    parts = [
        quantities(detect(j, jets.seed, detector, minimum_bias=library)) for j in jets.jets.values()
    ]
    return {k: np.concatenate([p[k] for p in parts]) for k in SHOWN}


def measure(events: int) -> dict[str, Any]:
    """Relative changes by constant, each with its statistical error."""
    jets = sample(events, SEED)
    jets = Sample(jets.jets, max(1, round(SHARE * jets.collisions)), jets.seed)
    usual = seen(jets, CMS_BARREL)
    rows = {}
    for name, value in CMS_BARREL._asdict().items():
        if name in LEFT_OUT or not value:
            continue
        less = value - 1 if isinstance(value, int) else FACTOR * value
        moved = seen(jets, CMS_BARREL._replace(**{name: less}))
        changes = {k: (moved[k] - usual[k]) / usual[k].mean() for k in SHOWN}
        rows[name] = {
            k: [float(c.mean()), float(c.std(ddof=1) / np.sqrt(len(c)))] for k, c in changes.items()
        }
        print(name, len(rows), flush=True)  # noqa: T201
    return {"jets": events, "seed": SEED, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """A row a constant, with what it moves most first."""
    about = described()
    lines = ["| constant | value | what it is | 30% less moves |", "| --- | --- | --- | --- |"]
    for name, changes in result["rows"].items():
        most = sorted(SHOWN, key=lambda k: -abs(changes[k][0]))
        clear = [k for k in most if abs(changes[k][0]) > max(LEAST, CLEAR * changes[k][1])]
        text = ", ".join(f"{SHOWN[k]} {changes[k][0]:+.1%}" for k in clear) or "nothing clearly"
        value = getattr(CMS_BARREL, name)
        lines.append(f"| `{name}` | {value:g} | {about.get(name, '')} | {text} |")
    note = (
        f"{result['jets']} jets, seed {result['seed']}, with the same random numbers for every"
        f" step; whole numbers are one less. Changes of means beyond {LEAST:.1%} and {CLEAR:g}"
        " statistical errors, with no cut on the jet."
    )
    return "\n".join([*lines, "", note])


def main() -> None:
    """Measure if a number of jets is given, then write the table."""
    if len(sys.argv) > 1:
        STORED.write_text(json.dumps(measure(int(sys.argv[1])), indent=1) + "\n")
    before, rest = PAGE.read_text().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    text = table(json.loads(STORED.read_text()))
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
