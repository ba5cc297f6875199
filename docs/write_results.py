"""Write the results of finished studies into README.md and docs/, from their files.

Of every study: a short table in docs/results.md, all of it on the page of the system, and a row of
the table in README.md.

Run from the root of the checkout:

    python docs/write_results.py STUDY_FOLDER ...  # e.g. of --scale standard
    python docs/write_results.py                   # the tables again, from docs/results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))

import tables_egamma  # noqa: E402
import tables_jet_generation  # noqa: E402
import tables_jet_tagging  # noqa: E402
import tables_jet_vae  # noqa: E402
import tables_summary  # noqa: E402
import tables_symmetry  # noqa: E402
from tables import provenance  # noqa: E402

STORED = ROOT / "docs" / "results"
IMAGES = ROOT / "docs" / "images"
#: study to what makes its tables and its picture
TABLES = {
    "jet-vae": tables_jet_vae,
    "jet-tagging": tables_jet_tagging,
    "jet-generation": tables_jet_generation,
    "egamma": tables_egamma,
    "symmetry": tables_symmetry,
}
#: what stands in a page between the markers of a study, made from its stored content
PAGES: dict[str, dict[str, Callable[[dict[str, Any]], str]]] = {
    study: {"docs/results.md": partial(provenance, tables.short), f"docs/{study}.md": tables.full}
    for study, tables in TABLES.items()
}
EXTRAS = (
    "scaling",
    "robustness",
    "explanation",
    "response",
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
    TABLES[study].draw(folder).savefig(IMAGES / f"{study}.png", dpi=90, bbox_inches="tight")


def stored() -> dict[str, dict[str, Any]]:
    """What is kept of every study that somebody has stored; the pages of others have no numbers."""
    files = {study: STORED / f"{study}.json" for study in PAGES}
    return {study: json.loads(f.read_text()) for study, f in files.items() if f.exists()}


def main() -> None:
    """Store the studies that are given, then write every table."""
    for folder in sys.argv[1:]:
        store(Path(folder))
    contents = stored()
    for study, content in contents.items():
        for page, text in PAGES[study].items():
            fill(ROOT / page, study, text(content))
    summary, result = tables_summary.summary(contents), tables_summary.sentence(contents)
    fill(ROOT / "README.md", "summary", summary)
    fill(ROOT / "README.md", "result", result)
    fill(ROOT / "docs/which-model.md", "costs", tables_summary.costs(contents))
    fill(ROOT / "docs/which-model.md", "shipped", tables_summary.shipped_costs())
    front = summary.replace("(docs/", "("), result.replace("(docs/", "(")
    for name, text in zip(("summary", "result"), front, strict=True):
        fill(ROOT / "docs/index.md", name, text)


if __name__ == "__main__":
    main()
