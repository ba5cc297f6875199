"""Write the results of finished studies into README.md and docs/, from their files.

Run from the root of the checkout:

    python docs/write_results.py STUDY_FOLDER ...  # e.g. of --scale standard
    python docs/write_results.py                   # the tables again, from docs/results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))

import tables_egamma  # noqa: E402
import tables_jet_generation  # noqa: E402
import tables_jet_tagging  # noqa: E402
import tables_jet_vae  # noqa: E402
import tables_symmetry  # noqa: E402

STORED = ROOT / "docs" / "results"
IMAGES = ROOT / "docs" / "images"
#: per study: page to function that makes its text from the stored content
PAGES: dict[str, dict[str, Callable[[dict[str, Any]], str]]] = {
    "jet-vae": {"README.md": tables_jet_vae.short, "docs/jet-vae.md": tables_jet_vae.full},
    "jet-tagging": {
        "README.md": tables_jet_tagging.short,
        "docs/jet-tagging.md": tables_jet_tagging.full,
    },
    "jet-generation": {
        "README.md": tables_jet_generation.short,
        "docs/jet-generation.md": tables_jet_generation.full,
    },
    "egamma": {"README.md": tables_egamma.short, "docs/egamma.md": tables_egamma.full},
    "symmetry": {"README.md": tables_symmetry.short, "docs/symmetry.md": tables_symmetry.full},
}
DRAW = {
    "jet-vae": tables_jet_vae.draw,
    "jet-tagging": tables_jet_tagging.draw,
    "jet-generation": tables_jet_generation.draw,
    "egamma": tables_egamma.draw,
    "symmetry": tables_symmetry.draw,
}
EXTRAS = (
    "scaling",
    "robustness",
    "explanation",
    "response",
    "steps",
    "costs",
    "parts",
)  #: further files of a study


def fill(page: Path, study: str, text: str) -> None:
    """Put ``text`` between the study's markers in ``page``."""
    begin, end = f"<!-- {study}: begin -->", f"<!-- {study}: end -->"
    before, rest = page.read_text().split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def store(folder: Path) -> None:
    """Keep what a study found, without paths of this machine, and a picture of it."""
    content = json.loads((folder / "comparison.json").read_text())
    for result in content["models"] + content.get("protocol", []):
        result["data"].pop("path")
    for name in EXTRAS:
        if (folder / f"{name}.json").exists():
            content[name] = json.loads((folder / f"{name}.json").read_text())
    STORED.mkdir(exist_ok=True)
    IMAGES.mkdir(exist_ok=True)
    study = content["study"]
    (STORED / f"{study}.json").write_text(json.dumps(content, indent=1) + "\n")
    DRAW[study](folder).savefig(IMAGES / f"{study}.png", dpi=90, bbox_inches="tight")


def main() -> None:
    """Store the studies that are given, then write every table."""
    for folder in sys.argv[1:]:
        store(Path(folder))
    for study, pages in PAGES.items():
        if not (STORED / f"{study}.json").exists():
            continue  # nobody has stored it yet: its pages have no numbers
        content = json.loads((STORED / f"{study}.json").read_text())
        for page, text in pages.items():
            fill(ROOT / page, study, text(content))


if __name__ == "__main__":
    main()
