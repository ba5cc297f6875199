"""The card of an event set: what is in it and how it was made, as Hugging Face reads it."""

from __future__ import annotations

from typing import Any

import yaml

from calovision.events.reader import EventStore

#: events up to which a size has a name there
_SIZES = {1e3: "n<1K", 1e4: "1K<n<10K", 1e5: "10K<n<100K", 1e6: "100K<n<1M", 1e7: "1M<n<10M"}


def data_card(store: EventStore) -> str:
    """Markdown for the README.md of a set that is shared: its shards show as a table there.

    Args:
        store: the set on disk. Its licence is left to its author.
    """
    about, number = store.manifest, len(store)
    size = next((name for most, name in _SIZES.items() if number < most), "10M<n<100M")
    head: dict[str, Any] = {
        "tags": ["particle-physics", "calorimeter", store.geometry.schema],
        "size_categories": [size],
        "configs": [{"config_name": "default", "data_files": "*.parquet"}],
    }
    lines = [f"# {store.path.resolve().name}", ""]
    lines += [f"{number:,} events, {int(about['hits']):,} hits; set {store.hash[:12]}.", ""]
    lines += [
        "A row is an event: its columns, and lists of cell, channel and energy of its hits.",
        "",
    ]
    lines += ["    import calovision as cv", '    events = cv.open("FOLDER")', "", "## Columns", ""]
    units = about["units"]
    for name in about["columns"]:
        unit = f", {units[name]}" if units.get(name) else ""
        lines.append(f"- `{name}`{unit}")
    if "label" in about["columns"]:
        classes = enumerate(store.geometry.classes)
        lines += ["", "Classes: " + ", ".join(f"{k} {name}" for k, name in classes) + "."]
    lines += ["", "## Grid", ""]
    grid = store.geometry
    lines.append(
        f"{grid.name}: {grid.rows} x {grid.cols} cells of {', '.join(grid.channel_names)}."
    )
    lines += ["", "## How it was made", "", "```yaml"]
    lines += [yaml.safe_dump(about["provenance"], sort_keys=False).rstrip(), "```", ""]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n" + "\n".join(lines)
