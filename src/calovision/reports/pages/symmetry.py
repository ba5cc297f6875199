"""The report of the symmetry study.

Beside what every study has (see :mod:`calovision.reports.sources`) it draws::

    flows.npz    "MODEL/dLATENT/DIGIT/WHAT": times, angle, covered, frames, degrees, flowed, true,
                 period; "MODEL/dLATENT/latent/WHAT": points, velocity, label
    found.json   "MODEL/dLATENT" to what the search says: verdict, leaks, spectrum
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from calovision.reports.html import Section
from calovision.reports.pages.common import Study, metric_groups
from calovision.reports.plots import symmetry as draw
from calovision.reports.slider import slider
from calovision.reports.sources import OURS, Arrays, Source
from calovision.reports.tables import Table, pivot

Parts = dict[str, dict[str, dict[int, Arrays]]]


def parts_of(source: Source) -> tuple[Parts, dict[str, dict[str, Arrays]]]:
    """Arrays of digits by model, latent space and digit, and of latent maps."""
    digits: Parts = {}
    maps: dict[str, dict[str, Arrays]] = {}
    for key, values in source.arrays("flows.npz").items():
        model, space, of, what = key.split("/")
        model = source.names.get(model, model)
        if of == "latent":
            maps.setdefault(model, {}).setdefault(space, {})[f"latent/{what}"] = values
        else:
            found = digits.setdefault(model, {}).setdefault(space, {})
            found.setdefault(int(of), {})[what] = values
    return digits, maps


def _parts(source: Source) -> Iterator[Section | None]:
    digits, maps = parts_of(source)
    yield _slider(digits.get(OURS, {}))
    yield _rows(digits)
    yield _angles(digits)
    yield _maps(maps.get(OURS, {}))
    yield _spectrum(source)
    yield from metric_groups(source)


def _slider(ours: dict[str, dict[int, Arrays]]) -> Section | None:
    if not ours:
        return None
    text = (
        "Move the slider: digits that no model has seen flow along the generator that was found, "
        "above the true rotations that are nearest to them. Nobody told the search what a "
        "rotation is."
    )
    widgets = []
    for space, of in ours.items():
        rows = {}
        for digit, part in of.items():
            rows[f"{digit}, {space}: flow"] = part["flowed"]
            rows[f"{digit}, {space}: true rotation"] = part["true"]
        frames = next(iter(of.values()))
        shares = np.linspace(0, 1, frames["flowed"].shape[1])
        words = [f"{share:.0%} of the way" for share in shares]
        widgets.append(slider(f"flow-{space}", f"Time along the flow, {space}", rows, words))
    return Section("The flow", text, widget="\n".join(widgets))


def _rows(digits: Parts) -> Section | None:
    figures = []
    for model, spaces in digits.items():
        for digit in sorted({d for of in spaces.values() for d in of}):
            parts = {space: of[digit] for space, of in spaces.items() if digit in of}
            caption = (
                f"A {digit} along the flow of {model}, above the true rotations that are nearest."
            )
            figures.append((draw.rows(parts, digit, model), caption))
    if not figures:
        return None
    text = "Every pair of rows is one held-out digit; time runs from left to right."
    return Section("Flowed digits and true rotations", text, figures, paired=False)


def _angles(digits: Parts) -> Section | None:
    figures = []
    for space in sorted({s for of in digits.values() for s in of}, reverse=True):
        parts = {model: of[space] for model, of in digits.items() if space in of}
        caption = (
            f"{space}: the angle of the nearest true rotation against time, a line a digit. The "
            "dashed line is the angle after which the digit is itself again."
        )
        figures.append((draw.angles(parts), caption))
    if not figures:
        return None
    text = (
        "A flow that rotates gives straight lines beyond the dashed one; a line that turns back "
        "or stays flat does not rotate."
    )
    return Section("Angle against time", text, figures)


def _maps(maps: dict[str, Arrays]) -> Section | None:
    figures = []
    for space, part in maps.items():
        caption = f"{space}: latent points of turned digits, and the flow's velocity."
        figures.append((draw.flow_field(part, int(space.removeprefix("d"))), caption))
    if not figures:
        return None
    text = "Turned copies of a digit lie on a ring; the flow goes round it."
    return Section("The latent space", text, figures)


def _spectrum(source: Source) -> Section | None:
    named = {}
    for key, found in source.content("found.json").items():
        model, space = key.split("/")
        named[f"{source.names.get(model, model)}/{space}"] = found
    about = next((v for v in named.values() if "spectrum" in v), None)
    if about is None:
        return None
    of, leaks = about["spectrum"], about["leaks"]
    text = (
        f"The search says: {about['verdict']}. The best rigid motion of the images leaks "
        f"{leaks[0]:.1%} of its squared velocity off the data or past the oracle"
        + (f"; the second best {leaks[1]:.0%}. " if leaks[1:] else ". ")
        + f"Its frequencies lie {of['residual']:.3f} from whole multiples of one frequency on "
        "average (random ones would lie 0.25 away)"
        + (", so the group closes, and its time is an angle." if of["closes"] else ".")
    )
    figure = draw.spectrum(of["frequencies"], of["fundamental"])
    caption = "Frequencies of the linear action, before they are rounded to whole multiples."
    return Section("The group that was found", text, [(figure, caption)], tables=_brackets(named))


def _brackets(found: dict[str, Any]) -> list[Table]:
    tables = []
    for name, about in found.items():
        if "brackets" not in about:
            continue
        names, size, rest = (about["brackets"][k] for k in ("names", "size", "open"))
        cells = {
            (names[j], names[k]): f"{size[j][k]:.2f} ({rest[j][k]:.0%})"
            for j, k in permutations(range(len(names)), 2)
        }
        caption = (
            f"{name}: size of the Lie bracket of two generators, and in brackets the share of it "
            "outside their span; an algebra that closes has 0 %."
        )
        tables.append(pivot("", names, names, cells, caption))
    return tables


STUDY = Study(
    "Symmetries found in a latent space",
    "Turned handwritten digits, a latent space, and a search that is told neither angles nor "
    "pairs: does it find rotation?",
    "The published search is rebuilt beside ours, on the same digits.",
    ("cover_1_d5", "cover_2_d5", "cover_2_d2", "cover_1_d2"),
    _parts,
)
