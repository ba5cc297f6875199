"""Write what the search for symmetries finds beyond the study into docs/symmetry.md.

Run from the root of the checkout, with runs of 'train symmetry' and 'discover' (and, for
``ablation``, of 'discover --ablate'):

    python docs/write_symmetry.py ablation=RUN discrete=RUN digits=RUN jets=RUN crops=RUN
    python docs/write_symmetry.py beyond=STUDY   # of 'study symmetry'
    python docs/write_symmetry.py                # the tables again, from docs/results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tables import markdown, number

ROOT = Path(__file__).resolve().parent.parent
STORED = ROOT / "docs" / "results" / "symmetry-beyond.json"
PAGE = ROOT / "docs" / "symmetry.md"
MARKS = "<!-- {}: begin -->", "<!-- {}: end -->"
FLOW = {
    "cover": "angle covered",
    "complete": "come round",
    "r2": "evenness, R²",
    "fidelity": "fidelity",
    "rebuilt": "the VAE's own SSIM",
    "drift": "oracle drift",
    "closure": "closure",
}
ABLATED = {k: FLOW[k] for k in ("cover", "complete", "r2", "fidelity", "drift")}
MOTIONS = {
    "eta_mirrored": "mirrored in eta",
    "phi_mirrored": "mirrored in phi",
    "half_turn": "half a turn",
    "quarter_turn": "a quarter of a turn",
    "eighth_turn": "an eighth of a turn",
    "flow": "along the flow that was found, decoded",
}
EVENTS = {"jets": ("gluon", "quark"), "crops": ("photon", "electron")}


def store(name: str, run: Path) -> dict[str, Any]:
    """What a run's files say, without paths."""
    if name == "ablation":
        return dict(json.loads((run / "ablation.json").read_text()))
    if name == "beyond":
        content = json.loads((run / "beyond.json").read_text())
        content["false_discoveries"].pop("rows")
        return dict(content)
    results = json.loads((run / "results.json").read_text())
    results["data"].pop("path")
    (found,) = run.glob("d*/found.json")
    about = json.loads(found.read_text())
    kept = {k: about[k] for k in ("verdict", "evidence", "spectrum")}
    return {"results": results, "found": kept}


def _classes(content: dict[str, Any]) -> tuple[int, list[int]]:
    """Latent dimension, and the classes that were followed."""
    keys = [k for k in content["results"]["metrics"] if k.startswith("cover_")]
    return (int(keys[0].rsplit("_d", 1)[1]) if keys else 0), [int(k.split("_")[1]) for k in keys]


def flows(content: dict[str, Any], names: tuple[str, ...] = ()) -> str:
    """A row for every class that was followed."""
    latent, classes = _classes(content)
    of = content["results"]["metrics"]
    rows = []
    for k in classes:
        name = names[k] if names else f"digit {k}"
        rows.append((name, *(number(of.get(f"{key}_{k}_d{latent}")) for key in FLOW)))
    table = markdown((f"d = {latent}", *FLOW.values()), rows) + "\n\n" if rows else ""
    return table + said(content)


def said(content: dict[str, Any]) -> str:
    """The verdict of the search, and what it cost."""
    found = content["found"]
    of, results = found["evidence"], content["results"]
    group = ""
    if found["verdict"] == "a symmetry":
        closes = "closes" if found["spectrum"]["closes"] else "does not close"
        residual = found["spectrum"]["residual"]
        group = f"; the group {closes}: frequencies {residual:.3f} from whole multiples"
    return (
        f"The search says: {found['verdict']} (leak {of['leak']:.3f}, distortion "
        f"{of['distortion']:.3f}, drift of the oracle {of['drift']:.3f}{group}). Seed "
        f"{results['seed']}, {results['data']['events']} held-out images, "
        f"{results['budget']['cpu_s'] / 60:.1f} minutes of one core."
    )


def discrete(content: dict[str, Any]) -> str:
    """Digits in twelve orientations."""
    return flows(content["discrete"])


def digits(content: dict[str, Any]) -> str:
    """Ten digits."""
    return flows(content["digits"])


def ablation(content: dict[str, Any]) -> str:
    """A row for every prior that is left out, and class."""
    rows = []
    for row in content["ablation"]["rows"]:
        for name, of in row["classes"].items():
            leak = "-" if row["leak"] is None else f"{row['leak']:.3f}"
            head = (row["without"], name, leak)
            rows.append((*head, *(number(of[key]) for key in ABLATED)))
    return markdown(("left out", "digit", "leak", *ABLATED.values()), rows)


def physics(content: dict[str, Any]) -> str:
    """Jets and crops: what was found, and what breaks the symmetries of the plane."""
    parts = []
    for name, classes in EVENTS.items():
        if name not in content:
            continue
        parts += [f"**{name.capitalize()}.** " + flows(content[name], classes).strip()]
        of = content[name]["results"]["metrics"]
        rows = []
        for key, words in MOTIONS.items():
            if f"shift_{key}" in of:
                seen = number(of.get(f"seen_{key}"))
                rows.append((words, seen, number(of[f"shift_{key}"])))
        auc = number(of["tagger_auc"])
        head = (f"{name}", "told from others, AUC", f"change of the tagger's score (AUC {auc})")
        parts.append(markdown(head, rows))
    return "\n\n".join(parts)


KINDS = {
    "warped": "surfaces bent at random",
    "watched": "classes that depend on angle and radius",
    "unequal": "Gaussian clouds of unequal spread",
}


def false(content: dict[str, Any]) -> str:
    """Sets without a symmetry, and clouds in which it is broken more and more."""
    of = content["beyond"]["false_discoveries"]
    rows = [(KINDS[k], str(v["claims"]), str(v["sets"])) for k, v in of["by_kind"].items()]
    rows.append(("all", str(of["claims"]), str(of["sets"])))
    power = [
        (
            f"{row['ratio']:.2f}",
            f"{row['imbalance']:.3f} ± {row['imbalance_error']:.3f}",
            f"{row['claimed']:.2f} ± {row['error']:.2f}",
        )
        for row in of["power"]
    ]
    first = markdown(("sets without a symmetry", "claimed", "of"), rows)
    head = ("ratio of the spreads", "imbalance of one cloud", "share of clouds claimed")
    return f"{first}\n\n{markdown(head, power)}"


LORENTZ = {
    "generators": "generators found",
    "rotations": "of which compact (rotations)",
    "gap": "change along the next motion, over theirs",
    "open": "largest part of a bracket outside their span",
    "outside": "largest part of a rotation or boost outside it",
    "brackets": "largest deviation of a structure constant",
}


def lorentz(content: dict[str, Any]) -> str:
    """The algebra found with the mass of the generator, and with the measured one."""
    found = content["beyond"]["lorentz"]
    rows = [
        (words, *(f"{of['value'][key]:.2g} ± {of['error'][key]:.1g}" for of in found.values()))
        for key, words in LORENTZ.items()
    ]
    head = (f"{found['generated']['jets']} jets", "generated mass", "measured mass")
    return markdown(head, rows)


TABLES: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], str]]] = {
    "discrete": (("discrete",), discrete),
    "digits": (("digits",), digits),
    "ablation": (("ablation",), ablation),
    "physics": (tuple(EVENTS), physics),
    "false": (("beyond",), false),
    "lorentz": (("beyond",), lorentz),
}


def fill(text: str, content: dict[str, Any]) -> str:
    """The page with the tables that there is content for."""
    for name, (needed, table) in TABLES.items():
        if not any(key in content for key in needed):
            continue
        begin, end = (mark.format(f"symmetry-{name}") for mark in MARKS)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table(content)}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    """Store the runs that are given, then write every table."""
    content: dict[str, Any] = json.loads(STORED.read_text()) if STORED.exists() else {}
    for word in sys.argv[1:]:
        name, run = word.split("=", 1)
        content[name] = store(name, Path(run))
    STORED.write_text(json.dumps(content, indent=1) + "\n")
    PAGE.write_text(fill(PAGE.read_text(), content))


if __name__ == "__main__":
    main()
